"""A setting that is given its images prepared: enlarged, cleaned, in black and white."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

from toolkit._providers._checks import check_choice, check_number, check_whole
from toolkit._providers._preparing import Preparation
from toolkit._providers.base import NOT_IN_IDENTITY, Account, LocalProvider, Provider, ServiceProvider
from toolkit.errors import BadRequest, SettingError
from toolkit.types import Answer, Compute, Flow, InMemory, Sample, Step


@dataclass(frozen=True)
class Prepared(Provider):
    """A setting whose images are prepared first, as part of each reading and of its latency.

    Parameters
    ----------
    setting : Provider
        Any engine or service, configured. Cascades take prepared settings as their stages.
    scale : float in [0.1, 10], default 1
        Enlarges or reduces both sides.
    grayscale : bool, default False
    threshold : None, "otsu" or int in [0, 255], default None
        Turns what is lighter than this grey value white and all else black; ``otsu`` finds it for each image.
    denoise : None, 3, 5 or 7, default None
        Width in pixels of the square whose median each pixel becomes.
    invert : bool, default False
        Light becomes dark, for light text on dark ground.
    contrast : bool, default False
        Stretches the grey values so that the darkest is black and the lightest white.
    pad : int >= 0, default 0
        Pixels of white border, added last.

    Notes
    -----
    Steps are carried out in this order: grayscale, denoise, invert, scale, contrast, threshold, pad; the result is sent
    on as a PNG. Two of the same kind for a threshold on the confidence: it is the inner setting's.

    References
    ----------
    N. Otsu (1979), A threshold selection method from gray-level histograms.

    Examples
    --------
    >>> import toolkit as tk
    >>> [one.label for one in tk.grid(tk.Prepared, setting=tk.Tesseract(), scale=[2, 3])]
    ['prepared(tesseract(psm=7), scale=2)', 'prepared(tesseract(psm=7), scale=3)']
    """

    name: ClassVar[str] = "prepared"

    setting: Provider = field(metadata=NOT_IN_IDENTITY)
    scale: float = 1.0
    grayscale: bool = False
    threshold: str | int | None = None
    denoise: int | None = None
    invert: bool = False
    contrast: bool = False
    pad: int = 0

    def __new__(cls, setting: Any = None, /, *args: Any, **parameters: Any) -> Self:
        inner = parameters.get("setting", setting)
        kind: type = cls
        if cls is Prepared and isinstance(inner, LocalProvider):
            kind = PreparedEngine
        elif cls is Prepared and isinstance(inner, ServiceProvider):
            kind = PreparedService
        return super().__new__(kind, setting, *args, **parameters)

    def __post_init__(self) -> None:
        if isinstance(self, PreparedService):
            ServiceProvider.__post_init__(self)
        if type(self) is Prepared or isinstance(self.setting, Prepared):
            given = f"{self.setting!r:.100}"
            raise SettingError(f"Prepared: setting must be one engine or service such as tk.RapidOCR(), got {given}")
        check_number(self, "scale", 0.1, 10)
        for name in ("grayscale", "invert", "contrast"):
            check_choice(self, name, (False, True))
        if self.threshold is not None and self.threshold != "otsu":
            check_whole(self, "threshold", 0, 255)
        check_choice(self, "denoise", (None, 3, 5, 7))
        check_whole(self, "pad", 0, 1000)

    @property
    def label(self) -> str:
        """``prepared(inner setting, step=value)``, or the alias."""
        if self.alias is not None:
            return self.alias
        defaults = {f.name: f.default for f in fields(Preparation)}
        steps = [f"{name}={value!r}" for name, value in self._steps.items() if value != defaults[name]]
        return f"prepared({', '.join([self.setting.label, *steps])})"

    @property
    def parameters(self) -> dict[str, Any]:
        """The inner setting's, and the steps."""
        return {"setting": {"provider": self.setting.name, "parameters": self.setting.parameters}, **self._steps}

    @property
    def prices(self) -> Mapping[str, float] | None:
        return self.setting.prices

    @property
    def max_cost_usd(self) -> float | None:
        return self.setting.max_cost_usd

    def versions(self) -> dict[str, str]:
        import PIL

        return {"Pillow": PIL.__version__, **self.setting.versions()}

    def prepare(self, image: bytes) -> bytes:
        """The image as the inner setting gets it, a PNG; `BadRequest` when it cannot be decoded."""
        return Preparation(**self._steps)(image)

    @property
    def _steps(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(Preparation)}

    def flow(self, sample: Sample) -> Flow:
        raise NotImplementedError


@dataclass(frozen=True)
class PreparedEngine(Prepared, LocalProvider):
    """An engine with preparation; made by `Prepared`."""

    setting: LocalProvider = field(metadata=NOT_IN_IDENTITY)

    def ready(self) -> bool:
        return self.setting.ready()

    def read(self, image: bytes) -> Answer:
        return self.setting.read(self.prepare(image))

    flow = LocalProvider.flow
    prices = LocalProvider.prices


@dataclass(frozen=True)
class PreparedService(Prepared, ServiceProvider):
    """A service with preparation; made by `Prepared`. Account, tasks and prices are the inner setting's."""

    setting: ServiceProvider = field(metadata=NOT_IN_IDENTITY)

    @property
    def _asked(self) -> ServiceProvider:
        """The inner setting, with the key and address that were given to this one."""
        given = {name: getattr(self, name) for name in ("key", "base_url") if getattr(self, name) is not None}
        return replace(self.setting, **given) if given else self.setting

    @property
    def account(self) -> Account:
        return self._asked.account

    def refuses(self, image: bytes) -> str | None:
        try:
            return self.setting.refuses(self.prepare(image))
        except BadRequest as error:
            return str(error)

    def flow(self, sample: Sample) -> Flow:
        return (yield from self._asked.flow((yield from self._prepared(sample))))

    def create(self, sample: Sample) -> Generator[Step, Any, str | int]:
        return (yield from self._asked.create((yield from self._prepared(sample))))

    def collect(self, task_id: str | int) -> Flow:
        return self._asked.collect(task_id)

    def peek(self, task_id: str | int) -> Generator[Step, Any, Answer | None]:
        return self._asked.peek(task_id)

    def report_incorrect(self, task_id: str | int) -> Generator[Step, Any, None]:
        return self._asked.report_incorrect(task_id)

    def balance(self) -> Generator[Step, Any, float | None]:
        return self._asked.balance()

    def _prepared(self, sample: Sample) -> Generator[Step, Any, Sample]:
        image = yield Compute(self.prepare, (sample.image,))
        return replace(sample, source=InMemory(image))
