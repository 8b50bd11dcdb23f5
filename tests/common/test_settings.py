"""Settings: from defaults, a file and flags; what is wrong is said in one line."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, fields

import pytest

from common.cli.flags import add_overrides, add_settings, make_parser, override, read_settings
from common.errors import InputError
from common.json_files import read_json_object
from common.settings import TrainingConfig, group_of, inherit, is_basic, kind_of, make_config, setting


@dataclass(frozen=True)
class ToyConfig(TrainingConfig):
    architecture: str = setting("gru", "the layer", ("gru", "lstm"))
    units: int = setting(5, "size of the state; 100% of it", minimum=1, maximum=9)
    dropout: float = setting(0.5, "share dropped", minimum=0, maximum=0.99)
    lowercase: bool = setting(True, "lower-case first")
    group_column: str | None = setting(None, "a column")
    num_epochs: int = setting(2, "passes", minimum=1)


@pytest.fixture
def read(tmp_path):
    def read(*argv, file=None):
        parser = make_parser("toy.train", "Toy.")
        add_settings(parser, ToyConfig)
        if file is not None:
            path = tmp_path / "settings.json"
            path.write_text(file if isinstance(file, str) else json.dumps(file))
            argv = ["--config", str(path), *argv]
        return read_settings(parser.parse_args(argv), ToyConfig)

    return read


def test_defaults(read):
    assert read() == ToyConfig()
    assert read().num_epochs == 2, "a task's own default, not the shared one"


def test_every_setting_has_a_flag(read):
    flags = (
        "--architecture lstm --units 7 --dropout 0.25 --no-lowercase --group-column film --learning-rate 1e-4 --seed 3"
    )
    config = read(*flags.split())
    wanted = ToyConfig(
        architecture="lstm", units=7, dropout=0.25, lowercase=False, group_column="film", learning_rate=1e-4, seed=3
    )
    assert config == wanted


def test_help_gives_meaning_and_default(capsys):
    parser = make_parser("toy.train", "Toy.")
    add_settings(parser, ToyConfig)
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--help-all"])
    shown = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    assert "--units INT size of the state; 100% of it (default: 5)" in shown
    assert "--architecture NAME the layer: gru | lstm (default: gru)" in shown
    assert "--lowercase, --no-lowercase" in shown
    assert "--group-column STR a column (default: none)" in shown
    assert all(f"--{field.name.replace('_', '-')}" in shown for field in fields(ToyConfig))


def test_help_shows_what_most_people_need_and_help_all_the_rest(capsys):
    parser = make_parser("toy.train", "Toy.")
    add_settings(parser, ToyConfig)
    for option, hidden in (("--help", True), ("--help-all", False)):
        with pytest.raises(SystemExit):
            parser.parse_args([option])
        shown = capsys.readouterr().out
        assert "--num-epochs INT" in shown, "a setting that is basic in the base class"
        assert "settings: optimization" in shown
        assert ("--weight-decay" not in shown) is hidden


def test_a_preset_gives_way_to_a_file_and_to_flags(tmp_path):
    (tmp_path / "small.json").write_text('{"units": 2, "dropout": 0.1, "lowercase": false}')
    (tmp_path / "mine.json").write_text('{"dropout": 0.2}')
    parser = make_parser("toy.train", "Toy.")
    add_settings(parser, ToyConfig, tmp_path)

    def read(*argv):
        return read_settings(parser.parse_args([str(argument) for argument in argv]), ToyConfig)

    config = read("--preset", "small", "--config", tmp_path / "mine.json", "--units", 3)
    assert (config.units, config.dropout, config.lowercase) == (3, 0.2, False)
    with pytest.raises(InputError, match="--preset tiny: there is none of that name; the presets are mine, small"):
        read("--preset", "tiny")


def test_old_names_of_settings_are_read_from_older_bundles():
    assert ToyConfig.upgrade({"average_momentum": 0.5, "units": 3}) == {"ema_momentum": 0.5, "units": 3}


def test_a_config_made_in_python_is_checked_too():
    ToyConfig().validate()
    with pytest.raises(InputError, match="--units: found 0, wanted from 1 to 9"):
        ToyConfig(units=0).validate()
    with pytest.raises(InputError, match="--lowercase: found '3', wanted bool"):
        ToyConfig(lowercase=3).validate()


def test_flags_win_over_the_file_which_wins_over_defaults(read):
    config = read("--units", "3", file={"units": 2, "dropout": 0, "lowercase": False})
    assert (config.units, config.dropout, config.lowercase, config.architecture) == (3, 0, False, "gru")


def test_null_stands_for_none_where_that_is_the_default(read):
    assert read(file={"group_column": None}).group_column is None
    with pytest.raises(InputError, match="setting units: found 'None', wanted int"):
        read(file={"units": None})


def test_an_unknown_setting_suggests_the_nearest(read):
    with pytest.raises(
        InputError, match=r"settings\.json: setting learning_rat: no such setting; did you mean learning_rate\?"
    ):
        read(file={"learning_rat": 1})
    with pytest.raises(InputError, match="no such setting; see --help"):
        read(file={"qqqqqq": 1})


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--units", "0"], "--units: found 0, wanted from 1 to 9"),
        (["--units", "10"], "--units: found 10, wanted from 1 to 9"),
        (["--num-epochs", "0"], "--num-epochs: found 0, wanted at least 1"),
        (["--dropout", "1"], "--dropout: found 1, wanted from 0 to 0.99"),
        (["--architecture", "transformer"], "--architecture: found 'transformer', wanted one of gru, lstm"),
    ],
)
def test_a_value_out_of_range_says_the_range(read, argv, message):
    with pytest.raises(InputError) as error:
        read(*argv)
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["learning_rate", "dropout", "weight_decay"])
@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-inf", "Infinity", "1e999"])
def test_numbers_must_be_finite(read, name, value):
    with pytest.raises(InputError) as error:
        read(f"--{name.replace('_', '-')}={value}")
    shown = repr(str(float(value)))
    assert str(error.value) == f"--{name.replace('_', '-')}: found {shown}, wanted a finite number"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1" + 400 * "0", "-1" + 400 * "0"])
def test_numbers_in_a_file_must_be_finite(read, value):
    with pytest.raises(InputError, match=r"settings\.json: not valid JSON \(.*(is no number|too large|an integer of)"):
        read(file=f'{{"learning_rate": {value}}}')


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"units": "5"}, "setting units: found '5', wanted int"),
        ({"units": 5.0}, "setting units: found '5.0', wanted int"),
        ({"units": True}, "setting units: found 'True', wanted int"),
        ({"lowercase": 1}, "setting lowercase: found '1', wanted bool"),
        ({"dropout": "a lot"}, "setting dropout: found 'a lot', wanted float"),
        ({"architecture": ["gru"]}, "setting architecture: found \"['gru']\", wanted str"),
    ],
)
def test_a_wrong_type_in_the_file(read, values, message):
    with pytest.raises(InputError, match="wanted") as error:
        read(file=values)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "argv",
    [["--units", "five"], ["--unit", "5"], ["--units"], ["--nonsense"], ["--lowercase=no"]],
)
def test_usage_errors_are_one_line_and_status_2(read, capsys, argv):
    with pytest.raises(SystemExit) as stop:
        read(*argv)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "python -m toy.train --help" in error


@pytest.mark.parametrize("content", ["", "{", "[1]", "3", "[" * 100_000])
def test_a_file_that_holds_no_object(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"settings\.json: (not valid JSON|holds)"):
        read_json_object(path)


def test_a_missing_file(read, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read("--config", str(tmp_path / "nothing.json"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"units": 1, "dropout": 0.99}, None),
        ({"units": 9, "dropout": 0}, None),
        ({"learning_rate": sys.float_info.max}, None),
        (
            {"learning_rate": 10**309},
            "--learning-rate: found '1000000000000000000000000000000000000000…', wanted a finite",
        ),
        ({"dropout": 0.991}, "--dropout: found 0.991, wanted from 0 to 0.99"),
        ({"patience": 2**31 - 1}, None),
        ({"patience": 2**31}, "--patience: found 2,147,483,648, wanted from 0 to 2,147,483,647"),
        ({"patience": 10**25}, "wanted from 0 to 2,147,483,647"),
        ({"dropout": True}, "--dropout: found 'True', wanted float"),
        ({"group_column": 3}, "--group-column: found '3', wanted str"),
        ({"unit": 3}, "--unit: no such setting; did you mean units?"),
        ({"language": "xyzzy"}, "--language: no language 'xyzzy'"),
        ({"normalization": "x"}, "--normalization"),
    ],
)
def test_values_that_a_program_gives(values, message):
    if message is None:
        make_config(ToyConfig, values).validate()
    else:
        with pytest.raises(InputError, match=re.escape(message)):
            make_config(ToyConfig, values).validate()


def test_settings_that_a_run_takes_over_from_a_model():
    own = ToyConfig(units=7, seed=3)
    assert inherit(own, {"units": 7, "dropout": 0.25}, "model") == ToyConfig(units=7, seed=3, dropout=0.25)
    assert inherit(ToyConfig(), {"units": 3}, "model").units == 3
    with pytest.raises(InputError, match="--units: found 7, the language model has 3; leave it out"):
        inherit(own, {"units": 3}, "language model")


def test_what_is_declared_of_a_setting():
    assert [kind_of(ToyConfig, name) for name in ("units", "group_column", "lowercase")] == [int, str, bool]
    assert [group_of(ToyConfig, name) for name in ("units", "num_epochs", "language")] == [
        "other",
        "optimization",
        "data",
    ]
    assert [is_basic(ToyConfig, name) for name in ("units", "num_epochs", "patience")] == [False, True, False]
    with pytest.raises(AttributeError):
        ToyConfig().nothing = 3


def test_a_config_cannot_change():
    with pytest.raises(AttributeError):
        ToyConfig().units = 3
    assert make_config(ToyConfig, {"units": 3}) == ToyConfig(units=3)


def test_a_trained_models_settings_may_be_set_anew_where_a_command_says_so(capsys):
    parser = make_parser("toy.evaluate", "Toy.")
    add_overrides(parser, ToyConfig, ["group_column", "lowercase"])
    trained = ToyConfig(group_column="film", units=7)
    assert override(trained, parser.parse_args([])) == trained
    changed = override(trained, parser.parse_args(["--group-column", "book", "--no-lowercase"]))
    assert changed == ToyConfig(group_column="book", units=7, lowercase=False)
    with pytest.raises(SystemExit):
        parser.parse_args(["--units", "3"])
    assert "--units" in capsys.readouterr().err
