"""The service that every tool asks: answers each request so many seconds after it has arrived whole, and keeps time.

It speaks as much of CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint as their clients need. GET /figures
gives what it saw since the last look: requests, seconds from the first request to the last answer, the most that were
in flight at once. The rate is taken here, so that it means the same for every tool.

``python server.py 0.1`` prints its port. Run as a program, so that its work is in nobody's figures.
"""

import asyncio
import json
import sys
import time

WORD = "word"
TASK_ID = "a1b2c3d4-0000-1111-2222-333344445555"
BODIES = {
    b"/createTask": {"errorId": 0, "status": "ready", "solution": {"text": WORD}, "taskId": TASK_ID},
    b"/getTaskResult": {"errorId": 0, "status": "ready", "solution": {"text": WORD}},
    b"/getBalance": {"errorId": 0, "balance": 100.0},
    b"/v1/chat/completions": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_423_173,
        "model": "reader",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": WORD}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102},
    },
}


class Seen:
    """What happened since the last look."""

    def __init__(self):
        self.requests = self.in_flight = self.most_in_flight = 0
        self.first = self.last = 0.0

    def arrived(self):
        self.first = self.first or time.perf_counter()
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def answered(self):
        self.in_flight -= 1
        self.last = time.perf_counter()

    def figures(self):
        return {
            "requests": self.requests,
            "steady_s": self.last - self.first,
            "most_in_flight": self.most_in_flight,
        }


def http(body):
    """A whole answer around a body."""
    body = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


ANSWERS = {path: http(body) for path, body in BODIES.items()}


class Connection(asyncio.Protocol):
    """One client's requests, with as little work each as there can be."""

    seen = Seen()
    delay_s = 0.1

    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end]
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self.received) < end + 4 + length:
                return
            self.received = self.received[end + 4 + length :]
            self.asked(head.split(b" ", 2)[1])

    def asked(self, path):
        if path == b"/figures":
            self.transport.write(http(Connection.seen.figures()))
            Connection.seen = Seen()
        elif path == b"/getBalance":
            self.transport.write(ANSWERS[path])
        else:
            Connection.seen.arrived()
            answer = ANSWERS.get(path, ANSWERS[b"/createTask"])
            asyncio.get_running_loop().call_later(self.delay_s, self.answer, answer)

    def answer(self, answer):
        Connection.seen.answered()
        if not self.transport.is_closing():
            self.transport.write(answer)


async def main(delay_s):
    Connection.delay_s = delay_s
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 -- for whoever started it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
