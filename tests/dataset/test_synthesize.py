"""Synthetic images: the same for a seed, varied, fair, and the shipped datasets made by them."""

import re
from importlib.metadata import version
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toolkit._dataset
from toolkit._dataset import load_dataset
from toolkit._dataset.synthesis import synthesize
from toolkit._dataset.synthesis.texts import LOOK_ALIKES
from toolkit.errors import DatasetError

SHIPPED = Path(toolkit._dataset.__file__).parents[2] / "datasets"


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "README.md"}


def pixels(image):
    return np.asarray(Image.open(BytesIO(image)).convert("RGB"), dtype=float)


@pytest.mark.parametrize("style", ["printed", "distorted"])
def test_same_seed_same_bytes(tmp_path, style):
    """A seed decides every byte, also when less is made; another seed gives other labels."""
    synthesize(tmp_path / "a", 12, seed=3, style=style)
    synthesize(tmp_path / "b", 12, seed=3, style=style)
    fewer = synthesize(tmp_path / "c", 5, seed=3, style=style)
    other = synthesize(tmp_path / "d", 12, seed=4, style=style)

    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert [files(tmp_path / "a")[s.id] for s in fewer] == [s.image for s in fewer]
    assert [s.target for s in load_dataset(tmp_path / "a")] != [s.target for s in other]


def test_seeding_leaves_the_captcha_library_alone(tmp_path):
    """Whoever else uses the library in this process still gets unpredictable pictures."""
    import secrets

    import captcha.image

    synthesize(tmp_path / "a", 2, style="distorted")

    assert captcha.image.secrets is secrets


def test_tags_are_balanced(tmp_path):
    """All combinations of the tags come equally often, so that slices can be compared."""
    choices = {"fonts": ["DejaVuSans", "STIXGeneral"], "alphabets": ["digits", "words"], "distortions": [0, 2]}

    dataset = synthesize(tmp_path / "a", 16, lengths=[4, 5], **choices)

    seen = [(s.tags["font"], s.tags["alphabet"], s.tags["distortion"]) for s in dataset]
    assert sorted(2 * list(product(*choices.values()))) == sorted(seen)
    assert {4, 5} == set(dataset.tag("length"))
    assert {"digits"} == {s.tags["charset"] for s in dataset.filter(alphabet="digits")}
    assert (tmp_path / "a" / "metadata.csv").read_text().startswith("file_name,text,font,alphabet,distortion\n")


def test_distorted_labels_hold_no_look_alikes(tmp_path):
    """What nobody could tell apart once bent is not asked for."""
    dataset = synthesize(tmp_path / "a", 64, style="distorted")

    assert not LOOK_ALIKES & set("".join(s.target for s in dataset))


def test_harder_levels_look_harder(tmp_path):
    """Each level of wear is farther from the clean drawing's two tones."""

    def greys_between(level):
        dataset = synthesize(tmp_path / str(level), 12, fonts=["DejaVuSans"], distortions=[level])
        shades = np.concatenate([pixels(s.image)[..., 0].ravel() for s in dataset])
        return ((shades > 60) & (shades < 195)).mean()

    shares = [greys_between(level) for level in range(4)]

    assert sorted(shares) == shares
    assert shares[3] > 2 * shares[0]


def test_a_font_of_ones_own(tmp_path):
    """A path to a font file is a font."""
    from matplotlib import get_data_path

    own = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSerif-Bold.ttf"

    dataset = synthesize(tmp_path / "a", 2, fonts=[str(own)])

    assert {str(own)} == set(dataset.tag("font"))
    assert "see its own licence" in (tmp_path / "a" / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n=0: ask for at least one image"),
        ({"style": "handwritten"}, "style='handwritten' is not known; there are printed, distorted"),
        ({"alphabets": ["greek"]}, "alphabets: 'greek' is not possible here; choose from digits, lower"),
        ({"alphabets": ["words"], "style": "distorted"}, "alphabets: 'words' is not possible here"),
        ({"lengths": [2]}, "lengths: 2 is not possible here; choose from 3 to 12"),
        ({"distortions": [4]}, "distortions: 4 is not possible here; choose from 0, 1, 2, 3"),
        ({"distortions": []}, r"distortions=\[\] leaves nothing to choose from"),
        ({"fonts": []}, r"fonts=\[\] leaves nothing to choose from"),
        ({"fonts": ["Comic"]}, "fonts: 'Comic' is neither a font of matplotlib nor a path"),
        ({"fonts": ["no.ttf"]}, "fonts: there is no font file 'no.ttf'"),
    ],
)
def test_impossible_wishes(tmp_path, arguments, message):
    """Each is refused by name, before anything is written."""
    with pytest.raises(DatasetError, match=message):
        synthesize(tmp_path / "a", **{"n": 3, **arguments})

    assert not (tmp_path / "a").exists()


def test_nothing_is_overwritten(tmp_path):
    """A folder that holds something is left as it is."""
    (tmp_path / "note.txt").touch()

    with pytest.raises(DatasetError, match=r"there is something already; give a new folder"):
        synthesize(tmp_path, 3)


# ── the shipped datasets ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["printed", "distorted"])
def test_shipped_datasets_are_whole(name):
    """At least 300 images of sizes that every service takes, without a problem, with a card and several slices."""
    dataset = load_dataset(SHIPPED / name)

    assert len(dataset) >= 300
    assert list(dataset.validate(max_bytes=50_000)["problem"]) == []
    assert min(len(s.image) for s in dataset) >= 100
    assert {0, 1, 2, 3} == set(dataset.tag("distortion"))
    assert dataset.tag("font").nunique() >= 4
    assert dataset.tag("alphabet").nunique() >= 4
    assert "license: cc0-1.0" in (SHIPPED / name / "README.md").read_text()


@pytest.mark.parametrize("name", ["printed", "distorted"])
def test_shipped_datasets_come_from_the_call_on_their_card(tmp_path, name):
    """The call on the card makes them again: labels and tags always, pixels as far as versions agree."""
    card = (SHIPPED / name / "README.md").read_text()
    call = re.search(rf'tk\.synthesize\("datasets/{name}", n=(\d+), seed=(\d+), style="(\w+)"\)', card)
    shipped = load_dataset(SHIPPED / name)

    again = synthesize(tmp_path / name, 24, seed=int(call[2]), style=call[3])

    assert int(call[1]) == len(shipped)
    assert [(s.id, s.target, s.tags) for s in shipped[:24]] == [(s.id, s.target, s.tags) for s in again]
    if name == "printed" or f"captcha {version('captcha')}" in card:
        for before, after in zip(shipped, again, strict=False):
            assert pixels(before.image).shape == pixels(after.image).shape
            # FreeType may shade an edge differently; another drawing would differ by tens of greys
            assert np.abs(pixels(before.image) - pixels(after.image)).mean() < 6
