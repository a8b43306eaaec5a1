"""Whether two runs are of the same images, and what differs where they are not."""

from collections.abc import Mapping

from toolkit._run.run import Run
from toolkit.errors import DatasetError

_SHOWN = 3

Images = Mapping[str, tuple[str | None, str | None]]


def require_same_images(old: Run, new: Run) -> None:
    """`DatasetError` naming the images that are in one run only, or have another label or other bytes in the other.

    Neither their order nor the dataset's name nor the tags matter: none of them changes what was read.
    """
    before, after = _images(old), _images(new)
    if before == after:
        return
    shared = [name for name in before if name in after]
    kinds = {
        "only in the old run": [name for name in before if name not in after],
        "only in the new run": [name for name in after if name not in before],
        "with another label": [name for name in shared if before[name][0] != after[name][0]],
        "with other bytes": [name for name in shared if before[name][1] != after[name][1]],
    }
    differing = "; ".join(f"{len(ids):,} {kind} ({_listed(ids)})" for kind, ids in kinds.items() if ids)
    names = [run.manifest["plan"]["dataset"]["name"] for run in (old, new)]
    raise DatasetError(f"the runs are of different images ({names[0]!r} and {names[1]!r}): {differing}")


def _images(run: Run) -> Images:
    """Label and digest of each image by its id."""
    return {sample["id"]: (sample["target"], sample["sha256"]) for sample in run.store.samples()}


def _listed(ids: list[str]) -> str:
    return ", ".join(map(repr, ids[:_SHOWN])) + (", …" if len(ids) > _SHOWN else "")
