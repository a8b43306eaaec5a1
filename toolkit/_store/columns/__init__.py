"""A run's log as columns: read many lines at a time, and kept beside the log once it is long."""

from toolkit._store.columns.reader import LogReader

__all__ = ["LogReader"]
