"""How a dataset shows in a notebook."""

import re
from base64 import b64decode
from io import BytesIO

from PIL import Image

from toolkit._dataset import Dataset, load_dataset
from toolkit._dataset.html import THUMBNAIL_PX
from toolkit.types import Sample


def thumbnails(html):
    return [Image.open(BytesIO(b64decode(data))) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html)]


def test_shows_the_first_images_small(image):
    """Eight thumbnails within bounds, and how many more there are."""
    samples = [Sample.from_bytes(image(i, size=(900, 100)), f"w{i}", id=f"s{i}") for i in range(11)]

    html = Dataset.from_samples(samples)._repr_html_()

    shown = thumbnails(html)
    assert len(shown) == 8
    assert all(w <= THUMBNAIL_PX[0] and h <= THUMBNAIL_PX[1] for w, h in (picture.size for picture in shown))
    assert "11 samples" in html
    assert "and 3 more" in html


def test_escapes_everything_that_came_from_outside(image):
    """Markup in a name, a label or a tag is text, and characters that would not show do."""
    evil = "<script>alert('&')</script>"
    dataset = Dataset.from_samples(
        [Sample.from_bytes(image(), evil, id=evil, font=evil), Sample.from_bytes(image(), "a\u202eb\x1b", id="bidi")],
        name=evil,
    )

    html = dataset._repr_html_()

    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;") == 4
    assert "\u202e" not in html
    for hidden in ("U+202E", "U+001B"):
        assert hidden in html


def test_cuts_long_labels(image):
    """A label of any length does not stretch the table."""
    html = Dataset.from_samples([Sample.from_bytes(image(), "x" * 5000)])._repr_html_()

    assert "x" * 81 not in html
    assert "x" * 80 + "…" in html


def test_says_why_an_image_is_not_shown(image):
    """A damaged image is a cell with its reason, and its neighbours are shown."""
    dataset = Dataset.from_samples(
        [Sample.from_bytes(b"no image", "a", id="a"), Sample.from_bytes(image(), None, id="b")]
    )

    html = dataset._repr_html_()

    assert len(thumbnails(html)) == 1
    assert "not shown: unreadable image: no PNG, JPEG" in html


def test_counts_what_was_left_out(folder):
    """Rows skipped are said in the title and in the repr."""
    dataset = load_dataset(folder("a.png", metadata_csv="file_name,text\na.png,A\nb.png,B\n"), on_error="skip")

    assert "1 row skipped" in dataset._repr_html_()
    assert "1 sample, 1 skipped" in repr(dataset)
