"""Languages: codes, what to write instead of a wrong one, and packages that are not there."""

from __future__ import annotations

import importlib.util

import pytest

from common.errors import InputError
from common.text.languages import check_language, language_codes, load_blank


def test_the_languages_are_those_of_spacy():
    assert {"en", "de", "zh", "xx"} <= set(language_codes())
    for code in ("en", "de", "xx"):
        check_language(code)
        assert load_blank(code).lang == code


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("german", "de"),
        ("Deutsch", "de"),
        ("EN", "en"),
        ("de_DE", "de"),
        ("jp", "ja"),
        ("chinesse", "zh"),
        ("enn", "en"),
    ],
)
def test_a_wrong_code_is_named_with_the_nearest(given, meant):
    with pytest.raises(
        InputError, match=f"--language: no language '{given}'; did you mean .*{meant}.*af am ar"
    ) as error:
        check_language(given)
    assert len(str(error.value)) <= 300
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("code", "package"), [("th", "pythainlp"), ("ja", "sudachipy"), ("vi", "pyvi")])
def test_a_language_whose_segmenter_is_missing_says_which(code, package):
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(InputError, match=f"--language {code}: .*{package}.* not installed; install it, or"):
        load_blank(code)
