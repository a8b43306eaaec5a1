"""How hard to try, and from which seed; in a module of its own because every `conftest` has the same name."""

import os

WHOLE = os.environ.get("TOOLKIT_TORTURE") == "whole"
SEED = int(os.environ.get("TOOLKIT_TORTURE_SEED", "0"))
