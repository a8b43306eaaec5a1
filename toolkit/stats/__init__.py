"""Statistics: functions from a frame of outcomes to a frame of figures, each with its interval.

Each subject has a file of its own, which is loaded when one of its names is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.stats._cascades.cascade_check import CascadeCheck as CascadeCheck
    from toolkit.stats._cascades.cascade_check import check_cascade as check_cascade
    from toolkit.stats._cascades.cascades import CascadeSearch as CascadeSearch
    from toolkit.stats._cascades.cascades import replay_cascade as replay_cascade
    from toolkit.stats._cascades.cascades import search_cascades as search_cascades
    from toolkit.stats._cascades.ensembles import Agreement as Agreement
    from toolkit.stats._cascades.ensembles import agreement as agreement
    from toolkit.stats._cascades.labels import LabelSuspects as LabelSuspects
    from toolkit.stats._cascades.labels import label_suspects as label_suspects
    from toolkit.stats._cascades.repeat_agreement import repeat_agreement as repeat_agreement
    from toolkit.stats._comparison.comparison import Comparison as Comparison
    from toolkit.stats._comparison.comparison import compare as compare
    from toolkit.stats._comparison.cost_forecast import Forecast as Forecast
    from toolkit.stats._comparison.cost_forecast import PriceOfKnowing as PriceOfKnowing
    from toolkit.stats._comparison.cost_forecast import forecast as forecast
    from toolkit.stats._comparison.cost_forecast import price_of_knowing as price_of_knowing
    from toolkit.stats._comparison.sample_size import images_needed as images_needed
    from toolkit.stats._comparison.sample_size import power as power
    from toolkit.stats._comparison.ties import TieGroups as TieGroups
    from toolkit.stats._comparison.ties import tie_groups as tie_groups
    from toolkit.stats._core.by_length import accuracy_by_length as accuracy_by_length
    from toolkit.stats._core.by_length import error_by_position as error_by_position
    from toolkit.stats._core.character_errors import Confusions as Confusions
    from toolkit.stats._core.character_errors import confusions as confusions
    from toolkit.stats._core.character_errors import look_alikes as look_alikes
    from toolkit.stats._core.character_errors import lower_case as lower_case
    from toolkit.stats._core.edit_accuracy import accuracy_within as accuracy_within
    from toolkit.stats._core.grouped import grouped_accuracy as grouped_accuracy
    from toolkit.stats._core.intervals import Interval as Interval
    from toolkit.stats._core.intervals import clopper_pearson as clopper_pearson
    from toolkit.stats._core.intervals import clustered_wilson as clustered_wilson
    from toolkit.stats._core.intervals import fieller as fieller
    from toolkit.stats._core.intervals import harrell_davis as harrell_davis
    from toolkit.stats._core.intervals import jeffreys as jeffreys
    from toolkit.stats._core.intervals import quantile_interval as quantile_interval
    from toolkit.stats._core.intervals import wilson as wilson
    from toolkit.stats._core.missing import why_missing as why_missing
    from toolkit.stats._core.repeats import flip_rates as flip_rates
    from toolkit.stats._core.setting_summary import summary as summary
    from toolkit.stats._decisions.automation import Automation as Automation
    from toolkit.stats._decisions.automation import automation_table as automation_table
    from toolkit.stats._decisions.bands import DecisionBands as DecisionBands
    from toolkit.stats._decisions.bands import Reviewer as Reviewer
    from toolkit.stats._decisions.bands import decision_bands as decision_bands
    from toolkit.stats._decisions.monitor import Monitor as Monitor
    from toolkit.stats._decisions.monitor import ShiftAlarm as ShiftAlarm
    from toolkit.stats._decisions.monitor import checks_per_day as checks_per_day
    from toolkit.stats._decisions.monitor import monitor as monitor
    from toolkit.stats._decisions.monitor import shift_alarm as shift_alarm
    from toolkit.stats._decisions.policy import Cuts as Cuts
    from toolkit.stats._decisions.policy import Policy as Policy
    from toolkit.stats._decisions.policy import Rules as Rules
    from toolkit.stats._decisions.policy import load_policy as load_policy
    from toolkit.stats._decisions.slices import SlicedChoice as SlicedChoice
    from toolkit.stats._decisions.slices import SlicedCurves as SlicedCurves
    from toolkit.stats._probing.determinism import DeterminismAudit as DeterminismAudit
    from toolkit.stats._probing.determinism import SmoothedCurve as SmoothedCurve
    from toolkit.stats._probing.determinism import audit_determinism as audit_determinism
    from toolkit.stats._probing.determinism import audit_repeats as audit_repeats
    from toolkit.stats._probing.determinism import monotone_curve as monotone_curve
    from toolkit.stats._probing.determinism import smoothed_curve as smoothed_curve
    from toolkit.stats._probing.elimination import Elimination as Elimination
    from toolkit.stats._probing.elimination import eliminate as eliminate
    from toolkit.stats._probing.placed import outcomes_of_placed as outcomes_of_placed
    from toolkit.stats._probing.placed import placed_images as placed_images
    from toolkit.stats._probing.probing import ProbePlan as ProbePlan
    from toolkit.stats._probing.probing import compare_probe_plans as compare_probe_plans
    from toolkit.stats._probing.probing import probe_plan as probe_plan
    from toolkit.stats._probing.stopping import Stopping as Stopping
    from toolkit.stats._probing.stopping import can_stop as can_stop
    from toolkit.stats._probing.stopping import interval_so_far as interval_so_far
    from toolkit.stats._thresholds.controlling import ControlSoFar as ControlSoFar
    from toolkit.stats._thresholds.controlling import control_so_far as control_so_far
    from toolkit.stats._thresholds.metric_along import MetricCurve as MetricCurve
    from toolkit.stats._thresholds.metric_along import f_beta as f_beta
    from toolkit.stats._thresholds.metric_along import metric_along as metric_along
    from toolkit.stats._thresholds.reliability import Calibration as Calibration
    from toolkit.stats._thresholds.reliability import calibrated as calibrated
    from toolkit.stats._thresholds.reliability import calibration as calibration
    from toolkit.stats._thresholds.reliability import ece as ece
    from toolkit.stats._thresholds.rescoring import Rescored as Rescored
    from toolkit.stats._thresholds.rescoring import rescore as rescore
    from toolkit.stats._thresholds.risk_control import Choice as Choice
    from toolkit.stats._thresholds.risk_control import pick_threshold as pick_threshold
    from toolkit.stats._thresholds.risk_coverage import Areas as Areas
    from toolkit.stats._thresholds.risk_coverage import risk_coverage_areas as risk_coverage_areas
    from toolkit.stats._thresholds.threshold_check import Check as Check
    from toolkit.stats._thresholds.threshold_check import check_threshold as check_threshold
    from toolkit.stats._thresholds.threshold_choice import BestThreshold as BestThreshold
    from toolkit.stats._thresholds.threshold_choice import best_threshold as best_threshold
    from toolkit.stats._thresholds.threshold_curve import ThresholdCurve as ThresholdCurve
    from toolkit.stats._thresholds.threshold_curve import thresholds as thresholds
    from toolkit.stats._thresholds.utility import Utility as Utility

_FILES = {
    "_core.edit_accuracy": ("accuracy_within",),
    "_core.grouped": ("grouped_accuracy",),
    "_thresholds.metric_along": (
        "MetricCurve",
        "f_beta",
        "metric_along",
    ),
    "_cascades.repeat_agreement": ("repeat_agreement",),
    "_decisions.automation": (
        "Automation",
        "automation_table",
    ),
    "_decisions.bands": (
        "DecisionBands",
        "Reviewer",
        "decision_bands",
    ),
    "_decisions.monitor": (
        "Monitor",
        "ShiftAlarm",
        "checks_per_day",
        "monitor",
        "shift_alarm",
    ),
    "_decisions.policy": (
        "Cuts",
        "Policy",
        "Rules",
        "load_policy",
    ),
    "_decisions.slices": (
        "SlicedChoice",
        "SlicedCurves",
    ),
    "_core.by_length": (
        "accuracy_by_length",
        "error_by_position",
    ),
    "_cascades.cascade_check": (
        "CascadeCheck",
        "check_cascade",
    ),
    "_cascades.cascades": (
        "CascadeSearch",
        "replay_cascade",
        "search_cascades",
    ),
    "_core.character_errors": (
        "Confusions",
        "confusions",
        "look_alikes",
        "lower_case",
    ),
    "_comparison.comparison": (
        "Comparison",
        "compare",
    ),
    "_thresholds.controlling": (
        "ControlSoFar",
        "control_so_far",
    ),
    "_probing.determinism": (
        "DeterminismAudit",
        "SmoothedCurve",
        "audit_determinism",
        "audit_repeats",
        "monotone_curve",
        "smoothed_curve",
    ),
    "_probing.elimination": (
        "Elimination",
        "eliminate",
    ),
    "_cascades.ensembles": (
        "Agreement",
        "agreement",
    ),
    "_core.intervals": (
        "Interval",
        "clopper_pearson",
        "clustered_wilson",
        "fieller",
        "harrell_davis",
        "jeffreys",
        "quantile_interval",
        "wilson",
    ),
    "_cascades.labels": (
        "LabelSuspects",
        "label_suspects",
    ),
    "_core.missing": ("why_missing",),
    "_probing.placed": (
        "outcomes_of_placed",
        "placed_images",
    ),
    "_comparison.cost_forecast": (
        "Forecast",
        "PriceOfKnowing",
        "forecast",
        "price_of_knowing",
    ),
    "_probing.probing": (
        "ProbePlan",
        "compare_probe_plans",
        "probe_plan",
    ),
    "_thresholds.reliability": (
        "Calibration",
        "calibrated",
        "calibration",
        "ece",
    ),
    "_core.repeats": ("flip_rates",),
    "_thresholds.rescoring": (
        "Rescored",
        "rescore",
    ),
    "_thresholds.risk_control": (
        "Choice",
        "pick_threshold",
    ),
    "_thresholds.risk_coverage": (
        "Areas",
        "risk_coverage_areas",
    ),
    "_comparison.sample_size": (
        "images_needed",
        "power",
    ),
    "_core.setting_summary": ("summary",),
    "_probing.stopping": (
        "Stopping",
        "can_stop",
        "interval_so_far",
    ),
    "_thresholds.threshold_check": (
        "Check",
        "check_threshold",
    ),
    "_thresholds.threshold_choice": (
        "BestThreshold",
        "best_threshold",
    ),
    "_thresholds.threshold_curve": (
        "ThresholdCurve",
        "thresholds",
    ),
    "_comparison.ties": (
        "TieGroups",
        "tie_groups",
    ),
    "_thresholds.utility": ("Utility",),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}

__all__ = sorted(_FILE_OF)  # noqa: PLE0605 -- built from the table above, so that a name stands there only


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
