"""A probe to be killed: the service, its key and the store are on the command line."""

import json
import sys

from noise_images import noise_images

import toolkit as tk

if __name__ == "__main__":
    count, store, service, url, key, over, settings, strategy = json.loads(sys.argv[1])
    polled = {"first_poll_s": 0.05, "poll_every_s": 0.05} if service == "CapMonster" else {}
    provider = getattr(tk, service)(key=key, base_url=url, price_per_1000_usd=1, **polled)
    tk.probe(
        noise_images(count),
        provider,
        over,
        settings,
        strategy=strategy,
        audit=10,
        store=store,
        show=False,
        limits=tk.Limits(in_flight=8),
    )
