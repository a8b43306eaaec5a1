"""`describe`: what the columns of a table are."""

import pandas as pd

from toolkit.errors import SettingError
from toolkit.schema import TABLES


def describe(table: str) -> pd.DataFrame:
    """Say what each column of a table is: its unit, its type and what it means.

    Parameters
    ----------
    table : str
        Name of a table, such as ``"outcomes"``, ``"attempts"``, ``"summary"``, ``"comparison"``, ``"thresholds"``.

    Returns
    -------
    pandas.DataFrame
        A row a column: ``column``, ``unit``, ``dtype`` and ``meaning``; ``attrs`` hold what gives the table
        (``call``) and what a row of it is (``row``).

    Raises
    ------
    SettingError
        If there is no such table; the message lists those there are.

    Examples
    --------
    >>> import toolkit as tk
    >>> tk.describe("outcomes").query("column == 'latency_s'")["unit"].item()
    's'
    """
    known = {one.name: one for one in TABLES}
    if table not in known:
        raise SettingError(f"table={table!r} must be one of {', '.join(known)}")
    found = known[table]
    names = list(found.names())
    columns = [found.column(name) for name in names]
    frame = pd.DataFrame(
        [(c.name, c.unit, c.dtype, c.meaning) for c in columns if c is not None],
        columns=["column", "unit", "dtype", "meaning"],
        dtype="str",
    )
    frame.attrs |= {"call": found.call, "row": found.row}
    return frame
