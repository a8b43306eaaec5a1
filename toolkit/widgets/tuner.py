"""The threshold tuner: sliders for threshold, value, harms and target risk; curve, utility, guarantee and cost follow."""

from dataclasses import replace
from html import escape
from typing import Any

import ipywidgets
import numpy as np

from toolkit.plots.colours import settings_of
from toolkit.stats import Choice, ThresholdCurve, Utility
from toolkit.stats._thresholds.placement import Grid
from toolkit.widgets.base import WIDE, WRAPPED, FigureImage, WidgetView, picture
from toolkit.widgets.sources import Source, how_to_open, outcomes_of
from toolkit.widgets.subjects import Subject, chosen, subjects
from toolkit.widgets.tuner_figure import TunerFigure
from toolkit.widgets.tuning import Curves, Setup, as_code, at, findings_html, highest_utility

_STEPS = 500
_LONG = {"width": "460px", "max_width": "100%"}
_DESCRIBED = {"description_width": "150px"}
_CONFIDENCES = (0.80, 0.90, 0.95, 0.99)
_CHARGES = (("answers", "answered"), ("every call", "always"), ("correct answers", "correct"))
_FIGURE = (
    "Accuracy of the answers and coverage by threshold, above; utility per image by threshold, below. "
    "The table after the figure has the numbers at the marked thresholds."
)


class Tuner(WidgetView):
    """A threshold to be moved by hand. `setup` is its state, and may be set; `row` and `choice` are what it finds."""

    def __init__(self, source: Source, setup: Setup, among: list[Subject]) -> None:
        outcomes = outcomes_of(source)
        self._opening = how_to_open(source)
        self._settings = settings_of(outcomes)
        self._curves = Curves(outcomes)
        self._figures: dict[Subject, TunerFigure] = {}
        self.subject = ipywidgets.Dropdown(
            options=[(one.words, one) for one in among], value=setup.subject, description="Threshold of",
            style=_DESCRIBED, layout=_LONG,
        )  # fmt: skip
        self.threshold_box = ipywidgets.Box(layout=WIDE)
        self.value = _slider("Correct answer", setup.utility.value_correct, 10.0)
        self.cost_wrong = _slider("Wrong answer", setup.utility.cost_wrong, 20.0)
        self.cost_no_answer = _slider("No answer", setup.utility.cost_no_answer, 10.0)
        self.price = ipywidgets.BoundedFloatText(
            value=setup.utility.price, min=0.0, max=1e9, step=0.0001, description="Price per call, USD",
            style=_DESCRIBED, layout={"width": "270px"},
        )  # fmt: skip
        self.charge = ipywidgets.Dropdown(
            options=_CHARGES,
            value=setup.utility.charge,
            description="charged for",
            layout={"width": "220px"},
        )
        self.max_risk = ipywidgets.FloatSlider(
            value=setup.max_risk, min=0.005, max=0.5, step=0.005, readout_format=".1%",
            description="Maximum risk", style=_DESCRIBED, layout=_LONG,
        )  # fmt: skip
        self.confidence = ipywidgets.Dropdown(
            options=[(f"{100 * confidence_level:g} % confidence level", confidence_level) for confidence_level in sorted({*_CONFIDENCES, setup.confidence})],
            value=setup.confidence, description="", layout={"width": "190px"},
            tooltip="Confidence level of the guarantee on wrong answers",
        )  # fmt: skip
        self.image = FigureImage(_FIGURE)
        self.findings = ipywidgets.HTML(layout=WIDE)
        self.code = ipywidgets.Textarea(
            description="As code", rows=7, layout={"width": "100%", "max_width": "720px"},
            tooltip="Code that computes these numbers: select and copy",
        )  # fmt: skip
        self.code.add_class("toolkit-as-code")
        self._utility = setup.utility
        self._offer_thresholds(setup.subject, setup.threshold)
        super().__init__(
            "tuner",
            [
                self.subject,
                self.threshold_box,
                self.value,
                self.cost_wrong,
                self.cost_no_answer,
                ipywidgets.HBox([self.price, self.charge], layout=WRAPPED),
                ipywidgets.HBox([self.max_risk, self.confidence], layout=WRAPPED),
                self.image,
                self.findings,
                self.code,
            ],
        )
        self._update()
        self.subject.observe(self._on_subject, "value")
        for control in (
            self.value, self.cost_wrong, self.cost_no_answer, self.price, self.charge, self.max_risk, self.confidence,
        ):  # fmt: skip
            control.observe(self._on_move, "value")

    def __repr__(self) -> str:
        setup = self.setup
        return f"<Tuner of {setup.subject.words}: threshold {setup.threshold:g}, utility {self.row['utility']:.4g} per image>"

    @property
    def setup(self) -> Setup:
        """What the controls say."""
        utility = replace(
            self._utility,
            value_correct=_round(self.value.value),
            cost_wrong=_round(self.cost_wrong.value),
            cost_no_answer=_round(self.cost_no_answer.value),
            price=self.price.value,
            charge=self.charge.value,
        )
        risk = _round(self.max_risk.value)
        return Setup(self.subject.value, float(self.threshold.value), utility, risk, self.confidence.value)

    @property
    def curve(self) -> ThresholdCurve:
        """The curve of the setting that is chosen, with the utility that is set."""
        return self._curves.of(self.setup.subject, self.setup.utility)

    @property
    def row(self) -> Any:
        """The curve's figures at the threshold that is set."""
        return at(self.curve, self.setup.threshold)

    @property
    def choice(self) -> Choice:
        """The risk-controlled threshold for the maximum risk that is set."""
        return self._curves.choice(self.setup.subject, self.setup.max_risk, self.setup.confidence)

    def as_html(self) -> str:
        return f"{picture(self.as_png(), _FIGURE)}{self.findings.value}<pre>{escape(self.code.value)}</pre>"

    def as_png(self) -> bytes:
        return bytes(self.image.value)

    def _offer_thresholds(self, subject: Subject, threshold: float | None) -> None:
        """A slider over the thresholds of this setting: all confidences between two ends, or the few that were asked."""
        curve = self._curves.of(subject, self._utility)
        thresholds = curve.table["threshold"].to_numpy(np.float64)
        if threshold is None:
            threshold = _start(curve, self._curves.choice(subject, _round(self.max_risk.value), self.confidence.value))
        how = {
            "description": "Threshold",
            "style": _DESCRIBED,
            "layout": {"width": "620px", "max_width": "100%"},
        }
        if isinstance(curve.placement, Grid) or thresholds.size < 2:
            nearest = float(thresholds[np.abs(thresholds - threshold).argmin()])
            options = [(f"{value:g}", float(value)) for value in thresholds]
            self.threshold = ipywidgets.SelectionSlider(options=options, value=nearest, **how)
        else:
            low, high = float(thresholds[0]), float(thresholds[-1])
            self.threshold = ipywidgets.FloatSlider(
                value=min(max(threshold, low), high),
                min=low,
                max=high,
                step=_step(high - low),
                readout_format=".4f",
                **how,
            )
        self.threshold.observe(self._on_move, "value")
        self.threshold_box.children = [self.threshold]

    def _on_subject(self, _: object) -> None:
        self._offer_thresholds(self.subject.value, None)
        self._update()

    def _on_move(self, _: object) -> None:
        self._update()

    def _update(self) -> None:
        """Bring figure, table and code to what the controls say."""
        setup, curve, choice = self.setup, self.curve, self.choice
        if setup.subject not in self._figures:
            self._figures[setup.subject] = TunerFigure(curve, self._settings)
        self.image.show(*self._figures[setup.subject].draw(setup, curve, choice))
        self.findings.value = findings_html(setup, curve, choice)
        self.code.value = as_code(setup, self._opening)


def _round(value: float) -> float:
    """A slider's place without the dust of floating point, which would stand in the code."""
    return round(value, 6)


def _slider(description: str, value: float, most: float) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(
        value=value, min=min(0.0, value), max=max(most, 2 * value), step=0.1, readout_format=".2f",
        description=description, style=_DESCRIBED, layout=_LONG,
    )  # fmt: skip


def _step(reach: float) -> float:
    """A round step that makes some hundreds of places."""
    exact = reach / _STEPS
    power = 10.0 ** np.floor(np.log10(exact))
    return float(power * min((1, 2, 5, 10), key=lambda digit: abs(digit * power - exact)))


def _start(curve: ThresholdCurve, choice: Choice) -> float:
    """The risk-controlled threshold if there is one, else the one with the highest utility on these images."""
    return choice.threshold if choice.status == "controlled" else float(highest_utility(curve)["threshold"])


def tune(
    source: Source,
    setting: str | None = None,
    *,
    provider: str | None = None,
    over: str | None = None,
    threshold: float | None = None,
    utility: Utility | None = None,
    max_risk: float = 0.05,
    confidence: float = 0.90,
) -> Tuner:
    """Move a threshold by hand and see accuracy, coverage, utility and cost follow.

    The figures are those of `tk.stats.thresholds` and `tk.stats.pick_threshold`; the code that computes them stands below
    the controls.

    Parameters
    ----------
    source : Run or DataFrame
        A run, or its outcomes.
    setting : str, optional
        Label of the setting to begin with. Default: the first one whose answers have confidences.
    provider, over : str, optional
        A provider and one of its parameters, such as ``provider="capsolver", over="score"``: the thresholds are then the values
        of that parameter that were run.
    threshold : float, optional
        Where the slider begins. Default: the risk-controlled threshold if there is one, otherwise the one with the highest
        utility on these images.
    utility : tk.stats.Utility, optional
        Value of a correct answer, cost of a wrong one and of none, price of a call. Default: ``Utility()``.
    max_risk : float, default 0.05
        Largest share of wrong answers among those accepted, between 0 and 1.
    confidence : float, default 0.90
        Confidence level of the guarantee on that share, between 0 and 1.

    Returns
    -------
    Tuner
        Displayed by being the last line of a cell. `setup` is its state, `row` the figures at the threshold, `choice` the
        risk-controlled threshold, `curve` the whole table.

    Raises
    ------
    DatasetError
        When nothing here has a threshold.
    SettingError
        When it is not clear whose threshold is meant.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": "engine()", "sample": ["a", "b", "c", "d"], "repeat": 0,
    ...         "outcome": ["correct", "correct", "wrong", "correct"], "confidence": [0.9, 0.8, 0.4, 0.7],
    ...     }
    ... )
    >>> tuner = tk.widgets.tune(outcomes, threshold=0.7)
    >>> int(tuner.row["accepted"])
    3
    """
    outcomes = outcomes_of(source)
    among = subjects(outcomes)
    subject = chosen(among, setting, provider, over)
    utility = utility or Utility()
    if threshold is None:
        curves = Curves(outcomes)
        threshold = _start(curves.of(subject, utility), curves.choice(subject, max_risk, confidence))
    return Tuner(source, Setup(subject, float(threshold), utility, max_risk, confidence), among)
