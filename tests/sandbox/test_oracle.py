"""The reader that knows the right answers."""

import math

import pytest

from toolkit._sandbox import Oracle
from toolkit.errors import DatasetError, SettingError

IMAGES = [(f"image {n}".encode(), f"Text{n}") for n in range(4000)]
TARGETS = dict(IMAGES)


def read(oracle, images=IMAGES):
    """Every image's (text, confidence), by image."""
    return {image: oracle(image) for image, _ in images}


def test_an_image_has_one_answer():
    """Order, repetition and the other images change nothing; another seed does."""
    first = read(Oracle(IMAGES, seed=3))
    backwards = read(Oracle(IMAGES[::-1], seed=3), IMAGES[::-1])
    few = read(Oracle(IMAGES[:10], seed=3), IMAGES[:10])
    other = read(Oracle(IMAGES, seed=4))

    assert first == backwards
    assert few == {image: first[image] for image in few}
    assert first != other


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("silence", [0.0, 0.2])
def test_truth_is_what_its_answers_come_to(threshold, silence):
    """Coverage, accuracy and risk at a threshold equal those counted over the answers."""
    oracle = Oracle(IMAGES, accuracy=0.8, silence=silence, seed=1)
    answers = read(oracle)

    kept = {image: text for image, (text, sure) in answers.items() if text is not None and sure >= threshold}
    right = sum(text == TARGETS[image] for image, text in kept.items())

    truth = oracle.truth(threshold)
    assert truth.images == len(IMAGES)
    assert truth.coverage == len(kept) / len(IMAGES)
    if kept:
        assert truth.accuracy == right / len(kept)
        assert truth.risk == 1 - truth.accuracy
    else:
        assert math.isnan(truth.accuracy)
        assert math.isnan(truth.risk)


@pytest.mark.parametrize("threshold", [0.0, 0.6, 0.9])
def test_truth_tends_to_the_expected(threshold):
    """Both shares lie within four standard errors of their expectation."""
    oracle = Oracle(IMAGES, accuracy=0.85, silence=0.1, seed=2)

    truth, expected = oracle.truth(threshold), oracle.expected(threshold)

    for seen, mean, of in (
        (truth.coverage, expected.coverage, len(IMAGES)),
        (truth.accuracy, expected.accuracy, truth.coverage * len(IMAGES)),
    ):
        assert abs(seen - mean) < 4 * math.sqrt(mean * (1 - mean) / of)


def test_confidence_has_the_means_asked_for():
    """Within five hundredths of a standard deviation's scale, for right and wrong answers apart."""
    oracle = Oracle(IMAGES, accuracy=0.5, confidence_when_right=0.9, confidence_when_wrong=0.4, seed=5)
    sure = {True: [], False: []}
    for image, (text, confidence) in read(oracle).items():
        sure[text == TARGETS[image]].append(confidence)

    assert sum(sure[True]) / len(sure[True]) == pytest.approx(0.9, abs=0.02)
    assert sum(sure[False]) / len(sure[False]) == pytest.approx(0.4, abs=0.03)


def test_acceptance_is_nested():
    """What passes a threshold passes every lower one, so coverage never grows with the threshold."""
    oracle = Oracle(IMAGES[:500], seed=6)

    coverages = [oracle.truth(step / 20).coverage for step in range(21)]

    assert coverages == sorted(coverages, reverse=True)
    assert coverages[0] == 1.0
    assert coverages[-1] < 0.05


def test_a_better_oracle_keeps_what_was_right():
    """Raising the accuracy turns wrong answers right and none wrong."""
    right = [
        {image for image, (text, _) in read(Oracle(IMAGES, accuracy=accuracy)).items() if text == TARGETS[image]}
        for accuracy in (0.6, 0.9)
    ]

    assert right[0] < right[1]


@pytest.mark.parametrize("target", ["a", "A", "7", "ÄÖÜ", "xyz 12", "", "ß", "日本"])
def test_wrong_is_wrong_whatever_case_is_compared(target):
    """With accuracy 0 no answer equals the target, folded or not."""
    oracle = Oracle([(bytes([n]), target) for n in range(200)], accuracy=0)

    for n in range(200):
        text, _ = oracle(bytes([n]))
        assert text.casefold() != target.casefold()


def test_an_image_it_was_not_given_is_unsolvable(caplog):
    """And it says so once, for a dataset that was re-encoded gives nothing but strangers."""
    oracle = Oracle(IMAGES[:2])

    assert [oracle(b"stranger"), oracle(b"another")] == [(None, 0.0)] * 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_one_image_with_two_targets_is_refused():
    """An oracle cannot know both."""
    with pytest.raises(DatasetError, match="'a' and 'b'"):
        Oracle([(b"same", "a"), (b"same", "b")])


@pytest.mark.parametrize(
    "options", [{"accuracy": 1.1}, {"silence": -0.1}, {"confidence_when_right": 1.0}, {"confidence_when_wrong": 0}]
)
def test_shares_out_of_range_are_refused(options):
    """The message names the parameter and its range."""
    with pytest.raises(SettingError, match=next(iter(options))):
        Oracle(IMAGES[:1], **options)
