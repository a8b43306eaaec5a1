"""Made-up outcomes, every figure drawn from them, and what a drawn figure says."""

import numpy as np
import pandas as pd
from matplotlib.text import Text

import toolkit as tk

VERDICTS = ["correct", "wrong", "no_answer", "error"]
START = 1_700_000_000.0
LETTERS = np.array(list("abcdefghijklm0O1l5S8B"))


def made_up(labels=("slow()", "quick(psm=7)", "quick(psm=8)"), images=90, seed=3, repeats=1):
    """Outcomes with all columns of a run: each setting a little worse and quicker than the one before."""
    rng = np.random.default_rng(seed)
    targets = ["".join(rng.choice(LETTERS, 3 + n % 4)) for n in range(images)]
    parts = []
    for place, label in enumerate(labels):
        image = np.tile(np.arange(images), repeats)
        confidence = rng.beta(5, 1.5, image.size).round(3)
        right = rng.random(image.size) < confidence ** (1 + 0.5 * place)
        texts = [targets[n] if ok else rng.choice(LETTERS) + targets[n][1:] for n, ok in zip(image, right, strict=True)]
        wrong = np.array([text != targets[n] for text, n in zip(texts, image, strict=True)])
        latency_s = rng.lognormal(-1.5 - 1.2 * (place % 5), 0.4, image.size)
        outcome = np.where(rng.random(image.size) < 0.08, "no_answer", np.where(wrong, "wrong", "correct"))
        answered = outcome != "no_answer"
        parts.append(
            pd.DataFrame(
                {
                    "setting": label,
                    "sample": [f"{n}.png" for n in image],
                    "repeat": np.repeat(np.arange(repeats), images),
                    "outcome": outcome,
                    "target": [targets[n] for n in image],
                    "text": pd.Series(texts).where(pd.Series(answered)),
                    "confidence": np.where(answered, confidence, np.nan),
                    "correct_normalised": outcome == "correct",
                    "edits": np.where(answered, wrong.astype(float), np.nan),
                    "target_length": [len(targets[n]) for n in image],
                    "ned": np.where(answered, wrong / 4, np.nan),
                    "error": pd.Series(np.where(answered, None, "unsolvable"), dtype="str"),
                    "started_at": START + np.sort(rng.uniform(0, 400, image.size)),
                    "latency_s": np.where(answered, latency_s, np.nan),
                    "latency_low_s": np.where(answered & (place == 0), 0.7 * latency_s, np.nan),
                    "elapsed_s": latency_s,
                    "cost_usd": np.where(answered, 0.001 * place, 0.0),
                    "alphabet": np.where(image % 3 == 0, "digits", "letters"),
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    frame["outcome"] = pd.Categorical(frame["outcome"], VERDICTS)
    frame["setting"] = pd.Categorical(frame["setting"])
    return frame


def ending(frame, outcome):
    """The same trials, all of which ended so."""
    frame = frame.assign(outcome=pd.Categorical([outcome] * len(frame), VERDICTS))
    if outcome in ("correct", "wrong"):
        return frame[frame["text"].notna()]
    unknown = dict.fromkeys(("confidence", "edits", "ned", "latency_s", "latency_low_s"), np.nan)
    return frame.assign(text=pd.Series([None] * len(frame), dtype="str"), cost_usd=0.0, error="transport", **unknown)


def limits():
    """What two accounts were allowed over time."""
    rows = [("one at a", START, 8, np.nan), ("two at b", START + 1, 4, 2.0), ("one at a", START + 90, 4, 5.0)]
    return pd.DataFrame(
        [*rows, ("one at a", START + 200, 6, 5.0)], columns=["account", "at", "in_flight", "per_second"]
    )


def a_setting(outcomes):
    """The setting whose curve is drawn."""
    return str(outcomes["setting"].iloc[0]) if len(outcomes) else None


def curve_of(outcomes, setting=None):
    """Its threshold curve, under a utility that makes a choice."""
    utility = tk.stats.Utility(value_correct=1, cost_wrong=2, cost_no_answer=0.2)
    return tk.stats.thresholds(outcomes, setting or a_setting(outcomes), utility=utility)


def best_of(curve):
    """Its best threshold, from few n_resamples."""
    return tk.stats.best_threshold(curve, n_resamples=199)


def _threshold_curve(outcomes, ax):
    curve = curve_of(outcomes)
    choice = tk.stats.pick_threshold(curve, 0.25, 0.8)
    return tk.plots.threshold_curve(curve, ax, choice=choice, best=best_of(curve))


def _risk_coverage(outcomes, ax):
    curve = curve_of(outcomes)
    return tk.plots.risk_coverage(curve, ax, choice=tk.stats.pick_threshold(curve, 0.25, 0.8))


def _probe_plans(outcomes, ax):
    plans = tk.stats.compare_probe_plans([0.8, 0.85, 0.9, 0.95], images=100, price=0.001)
    return tk.plots.probe_plans(plans if len(outcomes) else plans.iloc[:0], ax)


FIGURES = {
    "accuracy_cost": tk.plots.accuracy_cost,
    "accuracy_latency": tk.plots.accuracy_latency,
    "latency_ecdf": tk.plots.latency_ecdf,
    "latency_quantiles": tk.plots.latency_quantiles,
    "threshold_curve": _threshold_curve,
    "risk_coverage": _risk_coverage,
    "utility_curve": lambda outcomes, ax: tk.plots.utility_curve(best_of(curve_of(outcomes)), ax),
    "forest": lambda outcomes, ax: tk.plots.forest(tk.stats.compare(outcomes, margin=0.05), ax),
    "forest_of_latency": lambda outcomes, ax: tk.plots.forest(
        tk.stats.compare(outcomes, metric="latency_p95_s", n_resamples=99), ax
    ),
    "confusions": lambda outcomes, ax: tk.plots.confusions(tk.stats.confusions(outcomes, a_setting(outcomes)), ax),
    "reliability": lambda outcomes, ax: tk.plots.reliability(
        tk.stats.calibration(outcomes, a_setting(outcomes), n_resamples=99), ax
    ),
    "accuracy_by_length": tk.plots.accuracy_by_length,
    "accuracy_by": lambda outcomes, ax: tk.plots.accuracy_by(outcomes, "alphabet", ax),
    "drift": tk.plots.drift,
    "drift_of_latency": lambda outcomes, ax: tk.plots.drift(outcomes, ax, of="latency"),
    "probe_plans": _probe_plans,
    "concurrency": tk.plots.concurrency,
    "concurrency_of_limits": lambda outcomes, ax: tk.plots.concurrency(limits() if len(outcomes) else limits()[:0], ax),
}
"""How each figure is drawn from outcomes and axes (or None)."""


def words_of(ax):
    """All texts that a drawn figure shows in these axes."""
    ax.figure.canvas.figure.draw_without_rendering()
    shown = [*ax.texts, ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label]
    for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        low, high = sorted(limits)
        reach = 1e-9 * (abs(low) + abs(high))
        ticks = [tick for tick in axis.get_major_ticks() if low - reach <= tick.get_loc() <= high + reach]
        shown += [tick.label1 for tick in ticks if tick.label1.get_visible()]
    legend = ax.get_legend()
    shown += legend.findobj(Text) if legend else []
    return [text for text in shown if text.get_text().strip() and text.get_visible()]
