"""AdaptiveSemaphore, as many as are allowed just now."""

import asyncio

from toolkit._engine.semaphore import AdaptiveSemaphore


class Allowed:
    """How many places there are, which a test may change."""

    def __init__(self, places):
        self.places = places

    def __call__(self):
        return self.places


async def entered(places, count):
    """Tasks that have asked for a place, in this order."""
    tasks = [asyncio.create_task(places.enter()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def inside(tasks):
    await asyncio.sleep(0)
    return [task.done() and not task.cancelled() for task in tasks]


def test_first_come_first_served():
    """As many as are allowed, and one more for each that leaves."""

    async def session():
        places = AdaptiveSemaphore(Allowed(2))
        tasks = await entered(places, 4)
        before = await inside(tasks)
        places.leave()
        return before, await inside(tasks)

    assert asyncio.run(session()) == ([True, True, False, False], [True, True, True, False])


def test_what_is_allowed_may_change():
    """Fewer let nobody in until enough have left; more are seen when somebody comes or goes."""

    async def session():
        allowed = Allowed(3)
        places = AdaptiveSemaphore(allowed)
        tasks = await entered(places, 5)
        allowed.places = 1
        places.leave()
        places.leave()
        fewer = await inside(tasks)
        allowed.places = 9
        tasks += await entered(places, 1)
        return fewer, await inside(tasks)

    assert asyncio.run(session()) == ([True, True, True, False, False], [True] * 6)


def test_whoever_gives_up_takes_no_place_with_it():
    """Neither while it waits, nor in the moment in which it was given one."""

    async def session():
        places = AdaptiveSemaphore(Allowed(1))
        tasks = await entered(places, 4)
        tasks[1].cancel()
        await asyncio.sleep(0)
        places.leave()  # the third is given the place
        tasks[2].cancel()  # and is cancelled before it knows
        await asyncio.sleep(0)
        return await inside(tasks)

    assert asyncio.run(session()) == [True, False, False, True]


def test_all_may_come_in_when_there_is_nothing_to_wait_for():
    """Those that wait, and those that come later."""

    async def session():
        places = AdaptiveSemaphore(Allowed(1))
        tasks = await entered(places, 3)
        places.let_all_in()
        tasks += await entered(places, 2)
        return await inside(tasks)

    assert asyncio.run(session()) == [True] * 5
