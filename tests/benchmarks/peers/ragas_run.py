"""Ragas' `@experiment` over aiohttp, with a semaphore of our own, since it has none; a CSV at the end."""

import asyncio

import pandas as pd
from asking import COUNT, FOLDER, IN_FLIGHT, TARGET, ask, hand_over, session
from ragas import Dataset, experiment


async def main():
    rows = pd.DataFrame({"number": range(COUNT), "target": TARGET})
    dataset = Dataset.from_pandas(rows, name="peers", backend="local/csv", root_dir=FOLDER)
    room = asyncio.Semaphore(IN_FLIGHT)
    async with session() as http:

        @experiment()
        async def read(row):
            async with room:
                text = await ask(http, int(row["number"]))
            return {**row, "text": text, "right": text == row["target"]}

        done = await read.arun(dataset, name="run")
    hand_over(rows=len(done), right=sum(bool(row["right"]) for row in done))


asyncio.run(main())
