"""Connections shared out among the workers, one after the other to each.

Workers that accept at one socket take as many as they can before the others wake up: 61 of 64 that come at once. So the
parent process accepts, and gives each connection to the next worker, as a file descriptor through a Unix socket.
Workers connect to the parent at its `door` when they are ready.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

TICK = 0.05  # seconds until the parent sees that its end has come, or tries again
LONG_ENOUGH = 0.5  # seconds after which a process that was killed is no parent any more
IS_POSSIBLE = hasattr(socket, "send_fds")  # not on Windows


class Sharing(threading.Thread):
    """The parent's thread that accepts connections and shares them out.

    Args:
        listener: where clients connect.
        door: where workers connect.
        num_workers: that are waited for before the first connection is accepted.
    """

    def __init__(self, listener: socket.socket, door: socket.socket, num_workers: int) -> None:
        super().__init__(daemon=True)
        self.listener, self.door, self.num_workers = listener, door, num_workers
        self.workers: deque[socket.socket] = deque()
        self.is_over = threading.Event()

    def run(self) -> None:
        """Accept until the end."""
        self.listener.setblocking(False)
        have_all_come = False
        while not self.is_over.is_set():
            watched = [self.door, self.listener] if self.workers and have_all_come else [self.door]
            ready = select.select(watched, (), (), TICK)[0]
            if self.door in ready:
                worker, _ = self.door.accept()
                worker.setblocking(False)
                self.workers.append(worker)
                have_all_come = have_all_come or len(self.workers) == self.num_workers
            if self.listener in ready:
                self._share_out()
        self._share_out()
        for each in (self.listener, *self.workers):
            each.close()

    def end(self) -> None:
        """Share out what waits, then close the listening socket."""
        self.is_over.set()
        self.join()

    def _share_out(self) -> None:
        """Give what waits to be accepted to the workers."""
        while self.workers:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            except OSError:  # the client has gone, or there are too many files
                time.sleep(TICK)
                return
            with connection:
                self._give(connection)

    def _give(self, connection: socket.socket) -> None:
        """Give a connection to the next worker that takes it."""
        tried = 0
        while self.workers:
            worker = self.workers.popleft()
            try:
                socket.send_fds(worker, [b"."], [connection.fileno()])
            except BlockingIOError:  # it has many that it has not looked at
                self.workers.append(worker)
                tried += 1
                if tried % len(self.workers) == 0:
                    time.sleep(TICK)
            except OSError:  # it has ended
                worker.close()
            else:
                self.workers.append(worker)
                return


class WorkerLoop(asyncio.SelectorEventLoop):
    """The event loop of a worker, whose server is given its connections."""

    async def create_server(self, *args: Any, **options: Any) -> Any:
        """A server that gets its connections from the parent, whose door is the option `sock`."""
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(options["sock"].getsockname())
        channel.setblocking(False)
        return GivenServer(self, args[0], channel)


class GivenServer:
    """A server of connections that come through a channel.

    Args:
        loop: that runs.
        make_protocol: called for each connection.
        channel: to the parent.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, make_protocol: Callable[[], asyncio.Protocol], channel: socket.socket
    ) -> None:
        self.loop, self.make_protocol, self.channel = loop, make_protocol, channel
        self.parent = os.getppid()
        self.tasks: set[asyncio.Task[Any]] = set()
        loop.add_reader(channel, self._receive)

    def _receive(self) -> bool:
        """Take one connection; False: there is none."""
        try:
            content, files, _, _ = socket.recv_fds(self.channel, 1, 1)
        except BlockingIOError:
            return False
        if not content:
            self.loop.remove_reader(self.channel)
            self.loop.call_later(LONG_ENOUGH, self._end_if_orphaned)
            return False
        for file in files:
            connection = socket.socket(fileno=file)
            connection.setblocking(False)
            task = self.loop.create_task(self._serve(connection))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return True

    def _end_if_orphaned(self) -> None:
        """End this process if its parent was killed: nobody else would."""
        if os.getppid() != self.parent:
            signal.raise_signal(signal.SIGTERM)

    async def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the client has gone
            await self.loop.connect_accepted_socket(self.make_protocol, connection)

    def close(self) -> None:
        """Refuse connections, and serve those that have been given."""
        with suppress(OSError):  # the parent has gone
            self.channel.shutdown(socket.SHUT_RD)
        while self._receive():
            pass
        self.loop.remove_reader(self.channel)
        self.channel.close()

    async def wait_closed(self) -> None:
        """Until the last connection has been taken up."""
        if self.tasks:
            await asyncio.wait(self.tasks)
