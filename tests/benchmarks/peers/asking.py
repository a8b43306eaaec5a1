"""What the tools' scripts share: their arguments, the images, one request by aiohttp, and how figures are handed over.

The tools that bring no HTTP client of their own are all given this one, so that what differs is the tool.
"""

# ruff: noqa: T201 -- a script's figures are its output

import base64
import json
import random
import sys

URL, COUNT, IN_FLIGHT, FOLDER = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
"""The service's address, how many images, how many in flight, and a folder that the tool may write to."""

IMAGE_BYTES = 1500
TARGET = "word"


def image(number):
    """The bytes that stand for an image; each number gives others."""
    return random.Random(number).randbytes(IMAGE_BYTES)


def task(number):
    """The request that reads an image."""
    body = base64.b64encode(image(number)).decode()
    return {"clientKey": "key", "task": {"type": "ImageToTextTask", "module": "common", "body": body}}


def session():
    """An aiohttp session that opens as many connections as are asked for."""
    import aiohttp

    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def ask(session, number):
    """What the service reads in an image."""
    async with session.post(f"{URL}/createTask", json=task(number)) as response:
        return (await response.json())["solution"]["text"]


def hand_over(latencies_s=None, *, rows, right):
    """Print the figures: rows that the tool gave back, how many of them right, and the latencies that it reports."""
    figures = {"rows": rows, "right": right}
    if latencies_s is not None:
        ordered = sorted(latencies_s)
        figures |= {f"p{q}_ms": round(1000 * ordered[int(q / 100 * (len(ordered) - 1))], 1) for q in (50, 95)}
    print(json.dumps(figures))
