"""The command line: what a newcomer reads, what a run leaves behind, and what is said when it cannot be."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest
from doubles import answer_key, picture_folder, pictures

import toolkit as tk
from toolkit._cli.main import main
from toolkit._providers.specs import settings_of as settings

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


def toolkit(*arguments, **options):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "toolkit._cli.main", *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=100,
        **options,
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of labelled pictures."""
    return picture_folder(tmp_path_factory.mktemp("data") / "images", 30)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """An oracle for these pictures, as a setting on the command line."""
    key = answer_key(tmp_path_factory.mktemp("key") / "key.json", pictures(30))
    return lambda **how: f"doubles:Oracle({', '.join(f'{k}={v!r}' for k, v in {'key': key, **how}.items())})"


@pytest.fixture(scope="module")
def finished(images, oracle, tmp_path_factory):
    """A finished run of two settings."""
    store = tmp_path_factory.mktemp("runs") / "a"
    asked = ["--provider", oracle(wrong=[0.2, 0.5]), "--store", store, "--workers", 1]
    return toolkit("run", images, *asked), store, asked


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_shows_a_newcomer_what_to_type():
    """Every command is named and each example is a command line that is understood."""
    said = toolkit("--help")

    assert said.returncode == 0
    for command in ("plan", "run", "show"):
        assert re.search(rf"^ +{command} ", said.stdout, re.MULTILINE)
        assert toolkit(command, "--help").returncode == 0
    examples = re.findall(r"^  toolkit (.*)$", said.stdout, re.MULTILINE)
    assert {example.split()[0] for example in examples} >= {"plan", "run", "show"}
    for word in ("metadata.csv", "list of values", "resumes", "package.module:Class"):
        assert word in said.stdout


def test_help_loads_nothing_heavy():
    """Whoever asks for help does not wait for pandas."""
    code = """
        import sys
        from toolkit._cli.main import main
        try:
            main(["run", "--help"])
        finally:
            sys.stderr.write(" ".join({"pandas", "numpy", "matplotlib", "httpx"} & set(sys.modules)))
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=ENVIRONMENT, capture_output=True, text=True
    )

    assert "--provider" in said.stdout
    assert said.stderr == ""


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run"], ["run", "x"], ["run", "x", "--provider", "p"], ["show"]])
def test_a_command_line_that_is_none_is_told_what_is_missing(arguments, capsys):
    """An incomplete line gives the usage and what is wrong with it, and status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: toolkit")
    assert re.search("required|invalid choice", said)


# ── run, show, plan ──────────────────────────────────────────────────────────────────────────────────────


def test_run_prints_the_summary_and_where_it_is(finished, oracle):
    """After a run, the table has one line a setting, best first, and the next command stands below."""
    said, store, _ = finished
    first, second = (line for line in said.stdout.splitlines() if line.startswith("oracle("))

    assert (said.returncode, said.stderr) == (0, "")
    assert "wrong=0.2" in first
    assert "wrong=0.5" in second
    assert f"toolkit show {store}" in said.stdout
    outcomes = tk.open_run(store).outcomes
    right = (outcomes["outcome"] == "correct").groupby(outcomes["setting"]).mean()
    for line, share in zip((first, second), sorted(right, reverse=True), strict=True):
        assert f"{share:.1%}".replace("%", " %") in line


def test_run_again_resumes_and_asks_nothing_twice(finished, images):
    """The same line on a finished store prints the same table and adds no attempt."""
    said, store, asked = finished
    attempts = len(tk.open_run(store).attempts)
    again = toolkit("run", images, *asked)

    assert (again.returncode, again.stdout) == (0, said.stdout)
    assert len(tk.open_run(store).attempts) == attempts == 60


def test_show_gives_slices_and_a_file(finished, tmp_path, capsys):
    """`--by` makes one line a slice, and `--csv` writes all columns of the same summary."""
    _, store, _ = finished
    assert main(["show", str(store), "--by", "parity", "--csv", str(tmp_path / "summary.csv")]) == 0
    shown = capsys.readouterr().out
    written = pd.read_csv(tmp_path / "summary.csv")
    expected = tk.open_run(store).summary(by=["parity"])

    assert sum(line.startswith("oracle(") for line in shown.splitlines()) == 4
    assert {"even", "odd"} <= set(shown.split())
    assert list(written.columns) == list(expected.columns)
    assert written["accuracy_all"].tolist() == pytest.approx(expected["accuracy_all"].tolist())


def test_plan_asks_nothing_and_counts_what_a_store_holds(finished, images, oracle, tmp_path, capsys):
    """The plan's table has a line a setting and leaves no store behind."""
    _, _, asked = finished
    assert main(["plan", str(images), *map(str, asked)]) == 0
    held = capsys.readouterr().out.splitlines()
    assert main(["plan", str(images), "--provider", oracle(), "--repeats", "2", "--store", str(tmp_path / "new")]) == 0
    new = capsys.readouterr().out.splitlines()

    assert held[0].split()[:4] == new[0].split()[:4] == ["setting", "trials", "done", "left"]
    assert all(re.search(r"\) +30 +30 +0 ", line) for line in held[1:3])
    assert re.search(r"\) +60 +0 +60 ", new[1])
    assert not (tmp_path / "new").exists()


def test_sample_draws_the_same_images_each_time(images, oracle, tmp_path, capsys):
    """A drawn part of a dataset is resumed like a whole one."""
    asked = [
        "run",
        str(images),
        "--provider",
        oracle(),
        "--sample",
        "4",
        "--workers",
        "1",
        "--store",
        str(tmp_path / "a"),
    ]
    assert main(asked) == main(asked) == 0
    capsys.readouterr()

    run = tk.open_run(tmp_path / "a")
    assert len(run.attempts) == 4
    assert run.complete


def test_output_may_be_cut_off_by_its_reader(finished):
    """`toolkit show … | head -1` is no error."""
    _, store, _ = finished
    with subprocess.Popen(
        [sys.executable, "-m", "toolkit._cli.main", "show", store],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as shown:
        shown.stdout.close()
        said = shown.stderr.read()

    assert (shown.returncode, said) == (0, b"")


def test_an_interrupted_run_says_how_to_go_on_and_does(images, oracle, tmp_path):
    """Ctrl-C ends the run in order with what is there; the same line completes it without a repetition."""
    store = tmp_path / "a"
    line = [
        sys.executable,
        "-m",
        "toolkit._cli.main",
        "run",
        images,
        "--provider",
        oracle(pause_s=0.1),
        "--store",
        store,
    ]
    with subprocess.Popen(line, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 60
        while not (store / "attempts.jsonl").exists() or (store / "attempts.jsonl").read_bytes().count(b"\n") < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        shown, said = running.communicate(timeout=60)
    held = len(tk.open_run(store).attempts)

    assert running.returncode == 1
    assert f"interrupted: {30 - held} trials are left; the same call with the same store resumes" in said
    assert "oracle(" in shown
    assert f"toolkit show {store}" in shown
    partial = toolkit("show", store)
    assert f"{held} of 30 trials are there; run again to finish" in partial.stdout
    again = subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, timeout=100)
    assert (again.returncode, again.stderr) == (0, "")
    attempts = tk.open_run(store).attempts
    assert len(attempts) == 30
    assert attempts["sample"].nunique() == 30


def test_an_interrupt_before_the_run_is_one_line(tmp_path):
    """While a provider's module is being imported there is nothing to resume and no traceback to read."""
    begun = tmp_path / "begun"
    (tmp_path / "slow_to_import.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(60)\n", encoding="utf-8"
    )
    line = [
        *(sys.executable, "-m", "toolkit._cli.main", "run", ROOT / "datasets" / "printed"),
        *("--provider", "slow_to_import:Engine", "--store", tmp_path / "a"),
    ]
    environment = ENVIRONMENT | {"PYTHONPATH": f"{ENVIRONMENT['PYTHONPATH']}{os.pathsep}{tmp_path}"}
    with subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True) as reading:
        deadline = time.monotonic() + 60
        while not begun.exists():
            assert reading.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        reading.send_signal(signal.SIGINT)
        _, said = reading.communicate(timeout=60)

    assert reading.returncode == 130
    assert said.strip() == "toolkit: interrupted; what was recorded is kept, and the same command goes on"


# ── settings as words ────────────────────────────────────────────────────────────────────────────────────


def test_specifications_make_settings():
    """A name, parameters, lists of values and classes of one's own, in the order written."""
    made = settings(["tesseract(psm=[7, 8], oem=1)", "doubles:Echo(tag='x, (y)')", "doubles:Echo", " rapidocr() "])

    assert [setting.label for setting in made] == [
        "tesseract(psm=7, oem=1)",
        "tesseract(psm=8, oem=1)",
        "echo(tag='x, (y)')",
        "echo()",
        "rapidocr()",
    ]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("tesseractt", r"no provider is called 'tesseractt'; there are .*tesseract"),
        ("tesseract(psm=)", r"'tesseract\(psm=\)' is no setting; write name"),
        ("tesseract(7)", r"'tesseract\(7\)' is no setting; write name"),
        ("tesseract(psm=__import__('os'))", "is no setting; write name"),
        ("tesseract(**{'psm': 7})", "no parameter"),
        ("tesseract(psn=7)", r"Tesseract has no parameter 'psn'; did you mean 'psm'\? It has "),
        ("tesseract(psm=99)", "psm=99"),
        ("tesseract(psm=[])", r"psm=\[\] leaves no setting"),
        ("", "'' is no setting"),
        ("nowhere.at_all:Engine", "nowhere.at_all:Engine cannot be imported: No module named 'nowhere'"),
        ("doubles:Nobody", "doubles:Nobody cannot be imported"),
        ("doubles:picture", "doubles:picture is no Provider class"),
        ("doubles:Oracle", "'doubles:Oracle' is no setting: .*missing 1 required .*'key'"),
        ("toolkit._providers.base:LocalProvider", "is no setting: .*abstract"),
        (":Echo", ":Echo cannot be imported"),
    ],
)
def test_a_specification_that_is_none_is_explained(spec, words, images, capsys, tmp_path):
    """Each says what is wrong and what is right, with status 2 and no store."""
    status = main(["run", str(images), "--provider", spec, "--store", str(tmp_path / "a")])
    said = capsys.readouterr().err

    assert status == 2
    assert said.startswith("toolkit: ")
    assert re.search(words, said)
    assert not (tmp_path / "a").exists()


def test_an_engine_in_a_file_beside_the_command_is_found(images, tmp_path):
    """A class in a file of one's own is named by its file, from wherever the command was installed."""
    (tmp_path / "my_engine.py").write_text(
        textwrap.dedent("""
            from dataclasses import dataclass
            from typing import ClassVar

            import toolkit as tk


            @dataclass(frozen=True)
            class Mine(tk.LocalProvider):
                name: ClassVar[str] = "mine"

                def read(self, image: bytes) -> tk.Answer:
                    return tk.Answer("mine")
        """)
    )
    code = "import sys; sys.path = [p for p in sys.path if p not in ('', '.')]; from toolkit._cli.main import main; sys.exit(main())"
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "run",
            images,
            "--provider",
            "my_engine:Mine",
            "--store",
            "runs/a",
            "--workers",
            "1",
        ],
        env=ENVIRONMENT,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert (said.returncode, said.stderr) == (0, "")
    assert "mine()" in said.stdout
