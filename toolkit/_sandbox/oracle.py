"""A reader that knows the right answers and gives them as often, and as surely, as it is told to."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.errors import DatasetError, SettingError

logger = logging.getLogger(__name__)

_ALPHABET = "abcdefghjkmnpqrstuvwxyz"
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of an oracle at a threshold, over the images it knows or over all it might know.

    Of `images` images it answers the share `coverage`; of those answers the share `accuracy` is right and `risk`
    is wrong. Both are NaN where nothing is answered.
    """

    threshold: float
    images: int
    coverage: float
    accuracy: float

    @property
    def risk(self) -> float:
        return 1 - self.accuracy


class Oracle:
    """Answers images whose right text it was given: image bytes → (text, confidence).

    It is right about a share `accuracy` of the images and silent about a share `silence`. Its confidence has the
    mean `confidence_when_right` or `confidence_when_wrong`, as the draws of a power law on [0, 1], so that no
    threshold separates right from wrong but every threshold improves on none. Each image has one answer and one
    confidence, drawn from its bytes and the `seed`: asking again, in another order or at another threshold changes
    neither, and what is accepted at a threshold is accepted at every lower one.

    `images` are encoded images with their targets, of which it keeps a digest and the target. An image it was not
    given is answered with None, as an unsolvable one is. `DatasetError` when images of the same bytes have different
    targets.
    """

    instant = True

    def __init__(
        self,
        images: Iterable[tuple[bytes, str]],
        *,
        accuracy: float = 0.9,
        confidence_when_right: float = 0.92,
        confidence_when_wrong: float = 0.6,
        silence: float = 0.0,
        seed: int = 0,
    ) -> None:
        for name, share in (("accuracy", accuracy), ("silence", silence)):
            if not 0 <= share <= 1:
                raise SettingError(f"{name}={share}: a share is from 0 to 1")
        for name, mean in (
            ("confidence_when_right", confidence_when_right),
            ("confidence_when_wrong", confidence_when_wrong),
        ):
            if not 0 < mean < 1:
                raise SettingError(f"{name}={mean}: a mean confidence lies between 0 and 1")
        self.accuracy = accuracy
        self.silence = silence
        self._salt = str(seed).encode() + b":"
        self._targets = _by_digest(images)
        # x ** (1 / k) of a uniform x has the distribution function c ** k and the mean k / (k + 1).
        self._right_power = confidence_when_right / (1 - confidence_when_right)
        self._wrong_power = confidence_when_wrong / (1 - confidence_when_wrong)
        self._met_stranger = False

    @property
    def images(self) -> int:
        """How many different images it knows."""
        return len(self._targets)

    def __call__(self, image: bytes) -> tuple[str | None, float]:
        digest = hashlib.sha256(image).digest()
        target = self._targets.get(digest)
        if target is None:
            if not self._met_stranger:
                self._met_stranger = True
                logger.warning(
                    "an image that the oracle was not given is answered as unsolvable; "
                    "was the dataset re-encoded after the oracle was made?"
                )
            return None, 0.0
        text, confidence, _ = self._answer(digest, target)
        return text, confidence

    def truth(self, threshold: float = 0.0) -> Truth:
        """Coverage and accuracy over exactly the images it knows, when answers under `threshold` are withheld."""
        answered = right = 0
        for text, confidence, is_right in self._answers():
            if text is not None and confidence >= threshold:
                answered += 1
                right += is_right
        images = len(self._targets)
        return Truth(
            threshold,
            images,
            answered / images if images else float("nan"),
            right / answered if answered else float("nan"),
        )

    def expected(self, threshold: float = 0.0) -> Truth:
        """The same over all images it might be given: what `truth` tends to as the dataset grows."""
        right = self.accuracy * (1 - threshold**self._right_power)
        wrong = (1 - self.accuracy) * (1 - threshold**self._wrong_power)
        spoken = (1 - self.silence) * (right + wrong)
        return Truth(threshold, len(self._targets), spoken, right / (right + wrong) if right + wrong else float("nan"))

    def _answers(self) -> Iterator[tuple[str | None, float, bool]]:
        return (self._answer(digest, target) for digest, target in self._targets.items())

    def _answer(self, digest: bytes, target: str) -> tuple[str | None, float, bool]:
        # A hash is as good as dice, and the same for everybody. Each draw has a place of its own in it, so that a
        # higher accuracy keeps every image that was right already.
        drawn = hashlib.sha256(self._salt + digest).digest()
        silent, right, level, slip = (int.from_bytes(drawn[at : at + 8]) / 2**64 for at in (0, 8, 16, 24))
        if silent < self.silence:
            return None, 0.0, False
        if right < self.accuracy:
            return target, level ** (1 / self._right_power), True
        return _misread(target, slip), level ** (1 / self._wrong_power), False


def _by_digest(images: Iterable[tuple[bytes, str]]) -> dict[bytes, str]:
    targets: dict[bytes, str] = {}
    for image, target in images:
        digest = hashlib.sha256(image).digest()
        if targets.setdefault(digest, target) != target:
            raise DatasetError(
                f"one image has the targets {targets[digest]!r} and {target!r}; an oracle can know only one of them"
            )
    return targets


def _misread(target: str, slip: float) -> str:
    """The target with one character read as another, whatever case is compared; `slip` in [0, 1) chooses."""
    if not target:
        return _ALPHABET[int(slip * len(_ALPHABET))]
    place = slip * len(target)
    position, choice = int(place), place % 1
    right = target[position]
    others = [other for other in (_DIGITS if right.isdigit() else _ALPHABET) if other != right.casefold()]
    other = others[int(choice * len(others))]
    return target[:position] + (other.upper() if right.isupper() else other) + target[position + 1 :]
