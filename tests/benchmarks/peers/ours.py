"""This toolkit: every row on disk with its latency, scored, summarised. `TRANSPORT` chooses what carries it."""

import os
from pathlib import Path

from asking import COUNT, FOLDER, IN_FLIGHT, TARGET, URL, hand_over, image

import toolkit as tk

dataset = tk.Dataset.from_samples(
    (tk.Sample.from_bytes(image(number), TARGET, id=f"{number}.png") for number in range(COUNT)), name="peers"
)
run = tk.benchmark(
    dataset,
    tk.CapSolver(key="key", base_url=URL),
    limits=tk.Limits(in_flight=IN_FLIGHT),
    transport=os.environ.get("TRANSPORT", "auto"),
    store=Path(FOLDER) / "run",
    show=False,
)
outcomes, _ = run.outcomes, run.summary()
hand_over(outcomes["latency_s"], rows=len(outcomes), right=int((outcomes["outcome"] == "correct").sum()))
