"""pydantic-evals over aiohttp; its report is in memory only."""

import asyncio

from asking import COUNT, IN_FLIGHT, TARGET, ask, hand_over, session
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EqualsExpected


async def main():
    cases = [Case(name=str(number), inputs=number, expected_output=TARGET) for number in range(COUNT)]
    dataset = Dataset(name="peers", cases=cases, evaluators=[EqualsExpected()])
    async with session() as http:

        async def read(number: int) -> str:
            return await ask(http, number)

        report = await dataset.evaluate(read, max_concurrency=IN_FLIGHT, progress=False)
    right = sum(case.assertions["EqualsExpected"].value for case in report.cases)
    hand_over([case.task_duration for case in report.cases], rows=len(report.cases), right=right)


asyncio.run(main())
