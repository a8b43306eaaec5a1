"""`read`: one image, one answer, without a run."""

from toolkit._engine.driver import AttemptResult, read_through
from toolkit._engine.local_backend import InProcessExecutor
from toolkit._engine.own_loop import in_own_loop
from toolkit._providers.base import Provider, ServiceProvider
from toolkit._providers.cascade import Cascade, own, unsure
from toolkit._run.client import Image, TaskClient, as_sample
from toolkit.errors import ProviderError
from toolkit.types import Answer, Sample


def read(provider: Provider, image: Image) -> Answer:
    """What one provider reads in one image: a path, an http(s) link, encoded bytes, or a sample.

    Raises the `ProviderError` that a run would have recorded. Nothing is stored and nothing is tried twice.
    """
    if isinstance(provider, ServiceProvider):
        with TaskClient(provider) as client:
            return client.read(image)
    if isinstance(provider, Cascade):
        return _read_in_turn(provider, as_sample(image).loaded())
    result = read_here(provider, as_sample(image))
    if result.error is not None:
        raise result.error
    assert result.answer is not None  # noqa: S101 -- a result has the one or the other
    return result.answer


def _read_in_turn(cascade: Cascade, sample: Sample) -> Answer:
    """One reading by a cascade, whose stages may have worlds of their own: a service's, or this machine."""
    usage: dict[str, float] = {}
    earlier: list[str] = []
    for number, (stage, _) in enumerate(cascade.stages, start=1):
        try:
            answer = read(stage, sample)
        except ProviderError:
            if number == len(cascade.stages):
                raise
            continue
        usage |= {own(stage, name): quantity for name, quantity in answer.usage.items()}
        if cascade.takes(number - 1, answer, earlier):
            return Answer(answer.text, answer.confidence, usage)
        earlier.append(answer.text)
    raise unsure()


def read_here(provider: Provider, sample: Sample) -> AttemptResult:
    """One reading by a local engine, with its times."""
    return in_own_loop(lambda: read_through(provider.flow(sample.loaded()), InProcessExecutor()))
