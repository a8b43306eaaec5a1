"""Every option of a provider arrives at the service and does there what it says: both were written from the documents."""

import pytest
from bills import QUICK, noise

import toolkit as tk
from toolkit._dataset import Dataset
from toolkit._sandbox import CapMonsterRules, CapSolverRules
from toolkit.errors import Unsolvable

IMAGE = noise(1)
DATASET = Dataset.from_samples([tk.Sample.from_bytes(IMAGE, "AbC 12")], name="one")
SPELLINGS = pytest.mark.parametrize("spelling", ["sdk", "docs"])


@pytest.fixture
def box(sandbox):
    """Services that fold case unless asked not to, with readers for a sum and for a module of one's own."""
    readers = {"sums": lambda image: ("12 + 30 =", 0.9), "special": lambda image: ("SpeciaL 7", 0.75)}
    return sandbox(
        DATASET,
        readers=readers,
        capsolver=CapSolverRules(lower_case=True),
        capmonster=CapMonsterRules(lower_case=True),
        oracle={"accuracy": 1.0, "confidence_when_right": 0.9999},
    )


@SPELLINGS
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "abc 12"),
        ({"case": False}, "abc 12"),
        ({"case": True}, "AbC 12"),
        ({"numeric": 0, "case": True}, "AbC 12"),
        ({"numeric": 1}, "12"),
        ({"module": "special", "case": True}, "SpeciaL 7"),
        ({"module": "special", "recognizing_threshold": 75}, "special 7"),
        ({"module": "sums", "math": True}, "42"),
        ({"module": "sums", "math": False}, "12 + 30 ="),
    ],
    ids=str,
)
def test_capmonster(box, key, spelling, options, text):
    """In the spelling of the vendor's clients and in that of its documents."""
    assert tk.read(box.CapMonster(key=key, spelling=spelling, **options, **QUICK), IMAGE).text == text


@SPELLINGS
def test_capmonster_is_held_to_its_threshold(box, key, spelling):
    """One percent above what the reader is sure of."""
    with pytest.raises(Unsolvable):
        tk.read(box.CapMonster("special", 76, key=key, spelling=spelling, **QUICK), IMAGE)


@pytest.mark.parametrize(
    ("options", "text", "sure"),
    [
        ({}, "abc 12", None),
        ({"case": True}, "AbC 12", None),
        ({"case": True, "website_url": "https://example.com/login", "app_id": "developer"}, "AbC 12", None),
        ({"module": "special"}, "special 7", 0.75),
        ({"module": "number", "case": True}, "AbC 12", None),
        ({"module": None, "score": 0.8}, "abc 12", None),
    ],
    ids=str,
)
def test_capsolver(box, key, options, text, sure):
    """The number module included, which has other members for the image and for the answer."""
    answer = tk.read(box.CapSolver(key=key, **options), IMAGE)

    assert answer.text == text
    assert answer.confidence == pytest.approx(sure or box.oracle(IMAGE)[1])


def test_capsolver_is_held_to_its_score(box, key):
    """The reader of this module is less sure than the least score."""
    with pytest.raises(Unsolvable):
        tk.read(box.CapSolver("special", 0.8, key=key), IMAGE)
