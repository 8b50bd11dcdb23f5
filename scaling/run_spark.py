"""Shards as tasks of Spark, a partition each; a Python worker loads the model once.

Spark hands shards out and tries again where a worker is lost. It sees neither texts nor answers: the parts are written
by `answer_shard`, so that a task that runs twice writes the same bytes under the same name. On a Spark of its own the
tasks are those of an RDD, for which Java starts and plans nothing of SQL: some seconds less. In a session that is
active they are rows of `mapInArrow`, which a session of Spark Connect has, too.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from common.errors import InputError
from common.text.binary_tables import need
from scaling.answering import Work
from scaling.environment import ONE_THREAD, changed_environment, for_workers, reason
from scaling.run_local import Worker
from scaling.shards import Shard

TRIES = 4  # of a task
# What Java logs: nothing; what fails comes back as an exception.
LOGGING = """
rootLogger.level = off
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
rootLogger.appenderRef.stderr.ref = console
"""
# Java hands out some hundred tasks, for which its second compiler and collectors in threads of their own do not pay.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
Problems: TypeAlias = list[str | None]  # what is wrong with the input of each shard
_workers: dict[Work, Worker] = {}  # of this process: Spark uses a Python worker for many tasks


def run(work: Work, shards: Sequence[Shard], num_workers: int, cluster: str | None = None) -> None:
    """Answer shards.

    Args:
        work: what is done with each.
        shards: those that are not done yet.
        num_workers: Python workers at a time, on this machine; a cluster has its own number.
        cluster: the master, such as `spark://host:7077`; None: this machine, or the session that is active.
    Raises:
        InputError: pyspark is not installed, a shard cannot be read, or Spark fails.
    """
    need("pyspark", "--engine spark", "scale")
    task = _Task(work, list(shards))
    try:
        with _tasks(num_workers, cluster) as answer_all:
            problems = _in_thread(partial(answer_all, task))
    except Exception as error:  # of Java and of py4j, with many lines
        raise InputError(f"--engine spark: {_reason(error)}") from None
    if any(problems):
        raise InputError(next(filter(None, problems)))


def _reason(error: Exception) -> str:
    """What went wrong and what to do, in one line."""
    if "JAVA_GATEWAY" in str(error):
        return "Java does not start; install Java 17 or later, or say in JAVA_HOME where it is"
    return f"{reason(Exception(_told(str(error))))}; run the same command again, it goes on"


def _told(error: str) -> str:
    """What a worker or Java said, behind the line which says only that they said something.

    >>> _told("An error occurred while calling o7.collect.\\n: java.io.IOException: No space left\\n\\tat a.b.c")
    'java.io.IOException: No space left\\n\\tat a.b.c'
    >>> _told("of the Python worker: Traceback (most recent call last):\\n  File x\\nOSError: no\\n SQLSTATE: 38000")
    'OSError: no'
    """
    _, worker, trace = error.partition("Traceback (most recent call last):\n")
    if worker:
        return next((line for line in trace.splitlines() if line.strip() and not line[0].isspace()), error)
    return error.partition("An error occurred while calling")[2].partition("\n: ")[2] or error


def _in_thread(answer_all: Callable[[], Problems]) -> Problems:
    """Wait for the tasks in a thread, since a signal does not reach Python while it waits for Java."""
    found: Future[Problems] = Future()

    def answer() -> None:
        try:
            found.set_result(answer_all())
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=answer, daemon=True).start()
    while not found.done():
        wait([found], timeout=0.5)
    return found.result()


class _Task:
    """What a worker does with a shard, given its place in the list; returns what is wrong with the input, or None."""

    def __init__(self, work: Work, shards: list[Shard]) -> None:
        self.work, self.shards = work, shards

    def __call__(self, place: int) -> str | None:
        worker = _workers.setdefault(self.work, Worker(self.work))
        try:
            worker.answer(self.shards[place])
        except InputError as error:  # an input that is wrong stays so; it is no reason to try again
            return str(error)
        return None


@contextmanager
def _tasks(num_workers: int, cluster: str | None) -> Iterator[Callable[[_Task], Problems]]:
    """What runs a task for every shard: a Spark that is there; else one of its own, which ends with the block."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="rnn-language-spark-") as folder:
        # No data goes through pandas here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        active = importlib.import_module("pyspark.sql").SparkSession.getActiveSession()
        if active is not None:
            yield partial(_in_session, active)
            return
        pyspark = importlib.import_module("pyspark")
        running = pyspark.SparkContext._active_spark_context  # a process has one; a session is active in a thread
        if running is not None:
            yield partial(_in_context, running)
            return
        settings, environment = _on_a_cluster() if cluster else _on_this_machine(Path(folder))
        settings |= {
            "spark.app.name": "rnn-language corpus",
            "spark.master": cluster or f"local[{num_workers},{TRIES}]",
        }
        with changed_environment({"PYSPARK_PYTHON": sys.executable, **environment}):
            context = pyspark.SparkContext(conf=pyspark.SparkConf().setAll(settings.items()))
            try:
                yield partial(_in_context, context)
            finally:
                context.stop()


def _in_context(context: Any, task: _Task) -> Problems:
    """Run a task for every shard in a Spark context."""
    places = range(len(task.shards))
    return context.parallelize(places, len(places)).map(task).collect()  # a partition for each


def _in_session(session: Any, task: _Task) -> Problems:
    """Run a task for every shard in a Spark session."""

    def answer(batches: Iterator[Any]) -> Iterator[Any]:
        arrow = importlib.import_module("pyarrow")
        for batch in batches:
            problems = [task(place) for place in batch.column("id").to_pylist()]
            yield arrow.RecordBatch.from_arrays([arrow.array(problems, arrow.string())], ["problem"])

    num_shards = len(task.shards)
    places = session.range(0, num_shards, 1, num_shards)  # a partition for each
    return [row[0] for row in places.mapInArrow(answer, "problem string").collect()]


def _on_a_cluster() -> tuple[dict[str, str], dict[str, str]]:
    """Settings and variables where executors have this project installed."""
    return {f"spark.executorEnv.{name}": value for name, value in ONE_THREAD.items()}, {}


def _on_this_machine(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and variables of Spark on this machine alone: nothing listens to others, nothing is left behind."""
    (folder / "log4j2.properties").write_text(LOGGING)
    workers = {**for_workers(), "PYTHONWARNINGS": "ignore::FutureWarning"}
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        **{f"spark.executorEnv.{name}": value for name, value in workers.items()},
    }
    environment = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SUBMIT_OPTS": f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'} {QUICK_JAVA}",
    }
    return settings, {**for_workers(), **environment}
