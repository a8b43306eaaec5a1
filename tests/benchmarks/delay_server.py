"""A server that does as little as possible: it answers every POST after so many seconds, as CapSolver would.

``python delay_server.py 0.1`` prints its port and serves until its standard input is closed.
"""

import asyncio
import contextlib
import subprocess
import sys

BODY = (
    b'{"errorId":0,"errorCode":"","errorDescription":"","balance":5.0,"status":"ready",'
    b'"solution":{"text":"word","confidence":0.93},"taskId":"a1b2c3d4-0000-1111-2222-333344445555"}'
)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Delayed(asyncio.Protocol):
    """One connection; requests may come in pieces."""

    def __init__(self, delay_s):
        self.delay_s = delay_s
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self.received) < end + 4 + length:
                return
            self.received = self.received[end + 4 + length :]
            asyncio.get_running_loop().call_later(self.delay_s, self._answer)

    def _answer(self):
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve(delay_s):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Delayed(delay_s), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def delay_server(delay_s):
    """The server in a process of its own: its address."""
    command = [sys.executable, __file__, str(delay_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
