"""Where this code runs. Loads nothing, so that it can be asked before any widget is made."""

import sys
from typing import Any


def notebook_shell() -> Any | None:
    """The IPython shell of a notebook's kernel; None in a terminal or a script."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell if getattr(shell, "kernel", None) is not None else None


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    return notebook_shell() is not None
