"""A run to be killed: its services, keys and store are on the command line."""

import json
import sys

from bills import readable

import toolkit as tk

if __name__ == "__main__":
    count, store, key, urls, options = json.loads(sys.argv[1])
    settings = [
        tk.CapSolver(key=key, base_url=urls["capsolver"], price_per_1000_usd=1),
        tk.CapMonster(key=key, base_url=urls["capmonster"], price_per_1000_usd=1, first_poll_s=0.05, poll_every_s=0.05),
    ]
    limits = tk.Limits(**options.pop("limits", {"in_flight": 8}))
    chosen = settings[: options.pop("settings", 2)]
    tk.benchmark(readable(count), chosen, store=store, show=False, limits=limits, **options)
