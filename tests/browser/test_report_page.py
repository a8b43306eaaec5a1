"""A report in a real browser, from a file, without network: it shows, it sorts, it obeys no stranger."""

import pytest
from doubles import pictures
from places import SHOTS
from recorded import HOSTILE, hostile_run

import toolkit as tk


@pytest.fixture(scope="session")
def honest(run_folder, folder, tmp_path_factory):
    """The report of two real engines on the distorted images."""
    to = tmp_path_factory.mktemp("report") / "report.html"
    return tk.open_run(run_folder).report(to, dataset=folder / "datasets" / "distorted", worst=6)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """The report of a run whose every text is an attack."""
    run = hostile_run(2)
    return run.report(tmp_path_factory.mktemp("report") / "hostile.html", dataset=pictures(2))


def opened(page, file, **look):
    """The report in the page, its tables ready; what it asked for besides itself and its own parts."""
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.emulate_media(**look)
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-tables=ready]")
    strange = [url for url in asked if not url.startswith(("data:", "blob:")) and url != file.as_uri()]
    return strange + said


def column(page, table, heading):
    """The cells of a column as they are shown, from the table below that heading."""
    return page.evaluate(
        """([name, heading]) => {
            const title = [...document.querySelectorAll("h3")].find(one => one.textContent === name);
            const table = title.nextElementSibling.querySelector("table");
            const place = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.trim() === heading);
            return [...table.tBodies[0].rows].map(row => row.cells[place].firstChild.textContent);
        }""",
        [table, heading],
    )


def test_tables_sort_by_their_numbers(page, honest):
    """A click on a heading sorts by the figure and not by its letters, a second turns it round; so does the keyboard."""
    assert opened(page, honest) == []
    table = page.locator("#latency table")
    heading = table.locator("th", has_text="p50 ms")
    before = column(page, "Quantiles", "p50 ms")
    heading.click()
    table.locator("th[aria-sort=ascending]").wait_for()
    rising = column(page, "Quantiles", "p50 ms")
    heading.click()
    table.locator("th[aria-sort=descending]").wait_for()
    falling = column(page, "Quantiles", "p50 ms")

    numbers = [float(text.replace(",", "")) for text in before]
    assert [float(text.replace(",", "")) for text in rising] == sorted(numbers)
    assert falling == rising[::-1] != rising
    table.locator("th", has_text="setting").locator("[tabindex='0']").or_(
        table.locator("th[tabindex='0']", has_text="setting")
    ).first.focus()
    page.keyboard.press("Enter")
    table.locator("th[aria-sort=ascending]", has_text="setting").wait_for()
    assert column(page, "Quantiles", "setting") == sorted(column(page, "Quantiles", "setting"))


def test_every_picture_is_there(page, honest):
    """Figures and thumbnails are decoded from the file itself."""
    opened(page, honest)
    pictures_ = page.evaluate("[...document.images].map(image => [image.complete, image.naturalWidth, image.alt])")

    assert len(pictures_) >= 8 + 6
    assert all(complete and width > 0 and words for complete, width, words in pictures_)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_fits_and_can_be_read(page, honest, theme, width):
    """Nothing but tables and figures reaches over the edge, words stand out from the ground, figures have the theme."""
    page.set_viewport_size({"width": width, "height": 900})
    assert opened(page, honest, color_scheme=theme) == []
    page.screenshot(path=SHOTS / f"report-{theme}-{width}.png", full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, ink = page.evaluate(
        "(() => { const look = getComputedStyle(document.body); return [look.backgroundColor, look.color]; })()"
    )
    assert contrast(ground, ink) >= 7
    source = page.evaluate("document.querySelector('figure img').currentSrc")
    light = page.evaluate("document.querySelector('figure img').src")
    assert (source == light) == (theme == "light")


def test_on_paper_it_is_light_and_whole(page, honest):
    """Printed from a dark screen it is dark on white, without what cannot be pressed on paper."""
    opened(page, honest, media="print", color_scheme="dark")
    shown = page.evaluate(
        """(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("nav")).display,
            document.querySelector("figure img").currentSrc === document.querySelector("figure img").src])()"""
    )
    page.screenshot(path=SHOTS / "report-print.png", full_page=True)

    assert shown == ["rgb(255, 255, 255)", "none", True]
    assert page.pdf()[:5] == b"%PDF-"


def test_no_text_of_a_stranger_runs_or_asks(page, hostile):
    """Whatever a label, an answer or a name holds, no script of it runs and no request leaves."""
    assert opened(page, hostile) == []
    for heading in page.locator("table.sortable th").all()[:6]:
        heading.click()

    assert page.evaluate("window.ran") is None
    assert page.evaluate("document.querySelectorAll('iframe, svg, object, embed, link, form').length") == 0
    assert HOSTILE[0] in page.locator("body").inner_text()
    assert page.evaluate("document.scripts.length") == 2


def test_even_a_script_within_would_not_run(page, hostile, tmp_path):
    """The page's policy is a second wall: a tag that had got through would neither run nor load."""
    text = hostile.read_text(encoding="utf-8")
    within = tmp_path / "within.html"
    planted = "<script>window.ran = 1</script><img src='http://192.0.2.1/a.png' onerror='window.ran = 1'>"
    within.write_text(text.replace("<main>", f"<main>{planted}"), encoding="utf-8")
    said = opened(page, within)

    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in words for words in said)


def contrast(one, other):
    """Contrast of two CSS colours, as the web's guidelines define it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color):
    """Relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
