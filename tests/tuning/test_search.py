"""A search with a training function that takes no time: proposals, pruning, kills, workers that share, the report."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import sys
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

import tuning
from common.errors import InputError
from common.output import claim, make_ours, workspace_of
from common.training.checkpoint import check_space, checkpoint_folder
from language_model.config import LanguageModelConfig
from sentiment.config import SentimentConfig
from tuning.search import Candidate, _facts, _watch, compare, make_job
from tuning.study import JOURNAL, claimed, open_study, take_trial, trial_folder

SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "dropout": {"low": 0.0, "high": 0.6, "step": 0.1},
    "pooling": {"choices": ["mean", "max"]},
}

FORKS = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # what is forked uses no thread of ours


class Killed(BaseException):
    """Stands for a kill."""


@pytest.fixture
def train(monkeypatch, request):
    """In place of `sentiment.train`: three epochs, a score that the settings give, a folder like a bundle's."""
    calls = []

    def train(data, output_dir, config, on_epoch=None, **options):
        calls.append((output_dir.name, options["resume"]))
        if train.fails(config):
            raise InputError("--dropout: too much")
        score = 0.5 - abs(config.dropout - 0.3) - abs(config.learning_rate - 0.001) + 0.001 * config.seed
        for epoch in (1, 2, 3):
            if (len(calls), epoch) == train.dies_at:
                raise Killed
            if on_epoch:
                on_epoch(epoch, {"loss": 1.0, "r2": score + 0.01 * epoch})
        output_dir.mkdir(parents=True)
        (output_dir / "config.json").write_text(json.dumps(vars(config)))
        scores = {"r2": None if train.lacks_score(config) else score}
        (output_dir / "metrics.json").write_text(json.dumps({"validation": scores}))
        (output_dir / "manifest.json").write_text('{"format_version": 2, "task": "sentiment", "files": {}}')

    if "report" not in request.node.name:
        monkeypatch.setattr(sys.modules["tuning.search"], "write_search_report", lambda *given: None)
    train.fails = train.lacks_score = lambda config: False
    train.dies_at, train.calls = None, calls
    monkeypatch.setattr(sys.modules["tuning.search"], "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr("sentiment.train", train)
    monkeypatch.setattr("keras.backend.clear_session", lambda: None)
    return train


def run(folder, num_trials=12, **options):
    return tuning.search(
        "sentiment", [("Good.", 9)], folder, SPACE, num_trials=num_trials, **{"num_seeds": 2, "prune": False, **options}
    )


def proposals(result):
    return [(trial.number, trial.params, trial.value, trial.state) for trial in result.trials]


def test_the_best_settings_and_the_report(train, tmp_path):
    result = run(tmp_path / "search")
    assert result.best.values["dropout"] == pytest.approx(0.3, abs=0.11)
    assert result.best.mean == max(each.mean for each in result.candidates)
    assert result.candidates[0].name == "default"
    assert len(result.best.scores) == 2
    assert json.loads((tmp_path / "search" / "best.json").read_text()) == result.best.values
    page = (tmp_path / "search" / "report.html").read_text()
    for text in (
        "Importance",
        "Settings and scores",
        "All trials",
        result.verdict.sentence,
        "0 to 0.6 in steps of 0.1",
    ):
        assert text in page
    assert result.verdict.outcome == "ahead"
    assert "dropout" in result._repr_html_()


def test_the_same_seed_proposes_the_same_trials(train, tmp_path):
    first, again = (run(tmp_path / name, 12) for name in "ab")
    assert proposals(first) == proposals(again)
    other = run(tmp_path / "c", config=SentimentConfig(seed=2))
    assert proposals(first)[0][1] != proposals(other)[0][1]


@pytest.mark.parametrize(("dies_at", "prune"), [((1, 1), False), ((7, 3), False), ((8, 2), True), ((9, 1), True)])
def test_a_search_that_is_killed_and_resumed_ends_as_one_that_was_not(dies_at, prune, train, tmp_path):
    whole = run(tmp_path / "whole", 8, prune=prune)
    train.calls.clear()
    train.dies_at = dies_at
    with pytest.raises(Killed):
        run(tmp_path / "killed", 8, prune=prune)
    train.dies_at = None
    resumed = run(tmp_path / "killed", 8, resume=True, prune=prune)
    assert proposals(resumed) == proposals(whole)
    assert resumed.candidates == whole.candidates
    assert resumed.best == whole.best


def test_a_half_written_line_of_the_journal_is_taken_back(train, tmp_path):
    whole = run(tmp_path / "search", num_trials=3)
    with open(tmp_path / "search" / JOURNAL, "a") as journal:
        journal.write('{"op_code": 5, "wor')
    more = run(tmp_path / "search", num_trials=5, resume=True)
    assert proposals(more)[:3] == proposals(whole)
    assert len(more.trials) == 5


def test_trials_that_stay_behind_are_stopped_and_the_report_says_so(train, tmp_path):
    result = run(tmp_path / "search", prune=True)
    states = [trial.state for trial in result.trials]
    assert states.count(TrialState.PRUNED) >= 2
    stopped = next(trial for trial in result.trials if trial.state == TrialState.PRUNED)
    assert len(stopped.intermediate_values) < 4
    assert not trial_folder(tmp_path / "search", stopped.number).exists()
    assert "stopped early" in (tmp_path / "search" / "report.html").read_text()


def test_a_trial_that_fails_is_noted_and_all_that_fail_end_the_search(train, tmp_path):
    train.fails = lambda config: config.pooling == "mean"
    result = run(tmp_path / "search")
    failed = [trial for trial in result.trials if trial.state == TrialState.FAIL]
    assert failed
    assert failed[0].user_attrs["error"] == "--dropout: too much"
    train.fails = lambda config: True
    with pytest.raises(InputError, match="the first 3 trials failed; the first said: --dropout: too much"):
        run(tmp_path / "other")


def _take_all(folder, job, taken):
    study = open_study(folder, 1, True, False)
    while True:
        with take_trial(study, folder, job.space, job.num_trials) as trial:
            if trial is None:
                return
            taken.put(trial.number)
            study.tell(trial, 0.0)


@FORKS
def test_workers_never_take_one_trial(tmp_path):
    job = make_job("sentiment", [("Good.", 9)], tmp_path, SPACE, None, 20, False, {})
    context = multiprocessing.get_context("fork")
    taken = context.Queue()
    workers = [context.Process(target=_take_all, args=(tmp_path, job, taken)) for _ in range(3)]
    for worker in workers:
        worker.start()
    numbers = [taken.get(timeout=60) for _ in range(20)]
    for worker in workers:
        worker.join()
    assert sorted(numbers) == list(range(20))
    assert taken.empty()


def _hold(folder, held, end):
    with claim(trial_folder(folder, 0)):
        held.set()
        end.wait()


@FORKS
def test_a_trial_of_another_process_is_left_to_it(tmp_path):
    job = make_job("sentiment", [("Good.", 9)], tmp_path, SPACE, None, 5, False, {})
    study = job.open()
    with take_trial(study, tmp_path, job.space, 5) as trial:
        assert trial.number == 0
    context = multiprocessing.get_context("fork")
    held, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, end))
    other.start()
    held.wait()
    with take_trial(study, tmp_path, job.space, 5) as trial:
        assert trial.number == 1
    end.set()
    other.join()
    with take_trial(study, tmp_path, job.space, 5) as trial:
        assert trial.number == 0  # it was left unfinished


def test_what_a_folder_holds(train, tmp_path):
    run(tmp_path / "search", num_trials=2)
    with pytest.raises(InputError, match="holds a search; add --resume"):
        run(tmp_path / "search")
    with pytest.raises(InputError, match="another space"):
        tuning.search(
            "sentiment", [("Good.", 9)], tmp_path / "search", {"dropout": SPACE["dropout"]}, prune=False, resume=True
        )
    with pytest.raises(InputError, match="another data"):
        tuning.search("sentiment", [("Bad.", 1)], tmp_path / "search", SPACE, prune=False, resume=True)
    with pytest.raises(InputError, match="no search to resume"):
        run(tmp_path / "nothing", resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="is not empty"):
        run(tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_setting_that_is_given_is_not_searched(tmp_path):
    config = SentimentConfig(dropout=0.2)
    with pytest.raises(InputError, match="--dropout: given for all trials, and in the space"):
        make_job("sentiment", [], tmp_path, SPACE, config, 5, False, {})
    assert "dropout" not in make_job("sentiment", [], tmp_path, None, config, 5, False, {}).space
    with pytest.raises(InputError, match="no task 'sentimental'"):
        make_job("sentimental", [], tmp_path, SPACE, None, 5, False, {})


@pytest.mark.parametrize(
    ("ours", "outcome"), [([0.6, 0.7], "ahead"), ([0.6, 0.4], "even"), ([0.4, 0.4], "behind"), ([0.5, 0.5], "even")]
)
def test_the_verdict_goes_by_seeds(ours, outcome, tmp_path):
    job = make_job("sentiment", [], tmp_path, SPACE, None, 5, False, {})
    assert compare(job, Candidate(0, {}, ours), Candidate(None, {}, [0.5, 0.5])).outcome == outcome
    worse = make_job("language_model", [], tmp_path, {"dropout": SPACE["dropout"]}, None, 5, False, {})
    assert compare(worse, Candidate(0, {}, [90.0]), Candidate(None, {}, [100.0])).outcome == "ahead"


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"junk\n", b"[]\n", b'{"x": 1}\n'])
def test_a_damaged_journal_is_one_line(line, tmp_path):
    open_study(tmp_path, 1, True, False)
    with open(tmp_path / "journal.log", "ab") as journal:
        journal.write(line)
    with pytest.raises(InputError, match=r"journal\.log: damaged"):
        open_study(tmp_path, 1, True, False)


def test_a_trial_that_ends_while_it_is_looked_at_is_not_taken_again(tmp_path, monkeypatch):
    study, space = open_study(tmp_path, 1, True, False), {"dropout": FloatDistribution(0.1, 0.5)}
    first = study.ask()

    def claim_late(place):
        if study.trials[0].state == TrialState.RUNNING:
            study.tell(first, 0.5)
        return claim(place)

    monkeypatch.setattr("tuning.study.claim", claim_late)
    with take_trial(study, tmp_path, space, 2) as trial:
        assert trial.number == 1


# -- Troubles -------------------------------------------------------------------------------------------------------


def _die(*given, **named):
    raise Killed


def test_a_trial_without_a_score_fails(train, tmp_path):
    train.lacks_score = lambda config: config.pooling == "mean" and config.dropout != SentimentConfig.dropout
    result = run(tmp_path)
    failed = next(trial for trial in result.trials if trial.state == TrialState.FAIL)
    assert f"{failed.number + 1:04d}: validation r2 is not defined" in failed.user_attrs["error"]
    assert result.best.values["pooling"] == "max"


@pytest.mark.parametrize("resume", [False, True])
def test_a_seed_without_a_score_is_left_out_aloud(resume, train, tmp_path, caplog):
    train.lacks_score = lambda config: config.seed == 2
    if resume:
        run(tmp_path, 4)
    with caplog.at_level("INFO", "rnn_language"):
        result = run(tmp_path, 4, resume=resume)
    assert [len(each.scores) for each in result.candidates] == [1, 1, 1, 1]
    assert "Default with seed 2: failed" in caplog.text
    assert "Left out: seed 2, with which the settings without a search have no score" in caplog.text


def test_the_report_names_the_seeds_that_count(train, tmp_path):
    train.lacks_score = lambda config: config.seed == 2 and config.dropout == SentimentConfig.dropout
    run(tmp_path, 4, num_seeds=3)
    page = (tmp_path / "report.html").read_text()
    assert "seed 3" in page
    assert "seed 2" not in page


def test_settings_without_a_score_with_one_seed_are_left_out_aloud(train, tmp_path, caplog):
    best = run(tmp_path / "first", 4).best
    train.lacks_score = lambda config: config.seed == 2 and config.learning_rate == best.values["learning_rate"]
    with caplog.at_level("INFO", "rnn_language"):
        result = run(tmp_path / "second", 4)
    assert len(result.candidates) == 3
    assert best.trial not in [each.trial for each in result.candidates]
    assert f"Left out: {best.name}, which has no score with seed 2" in caplog.text


def test_no_score_without_a_search_is_one_line(train, tmp_path):
    train.lacks_score = lambda config: config.learning_rate == SentimentConfig.learning_rate
    with pytest.raises(InputError, match="no validation r2 without a search, with any seed"):
        run(tmp_path, 4)


@pytest.mark.parametrize("scores", [{"loss": 1.0}, {"loss": 1.0, "r2": math.nan}])
def test_an_epoch_without_the_score_fails_the_trial(scores, tmp_path):
    job = make_job("sentiment", [("Good.", 9)], tmp_path, SPACE, None, 5, False, {})
    with pytest.raises(InputError, match="validation r2 is not defined"):
        _watch(job, job.open().ask(), 1, scores)


def test_a_search_needs_validation_data(tmp_path):
    config = LanguageModelConfig(validation_split=0.0)
    with pytest.raises(InputError, match="--validation-split: found 0, a search needs validation data"):
        make_job("language_model", ["Good."], tmp_path, None, config, 5, False, {"validation": None})
    make_job("language_model", ["Good."], tmp_path, None, config, 5, False, {"validation": ["Good."]})


def test_a_default_that_is_given_is_not_searched(tmp_path):
    with pytest.raises(InputError, match="--dropout: given for all trials, and in the space"):
        make_job("sentiment", [], tmp_path, SPACE, None, 5, False, {}, {"dropout"})
    assert "dropout" not in make_job("sentiment", [], tmp_path, None, None, 5, False, {}, {"dropout"}).space
    everything = list(make_job("sentiment", [], tmp_path, None, None, 5, False, {}).space)
    with pytest.raises(InputError, match=r"all settings of tuning/spaces/sentiment\.toml are given"):
        make_job("sentiment", [], tmp_path, None, None, 5, False, {}, everything)


FORK = multiprocessing.get_context("fork")


def _end_a_trial(folder, number, held):
    with claim(trial_folder(folder, number)):
        held.set()
        time.sleep(0.3)
        open_study(folder, 1, True, False).tell(number, 0.25)


@FORKS
def test_a_search_waits_for_the_trials_of_another_process(train, tmp_path, caplog):
    run(tmp_path, 3)
    open_study(tmp_path, 1, True, False).ask()
    held = FORK.Event()
    other = FORK.Process(target=_end_a_trial, args=(tmp_path, 3, held))
    other.start()
    held.wait()
    with caplog.at_level("INFO", "rnn_language"):
        result = run(tmp_path, 4, resume=True)
    other.join()
    assert result.trials[3].value == 0.25
    assert "Waiting for another process, which is at the last trials" in caplog.text


def _hold_for_a_moment(place, held):
    with claim(place):
        held.set()
        time.sleep(0.3)


@FORKS
def test_a_search_waits_for_a_seed_of_another_process_and_trains_it_if_that_did_not(train, tmp_path, caplog):
    whole = run(tmp_path / "whole", 3)
    (tmp_path / "search").mkdir()
    held = FORK.Event()
    place = tmp_path / "search" / "seeds" / "default-2"
    other = FORK.Process(target=_hold_for_a_moment, args=(place, held))

    def start(config):
        if other.pid is None:
            other.start()
            held.wait()

    train.fails = start
    with caplog.at_level("INFO", "rnn_language"):
        result = run(tmp_path / "search", 3)
    other.join()
    assert result.candidates == whole.candidates
    assert train.calls[-1][0] == "default-2"
    assert "Waiting for another process, which is at default with seed 2" in caplog.text


def test_a_place_that_nobody_can_have_is_not_waited_for(tmp_path):
    workspace_of(tmp_path / "0001").mkdir()
    (workspace_of(tmp_path / "0001") / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="in the way"), ExitStack() as stack:
        claimed(tmp_path / "0001", stack)


def test_too_little_space_ends_the_search_and_fails_no_trial(train, tmp_path, monkeypatch):
    def too_little(config):
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10))
            check_space(tmp_path / "run.checkpoint", 1_000_000)

    train.fails = too_little
    with pytest.raises(InputError, match="free some space"):
        run(tmp_path / "search", 4)
    train.fails = lambda config: False
    trials = run(tmp_path / "search", 4, resume=True).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4


def test_a_place_that_can_no_longer_be_written_fails_no_trial(train, tmp_path, monkeypatch):
    def refuse(*given):
        raise InputError("trials: cannot be written")

    with monkeypatch.context() as patch:
        train.fails = lambda config: patch.setattr(sys.modules["tuning.search"], "check_writable", refuse) is None
        with pytest.raises(InputError, match=r"^trials: cannot be written"):
            run(tmp_path, 4)
    train.fails = lambda config: False
    assert [trial.state for trial in run(tmp_path, 4, resume=True).trials] == [TrialState.COMPLETE] * 4


@pytest.mark.parametrize("file", ["search.json", "marker"])
def test_a_search_that_was_killed_as_it_began_begins_again(file, train, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            *{"search.json": (os, "fsync"), "marker": (sys.modules["tuning.search"], "replace_file")}[file], _die
        )
        with pytest.raises(Killed):
            run(tmp_path / "search", 2)
    if file == "search.json":  # a kill leaves the workspace, too
        make_ours(workspace_of(tmp_path / "search" / "search.json"))
    with pytest.raises(InputError, match="no search to resume; leave out --resume"):
        run(tmp_path / "search", 2, resume=True)
    assert len(run(tmp_path / "search", 2).trials) == 2


@pytest.mark.parametrize("name", ["validation", "start"])
def test_a_file_that_is_named_by_a_text_may_not_change(name, train, tmp_path):
    (tmp_path / "model").mkdir()
    file = {"validation": tmp_path / "validation.csv", "start": tmp_path / "model" / "manifest.json"}[name]
    option = {name: str(file if name == "validation" else file.parent)}
    file.write_text("one")
    run(tmp_path / "search", 2, **option)
    run(tmp_path / "search", 2, resume=True, **option)
    file.write_text("another")
    with pytest.raises(InputError, match="another options"):
        run(tmp_path / "search", 2, resume=True, **option)


def test_options_that_are_no_files(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auto").mkdir()
    options = {"start": "auto", "about_data": "x" * 5000, "validation": None, "groups": "", "teachers": []}
    job = make_job("sentiment", [], tmp_path, SPACE, None, 5, False, options)
    assert _facts(job)["options"] == {"start": "auto", "about_data": "x" * 5000}


@pytest.mark.parametrize("ends", ["done", "failed"])
def test_a_checkpoint_without_use_is_removed(ends, train, tmp_path, monkeypatch):
    def leave_checkpoint(config):
        folder = checkpoint_folder(trial_folder(tmp_path, 0))
        make_ours(folder)
        (folder / "epoch-0001").mkdir()
        return ends == "failed" and len(train.calls) == 1

    train.fails = lambda config: len(train.calls) == 1 and leave_checkpoint(config)
    if ends == "done":  # killed between its bundle and the end of the trial
        with monkeypatch.context() as patch:
            patch.setattr("optuna.Study.tell", _die)
            with pytest.raises(Killed):
                run(tmp_path, 2)
    result = run(tmp_path, 2, resume=ends == "done")
    assert result.trials[0].state == (TrialState.COMPLETE if ends == "done" else TrialState.FAIL)
    assert not checkpoint_folder(trial_folder(tmp_path, 0)).exists()


@pytest.mark.parametrize(("number", "drawn"), [(1, 1), (2, 2), (11, 1)])
def test_a_kill_while_a_trial_is_proposed_does_not_change_it(number, drawn, train, tmp_path, monkeypatch):
    whole = run(tmp_path / "whole", 12)
    suggest = sys.modules["tuning.study"]._suggest

    def suggest_or_die(trial, name, values):
        if trial.number == number and len(trial.params) == drawn:
            raise Killed
        suggest(trial, name, values)

    with monkeypatch.context() as patch:
        patch.setattr("tuning.study._suggest", suggest_or_die)
        with pytest.raises(Killed):
            run(tmp_path / "killed", 12)
    assert proposals(run(tmp_path / "killed", 12, resume=True)) == proposals(whole)
