"""aiohttp with nothing around it: the floor. Stores nothing."""

import asyncio
import time

from asking import COUNT, IN_FLIGHT, TARGET, ask, hand_over, session


async def main():
    left, times, right = iter(range(COUNT)), [], []
    async with session() as http:

        async def slot():
            for number in left:
                start = time.perf_counter()
                right.append(await ask(http, number) == TARGET)
                times.append(time.perf_counter() - start)

        await asyncio.gather(*(slot() for _ in range(IN_FLIGHT)))
    hand_over(times, rows=len(right), right=sum(right))


asyncio.run(main())
