"""Calls that a type checker must accept; run by `test_typing.py`."""

import pandas as pd

import toolkit as tk

dataset = tk.load_dataset("folder")
run: tk.Run = tk.benchmark(
    dataset,
    [tk.RapidOCR(), *tk.grid(tk.Tesseract, psm=[7, 8]), tk.Tesseract, "tesseract(psm=9)"],
    repeats=3,
    seed=1,
    store="runs/first",
    workers=2,
    limits={"capsolver": tk.Limits(in_flight=4)},
    budget_usd=1,
    retry=tk.RetryPolicy(),
    retry_errors=True,
    deadline_s=30,
    transport="httpx",
    show=False,
)
live: tk.LiveRun = tk.start([tk.Sample.from_file("a.png", "A")], tk.Tesseract())
plan: pd.DataFrame = tk.plan("folder", tk.RapidOCR(), limits={"capsolver": tk.Limits()}, images=10_000)
summary: pd.DataFrame = run.summary(by="length")
outcomes: pd.DataFrame = run.outcomes
curve = tk.stats.thresholds(run.outcomes, "rapidocr()")
choice = tk.stats.pick_threshold(curve, 0.05)
threshold: float = choice.threshold
by_slice = tk.stats.pick_threshold(tk.stats.thresholds(run.outcomes, "rapidocr()", by="font"), 0.05)
broken: list[object] = by_slice.broken
policy = choice.to_policy()
decision: str = policy.decide(("AB12", 0.9))
