"""Any Python function that turns image bytes into text."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, SupportsFloat

from toolkit._providers._checks import check_text
from toolkit._providers._images import decode
from toolkit._providers.base import NOT_IN_IDENTITY, LocalProvider
from toolkit.errors import EngineFailure, SettingError, Unsolvable
from toolkit.types import Answer


@dataclass(frozen=True)
class Function(LocalProvider):
    """A function of your own from an encoded image to its text.

    Parameters
    ----------
    function : callable
        Takes the image's bytes and gives the text, or ``(text, confidence)`` with a confidence in [0, 1] or None. An
        empty text or None says that there is none. To run in several processes it must be picklable.
    version : str, optional
        What tells two editions of the function apart. By default it is a hash of the source code, where Python finds it;
        what the function calls is not part of that.

    Notes
    -----
    The function is called with images only: bytes that cannot be decoded are refused before.

    Examples
    --------
    >>> def shout(image: bytes) -> tuple[str, float]:
    ...     return "A7K2", 0.9
    >>> Function(shout).label
    'function(shout)'
    """

    name: ClassVar[str] = "function"
    confidence_is: ClassVar[str] = "the function's own"
    tested_against: ClassVar[str] = "functions"

    function: Callable[[bytes], Any] = field(metadata=NOT_IN_IDENTITY)
    version: str | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise SettingError(f"Function: function must be a callable, got {self.function!r}")
        check_text(self, "version", optional=True)

    @property
    def label(self) -> str:
        """``function(name)``, with the version where one was given; or the alias."""
        if self.alias is not None:
            return self.alias
        return f"function({self._named}{'' if self.version is None else f', version={self.version!r}'})"

    @property
    def parameters(self) -> dict[str, Any]:
        """Where the function is defined, and its version."""
        return {"function": f"{getattr(self.function, '__module__', '?')}:{self._named}", **super().parameters}

    def read(self, image: bytes) -> Answer:
        decode(image)
        given = self.function(image)
        text, confidence = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        if text is None or text == "":
            raise Unsolvable(f"{self._named} gave no text")
        sure: Any = confidence
        sound = sure is None or (
            not isinstance(sure, bool) and isinstance(sure, SupportsFloat) and 0 <= float(sure) <= 1
        )
        if not isinstance(text, str) or not sound:
            raise EngineFailure(f"{self._named} must give a text, or (text, confidence in [0, 1]), got {given!r:.200}")
        return Answer(text, None if confidence is None else float(confidence))

    def versions(self) -> dict[str, str]:
        if self.version is not None:
            return {self._named: self.version}
        try:
            source = inspect.getsource(self.function)
        except (OSError, TypeError):
            return {}
        return {self._named: hashlib.sha256(source.encode()).hexdigest()[:12]}

    @property
    def _named(self) -> str:
        return getattr(self.function, "__qualname__", type(self.function).__qualname__).rpartition("<locals>.")[2]
