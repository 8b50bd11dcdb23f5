"""The command that serves: what its options become, and what is refused before a model is loaded."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from common.errors import InputError
from serving import running
from serving.cli import TOKEN, check, is_loopback, serve
from serving.limits import ServerConfig
from serving.running import Options


@pytest.fixture
def given(monkeypatch):
    """A function from arguments to what would be run."""
    monkeypatch.delenv(TOKEN, raising=False)
    found = []
    monkeypatch.setattr(running, "run", found.append)

    def given(*argv):
        serve([*map(str, argv)])
        return found.pop()

    return given


def test_without_options_it_is_the_default_server(given):
    assert replace(given(), models=(), origins=()) == Options()
    assert (given().models, given().origins) == ([], [])


def test_each_option_goes_to_its_place(given, monkeypatch, tmp_path):
    (tmp_path / "index.html").touch()
    monkeypatch.setenv(TOKEN, "sesame")
    options = "--model a --model b --host 0.0.0.0 --port 65535 --workers 2 --threads 3 --cors-origin https://x.org"
    limits = ServerConfig(max_texts=7, batch_wait=0.0)
    assert given(*options.split(), "--max-texts", 7, "--batch-wait", 0, "--site", tmp_path) == Options(
        ["a", "b"], "0.0.0.0", 65535, 2, 3, str(tmp_path), ["https://x.org"], "sesame", limits
    )


def test_an_empty_token_is_none(given, monkeypatch):
    monkeypatch.setenv(TOKEN, "")
    assert given().token is None


def test_the_option_for_pages_of_other_places_is_only_in_the_whole_help(capsys):
    for option, is_shown in (("--help", False), ("--help-all", True)):
        with pytest.raises(SystemExit):
            serve([option])
        assert ("--cors-origin" in capsys.readouterr().out) == is_shown


@pytest.mark.parametrize("argv", [["--model"], ["--port", "x"], ["--port", "70000"]])
def test_options_that_will_not_do_run_nothing(given, argv):
    with pytest.raises((InputError, SystemExit)):
        given(*argv)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "serving.running", None)
    with pytest.raises(InputError, match=r"serve: needs the package serving\.running; pip install"):
        serve([])


@pytest.mark.parametrize("port", [0, 65_535])
def test_ports_at_the_ends_are_served(port):
    check("localhost", port, 1, None)


@pytest.mark.parametrize(
    ("port", "workers", "message"),
    [
        (-1, 1, "--port: found -1, wanted from 0 to 65535"),
        (65_536, 1, "--port: found 65536"),
        (80, 0, "--workers: found 0, wanted at least 1"),
    ],
)
def test_numbers_beyond_the_ends_are_refused(port, workers, message):
    with pytest.raises(InputError, match=message):
        check("localhost", port, workers, None)


def test_a_site_needs_a_first_page(tmp_path):
    with pytest.raises(InputError, match=r"--site: .* has no index\.html"):
        check("localhost", 80, 1, tmp_path)


@pytest.mark.parametrize(
    ("host", "token", "warns"), [("0.0.0.0", "", True), ("0.0.0.0", "t", False), ("::1", "", False)]
)
def test_who_lets_everybody_in_is_warned(monkeypatch, capsys, host, token, warns):
    monkeypatch.setenv(TOKEN, token)
    check(host, 80, 1, None)
    assert ("WARNING: whoever reaches 0.0.0.0" in capsys.readouterr().err) == warns


def test_other_names_of_hosts_are_no_loopback():
    assert not is_loopback("example.org")
