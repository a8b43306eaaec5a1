"""Figures: functions of a frame that draw into the given axes and give them back. matplotlib loads with the first."""

from toolkit.plots.accuracy_cost import accuracy_cost
from toolkit.plots.accuracy_latency import accuracy_latency
from toolkit.plots.latency_ecdf import latency_ecdf
from toolkit.plots.latency_quantiles import latency_quantiles
from toolkit.plots.latency_tables import latency_table

__all__ = ["accuracy_cost", "accuracy_latency", "latency_ecdf", "latency_quantiles", "latency_table"]
