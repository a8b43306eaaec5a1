"""Statistics: functions from a frame of outcomes to a frame of figures, each with its interval.

Each subject has a file of its own, which is loaded when one of its names is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.stats.by_length import accuracy_by_length as accuracy_by_length
    from toolkit.stats.by_length import error_by_position as error_by_position
    from toolkit.stats.cascade_check import CascadeCheck as CascadeCheck
    from toolkit.stats.cascade_check import check_cascade as check_cascade
    from toolkit.stats.cascades import CascadeSearch as CascadeSearch
    from toolkit.stats.cascades import replay_cascade as replay_cascade
    from toolkit.stats.cascades import search_cascades as search_cascades
    from toolkit.stats.character_errors import Confusions as Confusions
    from toolkit.stats.character_errors import confusions as confusions
    from toolkit.stats.character_errors import look_alikes as look_alikes
    from toolkit.stats.character_errors import lower_case as lower_case
    from toolkit.stats.comparison import Comparison as Comparison
    from toolkit.stats.comparison import compare as compare
    from toolkit.stats.controlling import ControlSoFar as ControlSoFar
    from toolkit.stats.controlling import control_so_far as control_so_far
    from toolkit.stats.determinism import DeterminismAudit as DeterminismAudit
    from toolkit.stats.determinism import SmoothedCurve as SmoothedCurve
    from toolkit.stats.determinism import audit_determinism as audit_determinism
    from toolkit.stats.determinism import audit_repeats as audit_repeats
    from toolkit.stats.determinism import smoothed as smoothed
    from toolkit.stats.determinism import smoothed_curve as smoothed_curve
    from toolkit.stats.elimination import Elimination as Elimination
    from toolkit.stats.elimination import eliminate as eliminate
    from toolkit.stats.ensembles import Agreement as Agreement
    from toolkit.stats.ensembles import agreement as agreement
    from toolkit.stats.intervals import Interval as Interval
    from toolkit.stats.intervals import clopper_pearson as clopper_pearson
    from toolkit.stats.intervals import clustered_wilson as clustered_wilson
    from toolkit.stats.intervals import fieller as fieller
    from toolkit.stats.intervals import harrell_davis as harrell_davis
    from toolkit.stats.intervals import jeffreys as jeffreys
    from toolkit.stats.intervals import quantile_interval as quantile_interval
    from toolkit.stats.intervals import wilson as wilson
    from toolkit.stats.labels import LabelSuspects as LabelSuspects
    from toolkit.stats.labels import label_suspects as label_suspects
    from toolkit.stats.missing import why_missing as why_missing
    from toolkit.stats.placed import outcomes_of_placed as outcomes_of_placed
    from toolkit.stats.placed import placed_images as placed_images
    from toolkit.stats.planning import Forecast as Forecast
    from toolkit.stats.planning import PriceOfKnowing as PriceOfKnowing
    from toolkit.stats.planning import forecast as forecast
    from toolkit.stats.planning import price_of_knowing as price_of_knowing
    from toolkit.stats.probing import ProbePlan as ProbePlan
    from toolkit.stats.probing import compare_probe_plans as compare_probe_plans
    from toolkit.stats.probing import probe_plan as probe_plan
    from toolkit.stats.reliability import Calibration as Calibration
    from toolkit.stats.reliability import calibrated as calibrated
    from toolkit.stats.reliability import calibration as calibration
    from toolkit.stats.reliability import ece as ece
    from toolkit.stats.repeats import flips as flips
    from toolkit.stats.rescoring import Rescored as Rescored
    from toolkit.stats.rescoring import rescore as rescore
    from toolkit.stats.risk_control import Choice as Choice
    from toolkit.stats.risk_control import pick_threshold as pick_threshold
    from toolkit.stats.risk_coverage import Areas as Areas
    from toolkit.stats.risk_coverage import areas as areas
    from toolkit.stats.sample_size import images_needed as images_needed
    from toolkit.stats.sample_size import power as power
    from toolkit.stats.setting_summary import summary as summary
    from toolkit.stats.stopping import Stopping as Stopping
    from toolkit.stats.stopping import can_stop as can_stop
    from toolkit.stats.stopping import interval_so_far as interval_so_far
    from toolkit.stats.threshold_check import Check as Check
    from toolkit.stats.threshold_check import check as check
    from toolkit.stats.threshold_choice import BestThreshold as BestThreshold
    from toolkit.stats.threshold_choice import best_threshold as best_threshold
    from toolkit.stats.threshold_curve import ThresholdCurve as ThresholdCurve
    from toolkit.stats.threshold_curve import thresholds as thresholds
    from toolkit.stats.ties import TieGroups as TieGroups
    from toolkit.stats.ties import tie_groups as tie_groups
    from toolkit.stats.utility import Utility as Utility

_FILES = {
    "by_length": (
        "accuracy_by_length",
        "error_by_position",
    ),
    "cascade_check": (
        "CascadeCheck",
        "check_cascade",
    ),
    "cascades": (
        "CascadeSearch",
        "replay_cascade",
        "search_cascades",
    ),
    "character_errors": (
        "Confusions",
        "confusions",
        "look_alikes",
        "lower_case",
    ),
    "comparison": (
        "Comparison",
        "compare",
    ),
    "controlling": (
        "ControlSoFar",
        "control_so_far",
    ),
    "determinism": (
        "DeterminismAudit",
        "SmoothedCurve",
        "audit_determinism",
        "audit_repeats",
        "smoothed",
        "smoothed_curve",
    ),
    "elimination": (
        "Elimination",
        "eliminate",
    ),
    "ensembles": (
        "Agreement",
        "agreement",
    ),
    "intervals": (
        "Interval",
        "clopper_pearson",
        "clustered_wilson",
        "fieller",
        "harrell_davis",
        "jeffreys",
        "quantile_interval",
        "wilson",
    ),
    "labels": (
        "LabelSuspects",
        "label_suspects",
    ),
    "missing": ("why_missing",),
    "placed": (
        "outcomes_of_placed",
        "placed_images",
    ),
    "planning": (
        "Forecast",
        "PriceOfKnowing",
        "forecast",
        "price_of_knowing",
    ),
    "probing": (
        "ProbePlan",
        "compare_probe_plans",
        "probe_plan",
    ),
    "reliability": (
        "Calibration",
        "calibrated",
        "calibration",
        "ece",
    ),
    "repeats": ("flips",),
    "rescoring": (
        "Rescored",
        "rescore",
    ),
    "risk_control": (
        "Choice",
        "pick_threshold",
    ),
    "risk_coverage": (
        "Areas",
        "areas",
    ),
    "sample_size": (
        "images_needed",
        "power",
    ),
    "setting_summary": ("summary",),
    "stopping": (
        "Stopping",
        "can_stop",
        "interval_so_far",
    ),
    "threshold_check": (
        "Check",
        "check",
    ),
    "threshold_choice": (
        "BestThreshold",
        "best_threshold",
    ),
    "threshold_curve": (
        "ThresholdCurve",
        "thresholds",
    ),
    "ties": (
        "TieGroups",
        "tie_groups",
    ),
    "utility": ("Utility",),
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
