"""What a program with the `capmonstercloudclient` package sees."""

import asyncio
import base64
import json
import sys
from http.client import HTTPException

from capmonstercloudclient import CapMonsterClient, ClientOptions
from capmonstercloudclient.exceptions import BaseError
from capmonstercloudclient.requests import ImageToTextRequest


async def attempt(call):
    """What was awaited, or what was raised, as plain values."""
    try:
        return await call
    except (HTTPException, BaseError) as error:
        return {"raised": type(error).__name__, "said": str(error)}


async def main(url, images):
    """Everything at once, since each solution begins with a pause."""
    client, stranger, beggar = (
        CapMonsterClient(ClientOptions(api_key=key, service_url=url)) for key in ("demo", "bad", "empty")
    )

    def image(name, **options):
        return ImageToTextRequest(image_bytes=base64.b64decode(images[name]), **options)

    full = {"threshold": 70, "case": True, "numeric": 0, "math": False, "module_name": "universal"}
    calls = {
        "solved": client.solve_captcha(image("sure")),
        "with every option": client.solve_captcha(image("sure", **full)),
        "under the threshold": client.solve_captcha(image("unsure", threshold=90)),
        "unsolvable": client.solve_captcha(image("blank")),
        "bad key": stranger.solve_captcha(image("sure")),
        "no money": beggar.solve_captcha(image("sure")),
        "balance with a bad key": stranger.get_balance(),
    }
    results = await asyncio.gather(*(attempt(call) for call in calls.values()))
    return dict(zip(calls, results, strict=True)) | {"balance": await attempt(client.get_balance())}


json.dump(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]))), sys.stdout)
