"""Spaces of a search: what a file may say, and what is refused with a line that names its place."""

from __future__ import annotations

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from common.errors import InputError
from sentiment.config import SentimentConfig
from tuning.space import SPACES, describe, make_space, plain, read_space, with_values
from tuning.tasks import TASKS


def read(tmp_path, text):
    path = tmp_path / "space.toml"
    path.write_text(text)
    return read_space(path, SentimentConfig)


def test_ranges_and_choices(tmp_path):
    space = read(
        tmp_path,
        "[learning_rate]\nlow = 1e-4\nhigh = 1e-2\nlog = true\n[units]\nlow = 8\nhigh = 32\nstep = 8\n"
        '[pooling]\nchoices = ["mean", "max"]\n[lowercase]\nchoices = [true, false]\n',
    )
    assert space == {
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "units": IntDistribution(8, 32, step=8),
        "pooling": CategoricalDistribution(["mean", "max"]),
        "lowercase": CategoricalDistribution([True, False]),
    }
    assert describe(space) == {
        "learning_rate": "0.0001 to 0.01, on a logarithmic scale", "units": "8 to 32 in steps of 8",
        "pooling": "mean | max", "lowercase": "True | False",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[learning_rate", "no TOML"),
        ("", "no settings; name at least one"),
        ("[lerning_rate]\nlow = 1\nhigh = 2", r"\[lerning_rate\]: .*did you mean learning_rate"),
        ("[dropout]\nlow = 0.1", "high is missing"),
        ("[dropout]\nlow = 0.1\nhigh = 2", r"\[dropout\]: --dropout: found 2, wanted from 0 to 0.99"),
        ("[dropout]\nlow = 0.5\nhigh = 0.1", r"\[dropout\]: .*low"),
        ("[dropout]\nlow = 0.1\nhigh = 0.5\nhihg = 1", "unknown 'hihg'; a range has low, high"),
        ("[dropout]\nlow = 0.0\nhigh = 0.5\nlog = true", r"\[dropout\]: .*log"),
        ('[dropout]\nlow = 0.1\nhigh = 0.5\nlog = "yes"', "log: found 'yes', wanted true or false"),
        ("[dropout]\nlow = 0.1\nhigh = 0.5\nstep = nan", "step: found nan, wanted a number above 0, at most 0.4"),
        ("[dropout]\nlow = 0.1\nhigh = 0.5\nstep = 7", "step: found 7, wanted"),
        ("[units]\nlow = 8\nhigh = 32\nstep = 1.5", "step: found 1.5, wanted a whole number"),
        ("[dropout]\nlow = 0.1\nhigh = 0.5\nlog = true\nstep = 0.1", "leave out one of them"),
        ('[pooling]\nchoices = ["mean", "mean"]', "'mean' stands twice"),
        ("[seed]\nlow = 1\nhigh = 9", "no setting to search"),
        ("a = " + "[" * 5000, "no TOML"),
        ("#" * (1 << 20) + "\n", "more than 1,048,576 characters"),
        ("[units]\nlow = 8\nhigh = 32\nstep = 0", r"\[units\]: .*step"),
        ("[units]\nlow = 8\nhigh = 16\nstep = 3", "found 3, .* low 8 to 14 and not to high 16; give high = 14, or"),
        ("[dropout]\nlow = 0.1\nhigh = 0.55\nstep = 0.2", r"low 0.1 to 0.5 and not to high 0.55; give high = 0.5, or"),
        ("[dropout]\nlow = 0.1\nhigh = 0.5\nstep = 1e-300", "step: found 1e-300, too small .*; leave it out"),
        ("[units]\nlow = 8\nhigh = 99999999999999999999", "a whole number beyond 2,147,483,647; give a smaller"),
        ("[units]\nlow = 8\nhigh = 2147483648", "found a whole number beyond"),
        ("[units]\nchoices = [8, 99999999999999999999]", "found a whole number beyond"),
        ("units = 0x" + "f" * 5000, "found a whole number beyond"),
        ("[units]\nlow = 8\nhigh = " + "9" * 5000, "no TOML"),
        ("[units]\nlow = 8.5\nhigh = 32", r"\[units\]: --units: found '8.5', wanted int"),
        ("[pooling]\nlow = 1\nhigh = 2", r"\[pooling\]: --pooling: found '1', wanted str"),
        ('[pooling]\nchoices = ["mean", "maximum"]', "found 'maximum', wanted one of"),
        ("[pooling]\nchoices = []", "wanted a list of choices"),
        ('[pooling]\nchoices = ["mean"]\nlow = 1', "choices stand alone"),
        ("dropout = 0.5", r"\[dropout\]: found '0.5', wanted low and high, or choices"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, message, tmp_path):
    with pytest.raises(InputError, match=message) as raised:
        read(tmp_path, text)
    assert "space.toml" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[learning_rate]\nlow = 0.01\nhigh = 0.001", "[learning_rate]: low 0.01 is above high 0.001; exchange them"),
        ("[dropout]\nlow = 0\nhigh = 0.5\nlog = true", "[dropout]: found low = 0 with log = true, wanted more than 0"),
        ("[units]\nlow = 8\nhigh = 32\nstep = 0", "[units]: step: found 0, wanted a whole number above 0, at most 24"),
    ],
)
def test_the_place_is_named_once_and_cuts_no_reason_short(text, message, tmp_path):
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with pytest.raises(InputError) as raised:
        read(folder, text)
    assert str(raised.value) == f"{folder / 'space.toml'}: {message}"


def test_steps_that_end_at_high_are_kept(tmp_path):
    space = read(tmp_path, "[dropout]\nlow = 0.1\nhigh = 0.7\nstep = 0.2\n[units]\nlow = 8\nhigh = 14\nstep = 3")
    assert space == {"dropout": FloatDistribution(0.1, 0.7, step=0.2), "units": IntDistribution(8, 14, step=3)}


@pytest.mark.parametrize("task", TASKS)
def test_the_spaces_that_come_with_the_project(task):
    config_class = TASKS[task].config_class
    for name, values in read_space(SPACES / f"{task}.toml", config_class).items():
        ends = values.choices if isinstance(values, CategoricalDistribution) else (values.low, values.high)
        assert len(set(ends)) > 1
        for value in ends:
            with_values(config_class(), {name: value})


def test_values_that_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="--ngrams: not with --head"):
        with_values(SentimentConfig(ngrams=2), {"head": "categorical"})
    assert plain({"a": 0.1 + 0.2, "b": 3, "c": "x"}) == {"a": 0.3, "b": 3, "c": "x"}


def test_a_space_of_a_dict():
    with pytest.raises(InputError, match=r"space: \[dropout\]: high is missing"):
        make_space({"dropout": {"low": 0.1}}, SentimentConfig)
