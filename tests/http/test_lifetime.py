"""Cancelling, closing and lateness: what a client leaves behind, and what it says about itself."""

import asyncio
import gc
import socket
import threading
import time

import psutil
import pytest
from loopback import Server, message, says

from toolkit._http import open_client
from toolkit.errors import TransportError, Unreachable


def own_threads():
    """Threads of clients that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("toolkit-http")]


class Gate:
    """Answers when it is opened; `entered` says that as many requests are there as are `expected`."""

    def __init__(self, expected=1):
        self.missing = expected
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, writer, request):
        self.missing -= 1
        if self.missing == 0:
            self.entered.set()
        await self.opened.wait()
        writer.write(message(request.body))


def run_without_complaint(main):
    """Runs to the end; fails when the loop was told of an error that nobody retrieved."""
    complaints = []

    async def watched():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
        value = await main()
        gc.collect()  # a future whose error was not retrieved complains when it goes
        await asyncio.sleep(0)
        return value

    value = asyncio.run(watched())
    assert complaints == []
    return value


# ── cancelling ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("answer", ["in time", "never"])
def test_a_cancelled_exchange_leaves_the_client_usable(opened, answer):
    """Whatever becomes of the reply that nobody waits for."""

    async def main():
        gate = Gate()
        async with Server(gate) as server, opened(in_flight=2) as client:
            task = asyncio.create_task(client.exchange(server.url, b"first", {}, 0.5))
            await gate.entered.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            if answer == "never":
                await asyncio.sleep(0.7)
            gate.opened.set()
            return (await client.exchange(server.url, b"second", {}, 5)).response.body

    assert run_without_complaint(main) == b"second"


def test_in_a_thread_a_cancelled_exchange_goes_on_to_its_end():
    """The service has done its work: to cut the connection would save nothing, and its thread is free after."""

    async def main():
        gate = Gate()
        async with Server(gate) as server:
            client = open_client("httpx", 1)
            task = asyncio.create_task(client.exchange(server.url, b"first", {}, 5))
            await gate.entered.wait()
            task.cancel()
            gate.opened.set()
            second = await client.exchange(server.url, b"second", {}, 5)
            await client.close()
            return server, second

    server, second = run_without_complaint(main)

    assert second.response.body == b"second"
    assert (server.connections, server.finished) == (1, 2)


def test_an_exchange_cancelled_before_its_turn_is_never_sent():
    """It would be paid for and seen by nobody."""

    async def main():
        gate = Gate()
        async with Server(gate) as server:
            client = open_client("httpx", 1)
            bodies = (b"first", b"cancelled", b"third")
            tasks = [asyncio.create_task(client.exchange(server.url, body, {}, 5)) for body in bodies]
            await gate.entered.wait()
            tasks[1].cancel()
            gate.opened.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()
            return [request.body for request in server.requests]

    assert run_without_complaint(main) == [b"first", b"third"]


def test_an_exchange_whose_time_is_up_before_its_turn_is_never_sent():
    """Its caller has the error already, and plans by it."""

    async def main():
        gate = Gate()
        async with Server(gate) as server:
            client = open_client("httpx", 1)
            first = asyncio.create_task(client.exchange(server.url, b"first", {}, 5))
            await gate.entered.wait()
            with pytest.raises(Unreachable, match="no connection in time"):
                await client.exchange(server.url, b"second", {}, 0.05)
            gate.opened.set()
            await first
            await client.close()
            return [request.body for request in server.requests]

    assert run_without_complaint(main) == [b"first"]


# ── closing ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tls", [False, True])
def test_close_leaves_no_thread_socket_or_task(opened, tls):
    """After exchanges that ended well, failed, were cancelled or still go on."""
    process = psutil.Process()

    async def main():
        gate = Gate(expected=3)
        connections = len(process.net_connections())
        async with Server(says(message(b"ok")), tls=tls) as server, Server(gate, tls=tls) as slow:
            listening = len(process.net_connections())
            async with opened(in_flight=6) as client:
                await asyncio.gather(*(client.exchange(server.url, b"", {}, 5) for _ in range(6)))
                under_way = [asyncio.create_task(client.exchange(slow.url, b"", {}, 5)) for _ in range(3)]
                await gate.entered.wait()
                under_way[0].cancel()
                assert len(process.net_connections()) > listening
            errors = await asyncio.gather(*under_way, return_exceptions=True)
            threads, tasks = own_threads(), asyncio.all_tasks()
        # The servers' ends go with them; what is left would be ours.
        return (
            errors,
            threads,
            [t for t in tasks if "Server" not in repr(t)],
            len(process.net_connections()) - connections,
        )

    errors, threads, tasks, sockets = run_without_complaint(main)

    assert [type(error) for error in errors] == [asyncio.CancelledError, TransportError, TransportError]
    assert threads == []
    assert len(tasks) == 1  # the test itself
    assert sockets == 0


def test_closing_ends_what_waits_for_its_turn_unsent():
    """Nothing was sent, and the error says so."""

    async def main():
        gate = Gate()
        async with Server(gate) as server:
            client = open_client("httpx", 1)
            tasks = [asyncio.create_task(client.exchange(server.url, b"", {}, 5)) for _ in range(2)]
            await gate.entered.wait()
            await client.close()
            return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(error) for error in run_without_complaint(main)] == [TransportError, Unreachable]


def test_a_closed_client_sends_nothing(opened):
    """Closing twice is closing."""

    async def main():
        async with Server(says(message())) as server:
            async with opened() as client:
                await client.close()
                with pytest.raises(Unreachable, match="closed"):
                    await client.exchange(server.url, b"", {}, 5)
            return server.connections

    assert run_without_complaint(main) == 0


def test_a_thread_whose_loop_has_ended_ends_after_its_exchange():
    """As when a program leaves without closing: the reply has nobody to go to, and the thread nothing to wait for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        async def main():
            client = open_client("httpx", 1)
            task = asyncio.create_task(client.exchange(f"http://127.0.0.1:{listening.getsockname()[1]}", b"", {}, 10))
            await asyncio.sleep(0)
            connection, _ = await asyncio.to_thread(listening.accept)
            task.cancel()
            return connection

        with asyncio.run(main()) as connection:
            (thread,) = (thread for thread in threading.enumerate() if thread.name.startswith("toolkit-http"))
            connection.sendall(message(b"too late"))
            thread.join(10)

    assert own_threads() == []


def test_threads_are_started_as_they_are_needed_and_used_again():
    """A client that is allowed two hundred and needs one has one."""

    async def main():
        async with Server(says(message())) as server:
            client = open_client("httpx", 200)
            for _ in range(5):
                await client.exchange(server.url, b"", {}, 5)
            alone = len(own_threads())
            await asyncio.gather(*(client.exchange(server.url, b"", {}, 5) for _ in range(7)))
            together = len(own_threads())
            await client.close()
            return alone, together

    assert run_without_complaint(main) == (1, 7)


# ── lateness ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def prompt_server():
    """Answers at once, from a thread of its own, so that a busy event loop does not hold it up. Gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    while connection.recv(65536):
                        connection.sendall(message(b"ok"))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_busy_loop_is_seen(opened, transport, prompt_server):
    """A loop that does something else for 0.3 s says so; in a thread, the service's own time does not suffer by it."""

    async def main():
        async with opened() as client:
            await client.exchange(prompt_server, b"", {}, 5)
            task = asyncio.create_task(client.exchange(prompt_server, b"", {}, 5))
            await asyncio.sleep(0)
            time.sleep(0.3)  # noqa: ASYNC251 -- the very thing
            return await task

    exchanged = asyncio.run(main())

    assert exchanged.lag_s > 0.25
    if transport == "httpx":
        assert exchanged.service_s < exchanged.lag_s


def test_waiting_for_a_thread_is_lag_and_not_service():
    """Two exchanges through one thread: the second stands behind the first."""

    async def main():
        async def slow(writer, request):
            await asyncio.sleep(0.2)
            writer.write(message())

        async with Server(slow) as server:
            client = open_client("httpx", 1)
            both = await asyncio.gather(*(client.exchange(server.url, b"", {}, 5) for _ in range(2)))
            await client.close()
            return both

    first, second = asyncio.run(main())

    assert second.lag_s >= 0.2 > first.lag_s
    assert second.service_s < second.lag_s + first.service_s
