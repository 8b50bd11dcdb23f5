"""Connections shared out among workers: evenly, past those that have ended, none lost at the end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager

import pytest

from serving.sharing import IS_POSSIBLE, GivenServer, Sharing

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="this system passes no files between processes")


@contextmanager
def sharing(tmp_path, num_workers):
    """A thread that shares out, its port, and the channels of its workers."""
    listener, door = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    door.bind(str(tmp_path / "door"))
    door.listen()
    port = listener.getsockname()[1]
    thread = Sharing(listener, door, num_workers)
    thread.start()
    workers = [socket.socket(socket.AF_UNIX) for _ in range(num_workers)]
    for worker in workers:
        worker.settimeout(5)
        worker.connect(str(tmp_path / "door"))
    try:
        yield thread, port, workers
    finally:
        thread.end()
        for each in (door, *workers):
            each.close()


def connect(port):
    return socket.create_connection(("127.0.0.1", port))


def take(worker):
    """The next connection that a worker was given."""
    _, [file], _, _ = socket.recv_fds(worker, 1, 1)
    return socket.socket(fileno=file)


def test_workers_take_turns(tmp_path):
    with sharing(tmp_path, 2) as (_, port, workers):
        clients = [connect(port) for _ in range(6)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        given = [[take(worker) for _ in range(3)] for worker in workers]
        found = {tuple(int(connection.recv(1)) for connection in connections) for connections in given}
        assert found == {(0, 2, 4), (1, 3, 5)}
        for each in (*clients, *given[0], *given[1]):
            each.close()


def test_a_worker_that_has_ended_is_passed_over(tmp_path):
    with sharing(tmp_path, 2) as (_, port, workers):
        workers[0].close()
        clients = [connect(port) for _ in range(4)]
        for each in (*clients, *(take(workers[1]) for _ in clients)):
            each.close()


def test_what_waits_at_the_end_is_shared_out_and_then_nobody_may_connect():
    listener, (channel, worker) = socket.create_server(("127.0.0.1", 0)), socket.socketpair()
    port = listener.getsockname()[1]
    clients = [connect(port) for _ in range(5)]
    with socket.socket() as door:
        thread = Sharing(listener, door, 1)
        thread.workers.append(channel)
        thread.is_over.set()
        thread.run()
    worker.settimeout(5)
    for each in (*clients, *(take(worker) for _ in clients)):
        each.close()
    assert worker.recv(1) == b""
    worker.close()
    with pytest.raises(ConnectionRefusedError):
        connect(port)


class Answer(asyncio.Protocol):
    """Says hello, and goes."""

    def connection_made(self, transport):
        transport.write(b"hello")
        transport.close()


def test_a_worker_serves_what_it_was_given_before_it_closed():
    async def serve():
        parent, channel = socket.socketpair()
        channel.setblocking(False)
        pairs = [socket.socketpair() for _ in range(3)]
        for _, other in pairs:
            socket.send_fds(parent, [b"."], [other.fileno()])
            other.close()
        server = GivenServer(asyncio.get_running_loop(), Answer, channel)
        server.close()  # before the loop has had a look
        with pytest.raises(BrokenPipeError):
            socket.send_fds(parent, [b"."], [parent.fileno()])
        await server.wait_closed()
        parent.close()
        await asyncio.sleep(0)
        return [client for client, _ in pairs]

    for client in asyncio.run(serve()):
        client.settimeout(5)
        assert client.recv(10) == b"hello"
        client.close()
