"""What lies in a dataset's folder, and what a label file may point at."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"})


def image_names(folder: Path) -> Iterator[str]:
    """Names of the images directly in a folder, sorted; hidden files are passed over."""
    with os.scandir(folder) as entries:
        yield from sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 -- a Path each would take most of the time
        )


class Folder:
    """Judges the image names of a label file: each must be a file, and inside the folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = os.path.realpath(path)
        self._safe_parents = {""}

    def objection(self, name: str) -> tuple[str, str] | None:
        """What is wrong with a name and how to cure it; None when it names an image in the folder.

        Costs one `lstat` for most names, because a label file may have a million of them.
        """
        if not name:
            return "no image is named", "write the image's file name"
        if "\0" in name:
            return f"the image name {name!r} holds a NUL character", "correct the name"
        steps = name.replace("\\", "/").split("/")
        if not steps[0] or PureWindowsPath(name).drive or ".." in steps:
            return self._outside(name)
        place = os.path.join(self._root, name)  # noqa: PTH118 -- as above: strings are several times faster here
        try:
            status = os.lstat(place)
            linked = stat.S_ISLNK(status.st_mode)
            parent = os.path.dirname(name)  # noqa: PTH120 -- as above
            if (linked or parent not in self._safe_parents) and not self._holds(os.path.realpath(place)):
                return self._outside(name)
            if not linked:
                self._safe_parents.add(parent)
            if not stat.S_ISREG(os.stat(place).st_mode if linked else status.st_mode):  # noqa: PTH116 -- as above
                return f"{name!r} is not a file", "name an image file"
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and no file is called
            return f"the image name {name!r} is no valid text", "correct the name"
        except (FileNotFoundError, NotADirectoryError):
            return f"the image {name!r} is not in {self.path}", "add the image or remove the row"
        except OSError as error:
            return f"the image {name!r} cannot be looked at ({error.strerror})", "correct the name or its permissions"
        return None

    def _holds(self, place: str) -> bool:
        return place.startswith(os.path.join(self._root, ""))  # noqa: PTH118 -- as above

    def _outside(self, name: str) -> tuple[str, str]:
        return f"the image {name!r} is outside the dataset's folder {self.path}", "copy it into the folder"
