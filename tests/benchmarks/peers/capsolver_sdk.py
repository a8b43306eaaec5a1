"""CapSolver's own client, which blocks, in as many threads as may be in flight; stores nothing."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import capsolver
from asking import COUNT, IN_FLIGHT, TARGET, URL, hand_over, image

capsolver.api_base, capsolver.api_key = URL, "key"


def read(number):
    body = base64.b64encode(image(number)).decode()
    start = time.perf_counter()
    solution = capsolver.solve({"type": "ImageToTextTask", "module": "common", "body": body})
    return time.perf_counter() - start, solution["text"] == TARGET


with ThreadPoolExecutor(IN_FLIGHT) as threads:
    done = list(threads.map(read, range(COUNT)))
hand_over([seconds for seconds, _ in done], rows=len(done), right=sum(right for _, right in done))
