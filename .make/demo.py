"""`make demo`: the shipped datasets through the local engines, with all that comes of it in runs/demo/."""

# ruff: noqa: INP001, T201 -- a command stands alone, and prints

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import toolkit as tk
from toolkit._providers.base import Provider
from toolkit._report import summary_table as show
from toolkit._run.run import Run
from toolkit.errors import ManifestMismatch, ToolkitError

DATASETS = ("printed", "distorted")
NOTEBOOK = Path("notebooks/01_quickstart.ipynb")
OUT = Path("runs/demo")
FIGURE = OUT / "accuracy_latency.png"
PAGE = OUT / NOTEBOOK.with_suffix(".html").name
SAY_EVERY_S = 5.0


def main() -> None:
    """Benchmark, draw, execute the notebook, and say where everything is."""
    begun = time.perf_counter()
    wanted = [tk.RapidOCR(), *tk.grid(tk.Tesseract, psm=[6, 7, 8])]
    settings = available(wanted)
    runs = {name: benchmark(name, settings) for name in DATASETS}
    draw(runs)
    written = {OUT / name: "a run, as plain text" for name in runs} | {FIGURE: "accuracy against latency"}
    if settings == wanted:
        execute_notebook()
        written[PAGE] = "the quickstart notebook, executed"
    else:
        print(f"\n{NOTEBOOK} compares both engines; it is executed once they are there.")
    print(farewell(written, time.perf_counter() - begun))


def available(settings: Iterable[Provider]) -> list[Provider]:
    """The settings whose engine and language data are on this machine; one line for each engine left out."""
    usable: list[Provider] = []
    reasons: dict[str, str] = {}
    for setting in settings:
        try:
            setting.versions()
        except ToolkitError as missing:
            reasons[setting.name] = str(missing)
        else:
            usable.append(setting)
    for name, reason in reasons.items():
        print(f"Without {name}, whose settings are skipped: {reason}")
    return usable


def benchmark(name: str, settings: list[Provider]) -> Run:
    """Run the settings over a shipped dataset and print the summary. A finished run is only looked at again."""
    dataset = tk.load_dataset(Path("datasets") / name)
    print(f"\n── {name}: {len(dataset)} images × {', '.join(s.label for s in settings)}", flush=True)
    store = OUT / name
    try:
        run = watched(dataset, settings, store)
    except ManifestMismatch as difference:
        # The store is the demo's own, but someone may have been at work with it since: nothing is deleted.
        kept = store.rename(store.with_name(f"{name}-until-{time.strftime('%Y%m%d-%H%M%S')}"))
        print(f"{difference}\nThat run was moved to {kept}; this is a new one.")
        run = watched(dataset, settings, store)
    if not run.complete:
        sys.exit("make demo again goes on from here")
    print(show.as_text(show.leaderboard(run.summary())), flush=True)
    return run


def watched(dataset: tk.Dataset, settings: list[Provider], store: Path) -> Run:
    """The finished run, with progress also where there is no terminal to draw it on."""
    if sys.stderr.isatty():
        return tk.benchmark(dataset, settings, store=store)
    live = tk.start(dataset, settings, store=store)
    while live.running:
        live.wait(SAY_EVERY_S)
        print(live.progress.sentence, flush=True)
    return live.wait()


def draw(runs: dict[str, Run]) -> None:
    """Accuracy against latency, one panel a dataset."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("agg")
    figure, panels = plt.subplots(1, len(runs), figsize=(6.5 * len(runs), 4.5), layout="constrained")
    for (name, run), panel in zip(runs.items(), panels, strict=True):
        tk.plots.accuracy_latency(run.outcomes, ax=panel)
        panel.set_title(name)
    figure.savefig(FIGURE, dpi=150)


def execute_notebook() -> None:
    """The quickstart as a reader would see it after running it; what went wrong in it is shown."""
    print(f"\nExecuting {NOTEBOOK} …", flush=True)
    with tempfile.TemporaryDirectory() as checkout:
        # A run of its own, which neither goes on with the reader's runs/quickstart nor is in its way.
        Path(checkout, "notebooks").mkdir()
        notebook = shutil.copy(NOTEBOOK, Path(checkout, "notebooks"))
        Path(checkout, "datasets").symlink_to(Path("datasets").resolve())
        convert = [sys.executable, "-m", "nbconvert", "--execute", "--to=html", f"--output-dir={OUT.resolve()}"]
        done = subprocess.run([*convert, notebook], capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
    if done.returncode:
        sys.exit(f"{done.stderr[-3000:]}\n{NOTEBOOK} could not be executed, see above; the runs are in {OUT}/")


def farewell(written: dict[Path, str], seconds: float) -> str:
    """Where everything is, and what to type next."""
    lines = "\n".join(f"  {path!s:<30}  {what}" for path, what in written.items())
    return f"""
Done in {seconds:.0f} s. What came of it:
{lines}

What to type next:
  .venv/bin/toolkit show {OUT / DATASETS[-1]}
  .venv/bin/toolkit run YOUR_FOLDER --provider rapidocr --store runs/mine
  .venv/bin/jupyter lab {NOTEBOOK}"""


if __name__ == "__main__":
    try:
        main()
    except ToolkitError as error:
        sys.exit(f"demo: {error}")
