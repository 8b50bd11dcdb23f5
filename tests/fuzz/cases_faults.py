"""Programs that break a rule on purpose: each must be counted in its column."""

from __future__ import annotations

from random import Random

from tests.fuzz import faulty
from tests.fuzz.case import Case, Command, Place

FAULTS = {  # the column where each belongs; "" for what is no fault
    "traceback": "tracebacks",
    "traceback of a thread": "tracebacks",
    "memory": "over 1 GB",
    "memory without end": "over 1 GB",
    "read outside": "outside reads",
    "crash": "other",
    "status 3": "other",
    "stray file": "other",
    "stray file, refused": "other",
    "two lines": "other",
    "control character": "other",
    "long line": "other",
    "warning": "other",
    "rows lost": "wrong answers",
    "answer from what is wrong": "wrong answers",
    "refuses what is good": "other",
    "refused": "",
    "answered": "",
    "sleep": "hangs",
    "work": "hangs",
}
NUM_ENDING = len(FAULTS) - list(FAULTS.values()).count("hangs")  # the last ones never end


def make_case(number: int, rng: Random, place: Place) -> Case:
    """The fault of a number."""
    fault = list(FAULTS)[number % len(FAULTS)]
    answers = str(place.case / "answers")
    known = {"may_write": [answers], "output": answers, "num_rows": 2} if fault == "rows lost" else {}
    command = Command(faulty.__name__, [fault], **known)
    wrong = "it is wrong" if fault == "answer from what is wrong" else ""
    return Case(fault, fault, [command], wrong, good=fault == "refuses what is good")
