"""The dashboard as an app: the same widgets without a notebook around them."""

from servers import voila


def test_the_tuner_works_under_voila(page, strangers, folder, run_folder, tmp_path):
    """The notebook opens a run folder as an app, and its threshold slider takes picture and table along."""
    with voila(folder / "notebooks" / "06_dashboard.ipynb", tmp_path, TOOLKIT_RUNS=str(run_folder)) as address:
        page.goto(address, timeout=120_000)
        tuner = page.locator(".toolkit-tuner")
        tab = page.get_by_role("tab", name="Thresholds")
        tab.wait_for(timeout=120_000)
        tab.click()
        figure = tuner.locator("img.toolkit-figure")
        figure.wait_for()
        before = figure.get_attribute("src"), tuner.inner_text()
        handle = tuner.get_by_role("slider").first
        handle.focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(
            "src => document.querySelector('.toolkit-tuner img.toolkit-figure').src !== src", arg=before[0]
        )
        page.wait_for_timeout(300)

        assert tuner.inner_text() != before[1]
        assert page.locator("pre, .jp-InputArea").filter(has_text="import toolkit").count() == 0  # an app shows no code
    # Voilà's own template asks for an icon font outside; the app does without.
    strangers[:] = [url for url in strangers if "fontawesome" not in url]
