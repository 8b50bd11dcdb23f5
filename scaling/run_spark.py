"""Shards as tasks of Spark: one row of a DataFrame each, one partition a row; a Python worker loads the model once.

Spark hands shards out and tries again where a worker is lost. It sees neither texts nor answers: the parts are written
by `answer_shard`, so that a task that runs twice writes the same bytes under the same name.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    with _session(num_workers, cluster) as spark:
        todo = spark.range(0, len(shards), 1, len(shards))  # a partition for each
        try:
            problems = _collect(todo.mapInArrow(_Task(work, list(shards)), "problem string"))
        except Exception as error:  # of Java and of py4j, with many lines
            raise InputError(f"--engine spark: {reason(error)}; run the same command again, it goes on") from None
    if any(problems):
        raise InputError(next(filter(None, problems)))


def _collect(frame: Any) -> list[str | None]:
    """The only column of a frame; in a thread, since a signal does not reach Python while it waits for Java."""
    found: Future[list[str | None]] = Future()

    def collect() -> None:
        try:
            found.set_result([row[0] for row in frame.collect()])
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=collect, daemon=True).start()
    while not found.done():
        wait([found], timeout=0.5)
    return found.result()


class _Task:
    """What a partition does: numbers of shards in, what went wrong out."""

    def __init__(self, work: Work, shards: list[Shard]) -> None:
        self.work, self.shards = work, shards

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        arrow = importlib.import_module("pyarrow")
        for batch in batches:
            problems = [self._answer(number) for number in batch.column("id").to_pylist()]
            yield arrow.RecordBatch.from_arrays([arrow.array(problems, arrow.string())], ["problem"])

    def _answer(self, number: int) -> str | None:
        worker = _workers.setdefault(self.work, Worker(self.work))
        try:
            worker.answer(self.shards[number])
        except InputError as error:  # an input that is wrong stays so; it is no reason to try again
            return str(error)
        return None


@contextmanager
def _session(num_workers: int, cluster: str | None) -> Iterator[Any]:
    """The session that is active; else a new one, which ends with the block."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="rnn-language-spark-") as folder:
        # No data goes through pandas here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        sql = importlib.import_module("pyspark.sql")
        active = sql.SparkSession.getActiveSession()
        if active is not None:
            yield active
            return
        settings, environment = _on_a_cluster() if cluster else _on_this_machine(Path(folder))
        builder = sql.SparkSession.builder.appName("rnn-language corpus")
        builder = builder.master(cluster or f"local[{num_workers},{TRIES}]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        with changed_environment({"PYSPARK_PYTHON": sys.executable, **environment}):
            spark = builder.getOrCreate()
            try:
                yield spark
            finally:
                spark.stop()


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
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        **{f"spark.executorEnv.{name}": value for name, value in workers.items()},
    }
    environment = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SUBMIT_OPTS": f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'} {QUICK_JAVA}",
    }
    return settings, {**for_workers(), **environment}
