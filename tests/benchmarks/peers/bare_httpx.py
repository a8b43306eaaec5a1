"""One httpx client as its manual shows it, with nothing around it. Stores nothing."""

import asyncio
import time

import httpx
from asking import COUNT, IN_FLIGHT, TARGET, URL, hand_over, task


async def main():
    left, times, right = iter(range(COUNT)), [], []
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:

        async def slot():
            for number in left:
                start = time.perf_counter()
                answer = (await http.post(f"{URL}/createTask", json=task(number))).json()
                right.append(answer["solution"]["text"] == TARGET)
                times.append(time.perf_counter() - start)

        await asyncio.gather(*(slot() for _ in range(IN_FLIGHT)))
    hand_over(times, rows=len(right), right=sum(right))


asyncio.run(main())
