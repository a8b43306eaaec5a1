"""What it would cost to know more: a run forecast from a pilot, and the images that would settle a comparison."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._comparison.comparison import compare
from toolkit.stats._comparison.sample_size import images_needed
from toolkit.stats._core.bootstrap import bca, cells_of
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._core.trials import Errors, Trials, per_image, require_columns

NAN = float("nan")


@dataclass(frozen=True, repr=False)
class Forecast(Result):
    """`table` has a row a setting and one for ``all``: the ``pilot`` images it rests on, ``cost_usd`` and
    ``minutes`` of the whole run with the ends of their intervals. Minutes are of trials one after another,
    divided by how many are in flight; settings run after one another.
    """

    table: pd.DataFrame
    images: int
    repeats: int
    confidence_level: float

    def explain(self) -> str:
        row = self.table.iloc[-1]
        money = _range("about", row, "cost_usd", " USD")
        if np.isnan(row["cost_usd"]):
            money = "money unknown (a setting has no price)"
        elif row["cost_usd"] == 0:
            money = "no money"
        time = "time unknown" if np.isnan(row["minutes"]) else _range("about", row, "minutes", " minutes")
        times = f" {self.repeats} times each" if self.repeats > 1 else ""
        return (
            f"{self.images:,} images{times} with {len(self.table) - 1} settings: {money} and {time}, from a pilot of "
            f"{row['pilot']:,} images ({confidence(self.confidence_level)} intervals; if the images are like the pilot's)."
        )


def forecast(
    pilot: pd.DataFrame, images: int, *, repeats: int = 1, in_flight: int = 1, confidence_level: float = 0.95
) -> Forecast:
    """Money and time of a run of `images`, from the outcomes of a few (twenty are a start).

    Every trial of the pilot counts, errors too: they took time, and perhaps money. NaN where the pilot knows no cost
    or no time; interval ends are NaN where the pilot's images do not vary.
    """
    if images < 1 or repeats < 1 or in_flight < 1:
        raise SettingError("images, repeats and in_flight must be 1 at least")
    trials = Trials.of(pilot, "miss")
    calls = images * repeats
    seconds = "elapsed_s" if "elapsed_s" in pilot.columns else "latency_s"
    rows = []
    for code, setting in enumerate(trials.settings):
        mine = trials.setting == code
        image = trials.sample[mine]
        row: dict[str, object] = {"setting": setting, "pilot": int(np.unique(image).size)}
        for name, column, scale in (("cost_usd", "cost_usd", 1.0), ("minutes", seconds, 1 / 60 / in_flight)):
            known = (
                pilot[column].to_numpy(np.float64, na_value=np.nan)[mine]
                if column in pilot.columns
                else np.full(image.size, NAN)
            )
            row |= _total(name, image, known, calls * scale, confidence_level)
        rows.append(row)
    each = pd.DataFrame(rows)
    return Forecast(pd.DataFrame([*rows, _all_of(each)]), images, repeats, confidence_level)


def _total(
    name: str, image: FloatArray, values: FloatArray, calls: float, confidence_level: float
) -> dict[str, object]:
    if values.size == 0 or np.isnan(values).any():
        return {name: NAN, f"{name}_low": NAN, f"{name}_high": NAN}
    total, counts = per_image(image.astype(np.intp), values, np.ones(values.size))
    low, high = bca(lambda sums: sums[:, 0] / sums[:, 1], cells_of(total, counts), confidence_level)
    mean = float(values.mean())
    if np.ptp(values) == 0:  # one price for all: nothing varies, and nothing is expected to
        low = high = mean
    return {name: mean * calls, f"{name}_low": low * calls, f"{name}_high": high * calls}


def _all_of(each: pd.DataFrame) -> dict[str, object]:
    """Totals, whose uncertainties add as those of independent settings do."""
    row: dict[str, object] = {"setting": "all", "pilot": int(each["pilot"].min()) if len(each) else 0}
    for name in ("cost_usd", "minutes"):
        total = each[name].sum(skipna=False)
        down = np.sqrt(((each[name] - each[f"{name}_low"]) ** 2).sum(skipna=False))
        up = np.sqrt(((each[f"{name}_high"] - each[name]) ** 2).sum(skipna=False))
        row |= {name: total, f"{name}_low": total - down, f"{name}_high": total + up}
    return row


def _range(about: str, row: "pd.Series[float]", name: str, unit: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    ends = "" if np.isnan(low) or low == high else f" ({low:.3g} to {high:.3g})"
    return f"{about} {row[name]:.3g}{unit}{ends}"


@dataclass(frozen=True, repr=False)
class PriceOfKnowing(Result):
    """`table` has a row a pair: its ``difference`` and ``verdict`` so far on ``images``, the ``images_needed`` to
    tell a difference of that size (or the one asked about), ``more_images``, and what these cost and take for both.
    """

    table: pd.DataFrame
    power: float
    asked: float | None

    def explain(self) -> str:
        return "\n".join(self._sentence(row) for row in self.table.to_dict("records")) or "There is no pair to settle."

    def _sentence(self, row: dict[Any, Any]) -> str:
        pair = f"{row['setting']} against {row['baseline']}"
        size = 100 * abs(row["difference"] if self.asked is None else self.asked)
        more = row["more_images"]
        if more == 0 and row["verdict"] != "cannot tell":
            return f"{pair} is settled on {row['images']:,} images: {row['verdict']}."
        if not np.isfinite(more):
            return f"{pair}: no difference was seen, so no number of images is known that would settle it; name a difference that matters."
        price = "" if np.isnan(row["cost_usd"]) or row["cost_usd"] == 0 else f", for about {row['cost_usd']:.2g} USD"
        return (
            f"{pair}: {more:,.0f} more images would settle a difference of {size:.1f} points with a chance of "
            f"{100 * self.power:.0f} %{price}."
        )


def price_of_knowing(
    outcomes: pd.DataFrame,
    baseline: str | None = None,
    *,
    difference: float | None = None,
    power: float = 0.8,
    confidence_level: float = 0.95,
    errors: Errors = "exclude",
) -> PriceOfKnowing:
    """How many more images would tell each pair's accuracy apart, and what they cost.

    The observed difference is the planning value, and is itself uncertain; `difference` asks about one that would
    matter instead. The price is the mean cost of an image with both settings.
    """
    require_columns(outcomes, "setting")
    found = compare(outcomes, baseline, confidence_level=confidence_level, errors=errors).table
    if "only_setting" not in found.columns:
        raise SettingError("price_of_knowing plans single readings; filter the outcomes to repeat == 0")
    discordant = (found["only_setting"] + found["only_baseline"]) / found["images"]
    size = found["difference"].abs() if difference is None else pd.Series(abs(difference), found.index)
    needed = images_needed(size.to_numpy(), np.maximum(discordant.to_numpy(), size.to_numpy()), power, confidence_level)
    more = np.maximum(needed - found["images"].to_numpy(), 0)
    if difference is None:  # these images happened to tell already, with fewer than it takes four times in five
        more = np.where(found["verdict"] == "cannot tell", more, 0)
    both = [found["setting"], found["baseline"]]
    table = found[["setting", "baseline", "images", "difference", "verdict"]].assign(
        images_needed=needed, more_images=more
    )
    for name, column, scale in (("cost_usd", "cost_usd", 1.0), ("minutes", "elapsed_s", 1 / 60)):
        if column in outcomes.columns:
            mean = outcomes.groupby(outcomes["setting"].astype(str))[column].agg(lambda x: x.mean(skipna=False))
            each = sum(side.map(mean).to_numpy(np.float64) for side in both)
            with np.errstate(invalid="ignore"):
                table[name] = np.where(np.isfinite(more), more * each * scale, np.nan)
        else:
            table[name] = NAN
    return PriceOfKnowing(table, power, difference)
