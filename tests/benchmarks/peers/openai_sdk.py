"""OpenAI's own client, asking the same server; stores nothing."""

import asyncio
import base64
import time

from asking import COUNT, IN_FLIGHT, TARGET, URL, hand_over, image
from openai import AsyncOpenAI


async def main():
    left, times, right = iter(range(COUNT)), [], []
    async with AsyncOpenAI(api_key="key", base_url=f"{URL}/v1", max_retries=0) as client:

        async def slot():
            for number in left:
                link = f"data:image/png;base64,{base64.b64encode(image(number)).decode()}"
                content = [{"type": "image_url", "image_url": {"url": link}}]
                start = time.perf_counter()
                answer = await client.chat.completions.create(
                    model="reader", messages=[{"role": "user", "content": content}]
                )
                times.append(time.perf_counter() - start)
                right.append(answer.choices[0].message.content == TARGET)

        await asyncio.gather(*(slot() for _ in range(IN_FLIGHT)))
    hand_over(times, rows=len(right), right=sum(right))


asyncio.run(main())
