"""What importing `common` sets: quiet C++ libraries, unless the user wants to hear them."""

from __future__ import annotations

import importlib
import os

import pytest

import common

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "NONE"}


@pytest.fixture
def imported(monkeypatch):
    """Import it anew, where some variables are set already; returns those that it is about."""

    def imported(**given):
        for name in QUIET:
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        importlib.reload(common)
        return {name: os.environ.get(name) for name in QUIET}

    return imported


def test_the_libraries_under_keras_are_quiet(imported):
    assert imported() == QUIET


def test_what_the_user_has_set_stays(imported):
    given = {"TF_CPP_MIN_LOG_LEVEL": "0", "GRPC_VERBOSITY": "DEBUG"}
    assert imported(**given) == given
