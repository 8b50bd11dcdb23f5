"""A search with a training function that takes no time: proposals, pruning, kills, workers that share, the report."""

from __future__ import annotations

import json
import multiprocessing
import sys

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

import tuning
from common.errors import InputError
from common.output import claim
from sentiment.config import SentimentConfig
from tuning.search import Candidate, compare, make_job
from tuning.study import JOURNAL, open_study, take_trial, trial_folder

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
        (output_dir / "metrics.json").write_text(json.dumps({"validation": {"r2": score}}))
        (output_dir / "manifest.json").write_text('{"format_version": 2, "task": "sentiment", "files": {}}')

    if "report" not in request.node.name:
        monkeypatch.setattr(sys.modules["tuning.search"], "write_search_report", lambda *given: None)
    train.fails, train.dies_at, train.calls = (lambda config: False), None, calls
    monkeypatch.setattr("sentiment.train", train)
    monkeypatch.setattr("keras.backend.clear_session", lambda: None)
    return train


def run(folder, num_trials=12, **options):
    return tuning.search(
        "sentiment", [("Good.", 9)], folder, SPACE, num_trials=num_trials, num_seeds=2, **{"prune": False, **options}
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
