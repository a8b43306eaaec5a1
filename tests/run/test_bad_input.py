"""What bad input gets: a message that says what, where and what next, with nothing lost."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from doubles import Echo, digest, label, picture, picture_folder

import toolkit as tk
from toolkit._cli.main import main
from toolkit.errors import DatasetError, ManifestMismatch, SettingError, StoreError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """A folder of ten labelled pictures."""
    return picture_folder(tmp_path / "images", 10)


@pytest.fixture(scope="module")
def thread():
    """One worker thread."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


def said_on_the_command_line(capsys, *arguments):
    """What the command says when it cannot be carried out: one line that names the program, and status 2."""
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("toolkit: ")
    assert "Traceback" not in said
    return said


# ── datasets ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("contents", ["nothing", "only a text"])
def test_an_empty_folder(tmp_path, capsys, contents):
    """A folder without images says which folder, and what a dataset looks like."""
    folder = tmp_path / "empty"
    folder.mkdir()
    if contents != "nothing":
        (folder / "notes.txt").write_text("hello")

    with pytest.raises(DatasetError) as raised:
        tk.benchmark(folder, Echo())
    said = said_on_the_command_line(capsys, "run", folder, "--provider", "doubles:Echo", "--store", tmp_path / "run")

    for message in (str(raised.value), said):
        assert str(folder) in message
        assert "metadata.csv" in message
    assert not (tmp_path / "run").exists()


def test_a_label_file_with_a_missing_image(folder, tmp_path, thread):
    """The row is named with file, line and cure; asked to, the rest is used and the row is counted."""
    (folder / "000004.png").unlink()

    with pytest.raises(DatasetError, match=r"metadata\.csv line 6: .*000004\.png.*on_error=\"skip\""):
        tk.benchmark(folder, Echo(), store=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    dataset = tk.load_dataset(folder, on_error="skip")
    assert dataset.skipped["line"].tolist() == [6]
    assert tk.benchmark(dataset, Echo(), executor=thread).complete


def test_a_label_with_a_newline(folder):
    """A label of several lines is a label."""
    labels = folder / "metadata.csv"
    labels.write_text(labels.read_text().replace(label(3), f'"{label(3)}\nmore"'))

    assert f"{label(3)}\nmore" in tk.load_dataset(folder).targets


def test_a_damaged_image_in_the_middle_is_a_row(folder, tmp_path, thread):
    """An image that is cut, is none, or went away after loading is a failure with its reason; all others are read."""
    pytest.importorskip("tesserocr")
    whole = (folder / "000002.png").read_bytes()
    (folder / "000002.png").write_bytes(whole[: len(whole) // 2])
    (folder / "000005.png").write_bytes(b"not an image")
    dataset = tk.load_dataset(folder)
    (folder / "000007.png").unlink()
    run = tk.benchmark(dataset, [tk.Tesseract(psm=7), Echo()], executor=thread, store=tmp_path / "run")
    outcomes = run.outcomes.set_index(["setting", "sample"])
    failed = outcomes.loc["tesseract(psm=7)"].loc[["000002.png", "000005.png", "000007.png"]]

    assert run.complete
    assert failed["error"].tolist() == ["bad_request"] * 3
    assert failed["outcome"].tolist() == ["error"] * 3
    assert failed["error_message"].str.len().min() > 10
    assert "000007.png: the image cannot be read" in failed.loc["000007.png", "error_message"]
    assert "bad_request" not in set(outcomes.loc["tesseract(psm=7)"].drop(failed.index)["error"])
    assert (
        outcomes.loc["echo()"]["error"].notna().sum() == 1
    )  # which looks at no image, and lacks only the one that went


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_parameter(folder, capsys, tmp_path):
    """The message names the parameter, the nearest right one and all others."""
    with pytest.raises(SettingError, match=r"Tesseract has no parameter 'psn'; did you mean 'psm'\? It has .*psm"):
        tk.Tesseract(psn=7)
    said = said_on_the_command_line(
        capsys, "run", folder, "--provider", "tesseract(psn=7)", "--store", tmp_path / "run"
    )
    assert "did you mean 'psm'?" in said


def test_two_settings_with_one_label(folder, capsys, tmp_path):
    """Two rows of one name could not be told apart: refused, with what to do."""
    with pytest.raises(SettingError, match=r"two settings are labelled 'echo\(\)'; drop one, or give it an alias"):
        tk.benchmark(folder, [Echo(), Echo()], store=tmp_path / "run")
    twice = ["--provider", "doubles:Echo"] * 2
    said = said_on_the_command_line(capsys, "run", folder, *twice, "--store", tmp_path / "run")

    assert "two settings are labelled 'echo()'" in said
    assert not (tmp_path / "run").exists()


def test_no_settings_and_what_is_none(folder):
    """Nothing to run, and what is no provider, are said with an example; a misspelt option names the function."""
    with pytest.raises(SettingError, match="no settings given"):
        tk.benchmark(folder, [])
    with pytest.raises(SettingError, match=r"a setting is a configured provider such as tk.Tesseract\(psm=7\), not 7"):
        tk.benchmark(folder, [7])
    with pytest.raises(SettingError, match="no provider is called 'tesserakt'"):
        tk.benchmark(folder, "tesserakt")
    for function in (tk.benchmark, tk.start, tk.plan):
        with pytest.raises(TypeError, match=rf"{function.__name__}\(\) got an unexpected keyword argument 'storre'"):
            function(folder, Echo(), storre="x")


def test_a_class_words_and_lists_within_lists_are_settings(folder):
    """A class stands for its defaults, words for what they say, and what `grid` makes may stand beside others."""
    plan = tk.plan(folder, [Echo, "tesseract(psm=[7, 8])", tk.grid(tk.Tesseract, psm=[9, 10])], pilot=1)

    assert plan["setting"].tolist() == [Echo().label, *(f"tesseract(psm={psm})" for psm in (7, 8, 9, 10))]


def test_samples_and_frames_are_datasets_and_paths_alone_are_not(folder):
    """A list of samples runs; a list of paths has no labels, and the message says how to give them."""
    samples = list(tk.load_dataset(folder))[:2]

    assert tk.benchmark(samples, Echo(), show=False).complete
    frame = pd.DataFrame({"image": [sample.image for sample in samples], "text": [sample.target for sample in samples]})
    assert tk.benchmark(frame, Echo(), show=False).complete
    with pytest.raises(DatasetError, match=r'tk\.Sample\.from_file\(path, "what it says"\)'):
        tk.benchmark(["a.png"], Echo())
    with pytest.raises(DatasetError, match=r"a dataset is a folder, a Dataset, a frame or a list of tk\.Sample, not 5"):
        tk.benchmark(5, Echo())
    with pytest.raises(DatasetError, match=r"holds tk\.Sample objects, not int"):
        tk.benchmark([5], Echo())


@pytest.mark.parametrize(
    ("engine", "packages", "extra"),
    [
        ("rapidocr", ["rapidocr"], "rapidocr"),
        ("rapidocr", ["onnxruntime"], "rapidocr"),
        ("tesseract", ["tesserocr"], "tesseract"),
    ],
)
def test_a_missing_engine(folder, tmp_path, engine, packages, extra):
    """In a Python that cannot import it, the engine's extra is named and nothing is begun."""
    code = f"""
        import sys

        class Missing:
            def find_spec(name, path=None, target=None):
                if name.partition(".")[0] in {packages!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Missing)
        from toolkit._cli.main import main
        sys.exit(main(sys.argv[1:]))
    """
    line = [sys.executable, "-c", textwrap.dedent(code)]
    for command in ("run", "plan"):
        done = subprocess.run(
            [*line, command, folder, "--provider", engine, "--store", tmp_path / "run"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 2
        assert f'pip install "image-to-text-toolkit[{extra}]"' in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


# ── stores ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["under a file", "in /proc", "a file"])
def test_a_store_that_cannot_be_written(folder, tmp_path, capsys, place):
    """The path and the reason are named before anything is read."""
    (tmp_path / "file").write_text("mine")
    store = {"under a file": tmp_path / "file/run", "in /proc": Path("/proc/run"), "a file": tmp_path / "file"}[place]

    with pytest.raises(StoreError, match=rf"{store} cannot be written: .*choose a writable folder"):
        tk.benchmark(folder, Echo(), store=store)
    said = said_on_the_command_line(capsys, "run", folder, "--provider", "doubles:Echo", "--store", store)

    assert f"{store} cannot be written" in said
    assert (tmp_path / "file").read_text() == "mine"


def test_a_store_of_another_plan(folder, tmp_path, thread, capsys):
    """What differs is named, and what the store holds stays."""
    tk.benchmark(folder, Echo(), executor=thread, store=tmp_path / "run")
    before = (tmp_path / "run/attempts.jsonl").read_bytes()

    with pytest.raises(ManifestMismatch, match=r"settings\.echo\(tag='x'\) is not in the store.*Choose another store"):
        tk.benchmark(folder, [Echo(), Echo("x")], store=tmp_path / "run")
    said = said_on_the_command_line(
        capsys, "run", folder, "--provider", "doubles:Echo", "--repeats", 3, "--store", tmp_path / "run"
    )
    assert "repeats is 1 in the store and 3 now" in said
    assert (tmp_path / "run/attempts.jsonl").read_bytes() == before


def test_a_store_that_is_none(tmp_path, capsys):
    """Looking at a folder without a run says so."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert f"{folder} holds no run" in said_on_the_command_line(capsys, "show", folder)


def test_a_damaged_store(folder, tmp_path, thread, capsys):
    """A damaged line is named by its number to whoever looks and to whoever resumes, and nothing is changed."""
    tk.benchmark(folder, Echo(), executor=thread, store=tmp_path / "run")
    log = tmp_path / "run/attempts.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], lines[4][:20] + b"\n", *lines[5:]]))
    damaged = log.read_bytes()

    for arguments in (("show",), ("run", folder, "--provider", "doubles:Echo", "--store")):
        said = said_on_the_command_line(capsys, *arguments, tmp_path / "run")
        assert f"{log}, line 5 is damaged: it is not JSON" in said
        assert "nothing was changed. Restore the line, or take it out" in said
    assert log.read_bytes() == damaged


def test_a_disk_that_fills_up(folder, tmp_path, thread):
    """The run ends with the reason; what fitted is whole, and with room the same call completes it."""
    code = """
        import resource, sys
        from concurrent.futures import ThreadPoolExecutor
        import toolkit as tk
        from doubles import Echo
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
        try:
            tk.benchmark(sys.argv[1], Echo(), repeats=5, store=sys.argv[2], executor=ThreadPoolExecutor(1))
        except tk.errors.StoreError as error:
            sys.exit(str(error))
    """
    small = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n" + textwrap.dedent(code)]
    ended = subprocess.run([*small, folder, tmp_path / "run"], cwd=ROOT, capture_output=True, text=True, timeout=100)

    assert "cannot be written: File too large. Everything recorded so far is kept; make room" in ended.stderr
    held = len(tk.open_run(tmp_path / "run").attempts)
    assert 5 < held < 50
    run = tk.benchmark(folder, Echo(), repeats=5, executor=thread, store=tmp_path / "run")
    assert run.complete
    assert len(run.attempts) == 50


# ── names and labels from outside ────────────────────────────────────────────────────────────────────────


def test_hostile_names_and_labels_are_data(tmp_path, thread):
    """Ids and labels with markup, quotes, separators and control characters pass through a run unchanged."""
    hostile = [
        "<script>alert(1)</script>",
        '"; rm -rf /',
        "=1+1",
        "a,b\tc",
        "\u202eabc",
        "\u2028",
        "null",
        "\0",
        "NaN",
        "",
    ]
    dataset = tk.Dataset.from_samples(
        tk.Sample.from_bytes(picture(n), text.replace("\u2028", "x"), id=f"{text}-{n}")
        for n, text in enumerate(hostile)
    )
    tk.benchmark(dataset, Echo(), executor=thread, store=tmp_path / "run")
    outcomes = tk.open_run(tmp_path / "run").outcomes.set_index("sample")

    for n, text in enumerate(hostile):
        row = outcomes.loc[f"{text}-{n}"]
        assert row["target"] == text.replace("\u2028", "x")
        assert row["text"] == digest(picture(n))[:8]


def test_a_file_name_that_is_no_text(tmp_path):
    """A name whose bytes are no UTF-8 can stand in no table: it is refused by name, with the cure."""
    folder = picture_folder(tmp_path / "images", 2)
    (folder / "metadata.csv").unlink()
    Path((bytes(folder) + b"/odd\xff.png").decode(errors="surrogateescape")).write_bytes(picture(5))

    with pytest.raises(DatasetError, match=r"odd\\udcff\.png.*rename"):
        tk.load_dataset(folder)
    assert len(tk.load_dataset(folder, on_error="skip")) == 2


def test_a_run_of_repeated_pictures_counts_them_all(thread):
    """Two samples may hold the same image; they are two trials."""
    samples = [tk.Sample.from_bytes(picture(1), "a", id="first"), tk.Sample.from_bytes(picture(1), "a", id="second")]
    run = tk.benchmark(tk.Dataset.from_samples(samples), Echo(), executor=thread)

    assert sorted(run.outcomes["sample"]) == ["first", "second"]
