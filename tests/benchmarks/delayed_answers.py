"""A server that answers each request 100 ms after it has arrived whole; prints its port. Run as a program."""

import asyncio

DELAY_S = 0.1
# To CapSolver a task with its answer, to CapMonster first a task and then its answer.
BODY = b'{"errorId":0,"status":"ready","balance":5.0,"solution":{"text":"44795sds"},"taskId":7654321}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


class Connection(asyncio.Protocol):
    """One client's requests, with as little work each as there can be: it shares the machine with what is measured."""

    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) if found else 0
        if found and len(body) >= length:
            self.received = body[length:]
            asyncio.get_running_loop().call_later(DELAY_S, self.answer)

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 -- for whoever started it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
