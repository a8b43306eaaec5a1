"""A run as one file for any browser: what was found, how it was found, and what to be careful about."""

from toolkit.report.write import write_report

__all__ = ["write_report"]
