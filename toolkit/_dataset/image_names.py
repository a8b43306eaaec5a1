"""Which image a name in a label file means."""

import os
import re
import unicodedata
from collections import defaultdict
from functools import cached_property
from pathlib import PureWindowsPath

from toolkit._dataset.places import Place, is_image

EXACT, MOVED, STEM = 3, 2, 1
"""How sure a name is: a path that is there; the end of a path, elsewhere below the folder; a name without extension."""

SPLITS = {
    **dict.fromkeys(("train", "training", "trainset", "train_set"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "valset"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "test_set"), "test"),
}
"""Folders and files of splits, by the value of their tag."""

_LABEL_FILES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".xlsx", ".parquet", ".md", ".xml", ".zip", ".tar")


class ImageNames:
    """Finds the images that the names of one label file mean.

    Exact paths come first. Otherwise the name may be a path on another machine, lie deeper in the folder, lack its
    extension, or be written in another Unicode form; it counts only where one image can be meant.
    """

    def __init__(self, place: Place, base: str = "") -> None:
        self._place = place
        self._base = base
        self._root = os.path.realpath(place.root)
        self._exact = _shared_set(place)

    def find(self, name: str) -> tuple[str, int] | None:
        """The image and how sure it is; None when none, or more than one, can be meant."""
        path = self._base + name
        if path in self._exact:
            return path, EXACT
        if not name:
            return None
        if path in self._others and not path.lower().endswith(_LABEL_FILES):
            return path, EXACT
        return self._elsewhere(name)

    def exact(self, name: str) -> bool:
        """Whether a name is the path of an image, without looking elsewhere."""
        return self._base + name in self._exact

    def objection(self, name: str) -> tuple[str, str]:
        """Why `find` gave nothing, and how to fix it."""
        if not name:
            return "no image is named", "write the image's file name"
        if "\0" in name:
            return f"the image name {name!r} holds a NUL character", "correct the name"
        try:
            name.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and no file is called
            return f"the image name {name!r} is no valid text", "correct the name"
        candidates = self._candidates(name)
        if len(candidates) > 1:
            listed = ", ".join(repr(c) for c in candidates[:3]) + (", …" if len(candidates) > 3 else "")
            return (
                f"the image {name!r} may be {listed}",
                "write the path from the folder on, or name the folder with image_root=…",
            )
        steps = name.replace("\\", "/").split("/")
        place = self._place
        if self._base + name in place.outside or any(
            self._base + "/".join(steps[:n]) in place.outside for n in range(1, len(steps))
        ):
            return f"the image {name!r} is outside the dataset's folder {place.root}", "copy it into the folder"
        if not steps[0] or PureWindowsPath(name).drive or ".." in steps:
            return (
                f"the image {name!r} is outside the dataset's folder {place.root}",
                "copy it into the folder, or name the images' folder with image_root=…",
            )
        there = place.root / (self._base + name)
        try:
            if there.exists() and not there.is_file():
                return f"{name!r} is not a file", "name an image file"
        except OSError as error:
            return f"the image {name!r} cannot be looked at ({error.strerror})", "correct the name or its permissions"
        return (
            f"the image {name!r} is not in {place.root}",
            "add the image or remove the row, or name the images' folder with image_root=…",
        )

    def _elsewhere(self, name: str) -> tuple[str, int] | None:
        candidates = self._candidates(name)
        if len(candidates) != 1:
            return None
        found = candidates[0]
        steps = name.replace("\\", "/").split("/")
        # a test image that is not there is not the train image of the same name
        given = next((SPLITS[s.lower()] for s in reversed(steps[:-1]) if s.lower() in SPLITS), None)
        actual = next((SPLITS[s.lower()] for s in reversed(found.split("/")[:-1]) if s.lower() in SPLITS), None)
        if given and actual and given != actual:
            return None
        return found, MOVED if is_image(name) else STEM

    def _candidates(self, name: str) -> list[str]:
        """Images that the name may mean, all as good as each other."""
        steps = [s for s in name.replace("\\", "/").split("/") if s not in ("", ".")]
        if not steps or "\0" in name:
            return []
        plain = _plain_path(self._base, steps)
        if plain is not None and plain in self._exact:
            return [plain]
        if name.startswith(self._root + "/") and (inside := name[len(self._root) + 1 :]) in self._exact:
            return [inside]
        if ".." in steps:
            steps = steps[len(steps) - steps[::-1].index("..") :]
            if not steps:
                return []
        for index, last in ((self._by_base, steps[-1]), (self._by_stem, steps[-1])):
            if index is self._by_stem and is_image(last):
                break
            key = _form(last) if index is self._by_stem else _key(last)
            if found := index.get(key, ()):
                return self._longest_shared(list(found), steps)
        return []

    def _longest_shared(self, found: list[str], steps: list[str]) -> list[str]:
        """Of several images of one name, those whose folders agree with the path the furthest."""
        if len(found) == 1:
            return found
        near = [path for path in found if path.startswith(self._base)]
        if self._base and len(steps) == 1 and len(near) == 1:
            return near

        def shared(path: str) -> int:
            n = 0
            for a, b in zip(reversed(path.split("/")[:-1]), reversed(steps[:-1]), strict=False):
                if _key(a) != _key(b):
                    break
                n += 1
            return n

        best = max(map(shared, found))
        return [path for path in found if shared(path) == best]

    @cached_property
    def _others(self) -> frozenset[str]:
        """Files whose names do not end as an image's: a label file may name one all the same."""
        return frozenset(self._place.files)

    @cached_property
    def _by_base(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = defaultdict(list)
        for path in self._place.images:
            index[_key(path.rpartition("/")[2])].append(path)
        return index

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = defaultdict(list)
        for path in self._place.images:
            index[_form(path.rpartition("/")[2].rpartition(".")[0])].append(path)
        return index


def _shared_set(place: Place) -> frozenset[str]:
    """The set of a place's images: many label files of one folder share it."""
    kept: frozenset[str] | None = place.__dict__.get("_image_set")
    if kept is None:
        kept = place.__dict__["_image_set"] = frozenset(place.images)
    return kept


def _plain_path(base: str, steps: list[str]) -> str | None:
    """The path from the root on, with ``..`` resolved; None where it leads out."""
    path = [s for s in base.split("/") if s]
    for step in steps:
        if step == "..":
            if not path:
                return None
            path.pop()
        else:
            path.append(step)
    return "/".join(path)


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def split_of_file(name: str) -> str | None:
    """The split that a label file's name, or its folder's, says."""
    *folders, base = name.split("/")
    for part in re.split(r"[^a-z]+", base.rpartition(".")[0].lower()):
        if part in SPLITS:
            return SPLITS[part]
    return next((SPLITS[f.lower()] for f in reversed(folders) if f.lower() in SPLITS), None)
