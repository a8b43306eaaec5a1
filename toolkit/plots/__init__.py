"""Figures: functions of a frame that draw into the given axes and give them back. matplotlib loads with the first."""

from toolkit.plots.accuracy_by import accuracy_by, accuracy_by_length
from toolkit.plots.accuracy_cost import accuracy_cost
from toolkit.plots.accuracy_latency import accuracy_latency
from toolkit.plots.concurrency import concurrency, in_flight_table
from toolkit.plots.confusions import confusions
from toolkit.plots.drift import drift, drift_table
from toolkit.plots.fitting import fitting
from toolkit.plots.forest import forest
from toolkit.plots.latency_ecdf import latency_ecdf
from toolkit.plots.latency_quantiles import latency_quantiles
from toolkit.plots.latency_tables import latency_table
from toolkit.plots.of_run import RunPlots
from toolkit.plots.probe_plans import probe_plans
from toolkit.plots.reliability import reliability
from toolkit.plots.risk_coverage import risk_coverage
from toolkit.plots.threshold_curve import threshold_curve
from toolkit.plots.utility_curve import utility_curve

__all__ = [
    "RunPlots",
    "accuracy_by",
    "accuracy_by_length",
    "accuracy_cost",
    "accuracy_latency",
    "concurrency",
    "confusions",
    "drift",
    "drift_table",
    "fitting",
    "forest",
    "in_flight_table",
    "latency_ecdf",
    "latency_quantiles",
    "latency_table",
    "probe_plans",
    "reliability",
    "risk_coverage",
    "threshold_curve",
    "utility_curve",
]


def __dir__() -> list[str]:
    """What a user calls; the files that the figures are drawn in are not listed."""
    return __all__
