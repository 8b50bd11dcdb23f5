"""The server under load: many clients, some of them hostile, beside the bare engine on the same texts.

    python -m benchmarks.serving [--seconds N] [--clients N] [--hostile N] [--workers N]

Every answer is compared with that of `predict`. Hostile clients go away in the middle, send slowly, send 50 MB, JSON
that is none, or JSON 100,000 levels deep. At the end comes SIGTERM while all clients ask on: each request that was sent
before it must have its answer. Clients run on the same processor cores, and take their share of them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas

import sentiment
from common.cli.flags import make_parser
from common.cli.options import number
from common.cli.run import run_command
from common.evaluation.report import text_table

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sentiment/dataset/test.csv"
NUM_TEXTS, NUM_WORDS = 2000, 60
WARM_UP = 10  # seconds of load that are not counted: workers load their models
REPEATS = 5  # of the engine alone, before the load and after it
PART = 1 << 16  # bytes
LARGE = 763 * PART  # 50 MB
TOLERANCE = 1e-6
HEAD = b"POST /v1/ratings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def make_texts(seed: int = 1) -> list[str]:
    """Texts of 60 words, no two alike, put together from the sample's reviews."""
    words = " ".join(pandas.read_csv(SAMPLE).review).split()
    rng = random.Random(seed)
    starts = (rng.randrange(len(words)) for _ in range(NUM_TEXTS))
    return [f"{' '.join((words * 2)[start : start + NUM_WORDS - 1])} {number}" for number, start in enumerate(starts)]


class Bare:
    """The engine alone, on the same texts as the server.

    Args:
        texts: to rate, the first time uncounted.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.model = texts, sentiment.load()
        self.ratings = [answer.rating for answer in self.model.predict(texts)]
        self.seconds, self.used = list[float](), list[float]()

    def run(self) -> None:
        """Rate all texts several times."""
        for _ in range(REPEATS):
            start, used = time.perf_counter(), time.process_time()
            self.model.predict(self.texts)
            self.seconds.append(time.perf_counter() - start)
            self.used.append(time.process_time() - used)

    @property
    def rate(self) -> float:
        """Texts a second, the median."""
        return len(self.texts) / statistics.median(self.seconds)

    @property
    def seconds_per_text(self) -> float:
        """Processor seconds of a text, the median."""
        return statistics.median(self.used) / len(self.texts)


@contextmanager
def running_server(workers: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server of the rating model on a free port, its process and the port."""
    command = [sys.executable, "-m", "serving.serve", "--model", "sentiment/reviews", "--port", "0"]
    command += ["--workers", str(workers), *(["--threads", "1"] if workers > 1 else [])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = int(re.search(r":(\d+)$", process.stderr.readline())[1])  # type: ignore[index]
            yield process, port
        finally:
            process.kill()


@dataclass
class Count:
    """What the clients have seen."""

    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    is_over: bool = False


class Connection:
    """A connection that is kept; a request at a time."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    def send(self, content: bytes, length: int | None = None) -> None:
        """Send a request, or its beginning if `length` says that there is more."""
        size = len(content) if length is None else length
        head = (
            f"POST /v1/ratings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        )
        self.writer.write(head.encode() + content)

    async def receive(self) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        return int(head[9:12]), await self.reader.readexactly(size)

    def close(self) -> None:
        """Go away at once."""
        self.writer.transport.abort()


async def good_client(
    port: int, bodies: Sequence[bytes], ratings: Sequence[float], places: Iterator[int], count: Count
):
    """Ask, one text after the other, and compare each answer."""
    connection = Connection(port)
    await connection.open()
    while not count.is_over:
        place = next(places)
        start = time.perf_counter()
        connection.send(bodies[place])
        try:
            status, body = await connection.receive()
        except (asyncio.IncompleteReadError, ConnectionError):
            count.outcomes["unanswered" if count.is_over is False else "closed"] += 1
            return
        count.seconds.append(time.perf_counter() - start)
        if status == 200:
            is_right = abs(json.loads(body)["data"][0]["rating"] - ratings[place]) <= TOLERANCE
            count.outcomes["right" if is_right else "WRONG"] += 1
        else:
            count.outcomes[f"status {status}"] += 1
    connection.close()


async def hostile_client(port: int, bodies: Sequence[bytes], seed: int, count: Count) -> None:
    """Ask in ways that nobody should."""
    rng = random.Random(seed)
    ways = [go_away, go_away_later, send_slowly, send_much, send_nonsense, send_deep]
    while not count.is_over:
        connection = Connection(port)
        try:
            await connection.open()
            status = await asyncio.wait_for(rng.choice(ways)(connection, rng.choice(bodies)), 30)
            count.outcomes[f"hostile: {status}"] += 1
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            count.outcomes[f"hostile: {type(error).__name__}"] += 1
        finally:
            connection.close()
        await asyncio.sleep(0.05)


async def go_away(connection: Connection, body: bytes) -> str:
    """Send half a request and leave."""
    connection.send(body[:20], len(body))
    await connection.writer.drain()
    return "left in the middle"


async def go_away_later(connection: Connection, body: bytes) -> str:
    """Leave while the answer is made."""
    connection.send(body)
    await asyncio.sleep(0.002)
    return "left before the answer"


async def send_slowly(connection: Connection, body: bytes) -> str:
    """Send a byte now and then."""
    connection.send(b"", len(body))
    for byte in body[:40]:
        connection.writer.write(bytes([byte]))
        await asyncio.sleep(0.3)
        if connection.reader.at_eof() or connection.reader._buffer:  # type: ignore[attr-defined]
            break
    return f"slow: {(await connection.receive())[0]}"


async def send_much(connection: Connection, body: bytes) -> str:
    """Send 50 MB."""
    connection.send(b"x" * PART, LARGE)
    for _ in range(LARGE // PART - 1):
        if connection.reader._buffer:  # type: ignore[attr-defined]
            break
        connection.writer.write(b"x" * PART)
        await connection.writer.drain()
    return f"50 MB: {(await connection.receive())[0]}"


async def send_nonsense(connection: Connection, body: bytes) -> str:
    """Send what is no JSON."""
    connection.send(body[:-5])
    return f"no JSON: {(await connection.receive())[0]}"


async def send_deep(connection: Connection, body: bytes) -> str:
    """Send a very deep list."""
    connection.send(b"[" * 100_000 + b"]" * 100_000)
    return f"deep JSON: {(await connection.receive())[0]}"


def seconds_of(process: subprocess.Popen[str]) -> float:
    """Processor seconds that a process and its children have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in _pids(process)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def seconds_used(process: subprocess.Popen[str]) -> dict[str, float]:
    """Processor seconds that both sides have used."""
    return {"server": seconds_of(process), "clients": time.process_time()}


def _pids(process: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [process.pid, *map(int, children.split())]


def memory_of(process: subprocess.Popen[str]) -> float:
    """Megabytes of a process and its children that are in memory."""
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in _pids(process)]
    return sum(map(int, pages)) * 4096 / 1e6


async def watch_memory(process: subprocess.Popen[str], found: list[float], count: Count) -> None:
    """Note the memory every second."""
    while not count.is_over:
        found.append(memory_of(process))
        await asyncio.sleep(1)


async def run_load(
    process: subprocess.Popen[str],
    port: int,
    bodies: Sequence[bytes],
    ratings: Sequence[float],
    arguments: argparse.Namespace,
) -> tuple[Count, list[float], float, dict[str, float]]:
    """All clients at once; then SIGTERM, and the last answers."""
    count, memory = Count(), list[float]()
    places = itertools.cycle(range(len(bodies)))
    num_good = arguments.clients - arguments.hostile
    good = [asyncio.create_task(good_client(port, bodies, ratings, places, count)) for _ in range(num_good)]
    hostile = [asyncio.create_task(hostile_client(port, bodies, seed, count)) for seed in range(arguments.hostile)]
    watcher = asyncio.create_task(watch_memory(process, memory, count))
    await asyncio.sleep(WARM_UP)
    count.seconds.clear()
    right, start, before = count.outcomes["right"], time.perf_counter(), seconds_used(process)
    await asyncio.sleep(arguments.seconds)
    right = count.outcomes["right"] - right
    rate = right / (time.perf_counter() - start)
    used = {name: (after - before[name]) / max(right, 1) for name, after in seconds_used(process).items()}
    count.is_over = True  # each client takes the answer that it waits for
    process.send_signal(signal.SIGTERM)
    await asyncio.gather(*good)
    for task in (*hostile, watcher):
        task.cancel()
    await asyncio.gather(*hostile, watcher, return_exceptions=True)
    return count, memory, rate, used


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print tables."""
    parser = make_parser("benchmarks.serving", __doc__)
    for option, least, default, what in (
        ("--seconds", 1, 60, "of load"),
        ("--clients", 1, 64, "at once"),
        ("--hostile", 0, 0, "of the clients"),
        ("--workers", 1, 1, "processes of the server"),
    ):
        help_text = f"{what} (default: %(default)s)"
        parser.add_argument(option, type=number(int, least), default=default, metavar="N", help=help_text)
    arguments = parser.parse_args(argv)
    texts = make_texts()
    bare = Bare(texts)
    bare.run()
    bodies = [json.dumps({"input": text}).encode() for text in texts]
    with running_server(arguments.workers) as (process, port):
        count, memory, rate, used = asyncio.run(run_load(process, port, bodies, bare.ratings, arguments))
        start = time.perf_counter()
        status = process.wait(timeout=60)
        ended = time.perf_counter() - start
    bare.run()
    milliseconds = 1000 * np.quantile(count.seconds, [0.5, 0.95, 0.99])
    rows = [
        ["", "texts/s", "processor ms a text", "p50 ms", "p95 ms", "p99 ms"],
        ["engine alone", f"{bare.rate:.1f}", f"{1000 * bare.seconds_per_text:.2f}", "", "", ""],
        ["server", f"{rate:.1f}", f"{1000 * used['server']:.2f}", *(f"{value:.1f}" for value in milliseconds)],
        ["clients", "", f"{1000 * used['clients']:.2f}", "", "", ""],
        ["ratio", f"{rate / bare.rate:.3f}", f"{bare.seconds_per_text / used['server']:.3f}", "", "", ""],
    ]
    print(text_table(rows))
    print("answers:", ", ".join(f"{what} {number:,}" for what, number in sorted(count.outcomes.items())))
    after = memory[min(60, len(memory) // 2) :]
    print(f"memory: {after[0]:.0f} MB at half time or after a minute, largest after it {max(after):.0f} MB")
    print(f"SIGTERM: left with status {status} after {ended:.1f} s more")


if __name__ == "__main__":
    run_command(main)
