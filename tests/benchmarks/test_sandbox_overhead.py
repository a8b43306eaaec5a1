"""What the sandbox adds to the delay it was told to have, beside a bare asyncio server that only waits and answers.

Both run in processes of their own and are asked by the same client, so that the client's own work is in both figures
and in neither difference.
"""

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

pytest.importorskip("uvicorn")

IN_FLIGHT = 64
DELAY_S = 0.1
IMAGE = bytes(range(256)) * 12
BODY = json.dumps(
    {"clientKey": "demo", "task": {"type": "ImageToTextTask", "body": base64.b64encode(IMAGE).decode(), "score": 0.8}}
).encode()
REQUEST = b"POST /createTask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)

SANDBOX = """
import sys
from toolkit._sandbox import Oracle, Sandbox, serve_forever
oracle = Oracle([(bytes(range(256)) * 12, "Xk7mq")], accuracy=1.0, confidence_when_right=0.999)
box = Sandbox(oracle, delay=float(sys.argv[1]), balance_usd=10_000)
serve_forever(box, lambda box: print(box.urls["capsolver"].split(":")[2], flush=True))
"""

BARE = """
import asyncio, sys
delay = float(sys.argv[1])
body = b'{"errorId":0,"status":"ready","solution":{"text":"Xk7mq","confidence":0.99},"taskId":"%s"}' % (b"0" * 36)
answer = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n%s" % (len(body), body)
size = int(sys.argv[2])

class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.received = transport, 0

    def data_received(self, data):
        self.received += len(data)
        if self.received >= size:
            self.received -= size
            if delay:
                asyncio.get_running_loop().call_later(delay, self.transport.write, answer)
            else:
                self.transport.write(answer)

async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextlib.contextmanager
def server(code, delay_s):
    """A server in a process of its own: its port and the process."""
    arguments = [sys.executable, "-c", code, str(delay_s), str(len(REQUEST))]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline()), psutil.Process(process.pid)
        finally:
            process.kill()


def latencies_s(port, requests):
    """The time of each of so many requests, with `IN_FLIGHT` of them open at any time."""

    async def connection(share, found):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(share):
            start = time.perf_counter()
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            found.append(time.perf_counter() - start)
            assert b'"status":"ready"' in body
        writer.close()
        await writer.wait_closed()

    async def all_of_them():
        found = []
        await asyncio.gather(*(connection(requests // IN_FLIGHT, found) for _ in range(IN_FLIGHT)))
        return found

    return asyncio.run(all_of_them())


def test_sandbox_adds_little_to_its_delay(benchmark):
    """At 64 calls in flight, its 95th percentile lies at most 3 ms over that of a server that only waits."""
    rounds = []

    with server(SANDBOX, DELAY_S) as (sandbox, _), server(BARE, DELAY_S) as (bare, _):
        latencies_s(sandbox, IN_FLIGHT * 2)

        def both():
            rounds.append([np.percentile(latencies_s(port, IN_FLIGHT * 10), (50, 95)) for port in (sandbox, bare)])

        benchmark.pedantic(both, rounds=9)

    # Whatever else the machine does only ever adds, so the least of several rounds is the servers' own.
    of_sandbox, of_bare = np.min(np.array(rounds), axis=0) * 1000
    added_ms = of_sandbox[1] - of_bare[1]
    benchmark.extra_info |= {
        "added_p95_ms": round(float(added_ms), 2),
        "sandbox_p50_p95_ms": [round(float(value), 2) for value in of_sandbox],
        "bare_p50_p95_ms": [round(float(value), 2) for value in of_bare],
    }
    if benchmark.enabled:
        # On a machine so busy that a server which does nothing is late by more, the sandbox may be late by as much again.
        assert added_ms <= max(3, of_bare[1] - DELAY_S * 1000)


def test_sandbox_serves_thousands_a_second(benchmark):
    """Without a delay it serves 2,000 requests a second and more, and its work for each is told beside the bare server's."""
    found = {"sandbox": [], "bare": []}
    requests = IN_FLIGHT * 50

    with server(SANDBOX, 0) as (sandbox, sandbox_process), server(BARE, 0) as (bare, bare_process):
        latencies_s(sandbox, IN_FLIGHT * 5)

        def both():
            for name, port, process in (("sandbox", sandbox, sandbox_process), ("bare", bare, bare_process)):
                before, start = process.cpu_times(), time.perf_counter()
                latencies_s(port, requests)
                elapsed_s = time.perf_counter() - start
                after = process.cpu_times()
                cpu_s = after.user + after.system - before.user - before.system
                found[name].append((requests / elapsed_s, cpu_s / requests * 1e6))

        benchmark.pedantic(both, rounds=3)

    per_s, cpu_us = np.array([found[name] for name in ("sandbox", "bare")]).transpose(2, 0, 1)
    benchmark.extra_info |= {
        "requests_per_s": round(float(per_s[0].max())),
        "bare_requests_per_s": round(float(per_s[1].max())),
        "cpu_us_per_request": round(float(cpu_us[0].min())),
        "bare_cpu_us_per_request": round(float(cpu_us[1].min())),
    }
    if benchmark.enabled:
        assert per_s[0].max() >= 2000
