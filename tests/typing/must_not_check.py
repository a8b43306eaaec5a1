"""Calls that a type checker must refuse, each for the reason beside it; run by `test_typing.py`."""

import toolkit as tk

dataset = tk.load_dataset("folder")
tk.benchmark(dataset, tk.Tesseract(), repeats="three")  # refused: arg-type
tk.benchmark(dataset, tk.Tesseract(), storre="a")  # refused: call-arg
tk.benchmark(dataset, 5)  # refused: arg-type
tk.start(dataset, tk.Tesseract(), budget_usd="2")  # refused: arg-type
tk.start(dataset, tk.Tesseract(), show=True)  # refused: call-arg
tk.plan(dataset, tk.Tesseract(), limits=3)  # refused: arg-type
tk.probe(dataset, tk.CapSolver(), "score", [0.8, 0.9], stratgy="tree")  # refused: call-arg
tk.Tesseract(psm="seven")  # refused: arg-type
by_slice = tk.stats.pick_threshold(tk.stats.thresholds(tk.open_run("x").outcomes, by="font"), 0.05)
level = by_slice.threshold  # refused: attr-defined
