"""Figures: functions of a frame that draw into the given axes and give them back. matplotlib loads with the first."""

from toolkit.plots.accuracy_latency import accuracy_latency

__all__ = ["accuracy_latency"]
