"""The command ``toolkit``: plan · run · data · show · compare · sandbox."""

import argparse
import os
import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from toolkit._cli.data import data, dataset_arguments, dataset_of
from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    import pandas as pd

_EXAMPLES = """examples:
  toolkit plan datasets/printed --provider rapidocr --provider "tesseract(psm=[7, 8])"
  toolkit run  datasets/printed --provider rapidocr --provider "tesseract(psm=[7, 8])" --store runs/a
  toolkit show runs/a --by font
  toolkit show runs/a --html report.html --export runs.xlsx
  toolkit compare runs/a runs/b --max-accuracy-drop 0.01 --max-p95-increase 0.2

A DATASET is a folder, label file or archive of labelled images: with metadata.csv or another table, text files beside
the images, images named by their labels, Parquet, LMDB, zip, tar. `toolkit data DATASET` shows how it is read.
A provider is a name with parameters, or package.module:Class for one of your own; a list of values makes one
setting for each. Calling `toolkit run` again with the same store resumes what is left."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; gives the exit status.

    0: done; 1: unfinished, or for `compare`: worse; 2: could not be carried out; 3: these images cannot tell;
    130: interrupted before or after a run.
    """
    given = _parser().parse_args(arguments)
    try:
        status: int = given.command(given)
        sys.stdout.flush()
    except ToolkitError as error:
        sys.stderr.write(f"toolkit: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\ntoolkit: interrupted; what was recorded is kept, and the same command goes on\n")
        return 130
    except BrokenPipeError:  # the reader has seen enough; what is still buffered must not be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="toolkit",
        description="Benchmark image-to-text providers on labelled images: accuracy, latency and cost with intervals.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    plan = commands.add_parser("plan", help="what a run would ask, take and cost; nothing is sent")
    _what_to_run(plan)
    plan.add_argument("--store", metavar="FOLDER", help="count what this store already holds")
    plan.set_defaults(command=_plan)

    run = commands.add_parser("run", help="benchmark providers on a dataset, or resume it")
    _what_to_run(run)
    run.add_argument("--store", metavar="FOLDER", required=True, help="where the run is kept, such as runs/first")
    run.add_argument("--seed", type=int, default=0, help="shuffles the order of trials (default 0)")
    run.add_argument("--retry-errors", action="store_true", help="ask again for trials that ended in an error")
    run.add_argument("--quiet", action="store_true", help="no progress line")
    run.set_defaults(command=_run)

    data_parser = commands.add_parser("data", help="how a dataset's labels are found, and what is wrong with it")
    dataset_arguments(data_parser)
    data_parser.add_argument("--html", metavar="FILE", help="write the same as a page")
    data_parser.set_defaults(command=data)

    show = commands.add_parser("show", help="the summary of a run")
    show.add_argument("store", metavar="FOLDER", help="a store that `toolkit run` wrote")
    show.add_argument("--by", metavar="TAG", action="append", help="one row per slice too; may be given again")
    show.add_argument("--csv", metavar="FILE", help="also write all columns of the summary to this file")
    show.add_argument(
        "--export", metavar="FILE", action="append", default=[],
        help="write the summary as .csv, .parquet, .tex, or all tables as .xlsx; may be given again",
    )  # fmt: skip
    show.add_argument("--html", metavar="FILE", help="write a report: one file, for any browser, without network")
    show.add_argument("--dataset", metavar="DATASET", help="where the images for the report are, if they have moved")
    show.set_defaults(command=_show)

    _compare_parser(commands)

    box = commands.add_parser(
        "sandbox", help="CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint on 127.0.0.1"
    )
    box.add_argument("--dataset", metavar="DATASET", help="answer for these labelled images, with errors on purpose")
    box.add_argument("--engine", metavar="SETTING", help="read with this local engine instead (default: rapidocr)")
    for service in ("capsolver", "capmonster", "openai"):
        box.add_argument(f"--{service}-port", type=int, default=0, metavar="PORT", help="default: any that is free")
    box.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="how long an answer takes (default 0)")
    box.add_argument("--accuracy", type=float, default=0.9, metavar="SHARE", help="with --dataset (default 0.9)")
    box.add_argument("--key", metavar="KEY", action="append", help="a good key; may be given again (default demo)")
    box.add_argument(
        "--balance-usd", type=float, default=10.0, metavar="USD", help="what each good key owns (default 10)"
    )
    box.add_argument(
        "--per-second", type=float, metavar="N", help="answer 429 to a key that asks faster (default: never)"
    )
    box.add_argument("--fault-rate", type=float, default=0.0, metavar="SHARE", help="spoil so many answers (default 0)")
    box.set_defaults(command=_sandbox)
    return parser


def _compare_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    compare = commands.add_parser(
        "compare",
        help="hold a new run to an old one; ends with 0, 1 (worse) or 3 (cannot tell)",
        description="Hold a new run to an old one, image by image.",
        epilog="Ends with 0 when every limit is surely kept, 1 when one is surely broken, 3 when these images cannot tell.",
    )
    compare.add_argument("old", metavar="OLD", help="the store of the run to compare with")
    compare.add_argument("new", metavar="NEW", help="the store of the run that is to take its place; the same images")
    compare.add_argument("--max-accuracy-drop", type=float, metavar="SHARE", help="0.01 is one point of all images")
    compare.add_argument("--max-p95-increase", type=float, metavar="SHARE", help="0.2 is 20 %% more than the old p95")
    compare.add_argument(
        "--pair", nargs=2, metavar=("OLD", "NEW"), action="append", default=[],
        help="settings that go together though their labels differ; may be given again",
    )  # fmt: skip
    compare.add_argument(
        "--confidence-level", type=float, default=0.95, help="confidence of each one-sided look (default 0.95)"
    )
    compare.add_argument(
        "--errors", choices=["miss", "exclude"], default="miss",
        help="trials that ended in an error are images not read (miss, the default) or left out",
    )  # fmt: skip
    compare.set_defaults(command=_compare)


def _what_to_run(parser: argparse.ArgumentParser) -> None:
    dataset_arguments(parser)
    parser.add_argument("--provider", metavar="SETTING", action="append", required=True, help="may be given again")
    parser.add_argument("--repeats", type=int, default=1, help="how often each setting reads each image (default 1)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes for local engines (default: all cores)")


# pandas takes longer to load than `--help` may take, so the commands import what they need.


def _plan(given: argparse.Namespace) -> int:
    from toolkit._providers.specs import settings_of
    from toolkit._run.plan import plan

    table = plan(
        dataset_of(given), settings_of(given.provider), repeats=given.repeats, store=given.store, workers=given.workers
    )
    sys.stdout.write(table.to_string(index=False, na_rep="–", float_format="{:.4g}".format) + "\n")
    return 0


def _run(given: argparse.Namespace) -> int:
    from toolkit._providers.specs import settings_of
    from toolkit._run.benchmark import benchmark

    run = benchmark(
        dataset_of(given),
        settings_of(given.provider),
        repeats=given.repeats,
        seed=given.seed,
        store=given.store,
        workers=given.workers,
        retry_errors=given.retry_errors,
        show=False if given.quiet else None,
    )
    _print_summary(run.summary(), run.outcomes)
    sys.stdout.write(f"\nThe run is in {given.store}; look at it again with: toolkit show {given.store}\n")
    return 0 if run.complete else 1


def _show(given: argparse.Namespace) -> int:
    from toolkit._report.export import export
    from toolkit._run.run import open_run

    run = open_run(given.store)
    summary = run.summary(by=given.by)
    if given.csv:
        export(summary, given.csv, ".csv")
    for file in given.export:
        run.export(file) if given.by is None else export(summary, file)
    if given.html:
        run.report(given.html, dataset=given.dataset)
    _print_summary(summary, run.outcomes)
    if not run.complete:
        sys.stdout.write(f"\n{len(run.outcomes):,} of {run.planned:,} trials are there; run again to finish.\n")
    return 0


def _compare(given: argparse.Namespace) -> int:
    from toolkit._run.gate.gate import gate

    found = gate(
        given.old,
        given.new,
        max_accuracy_drop=given.max_accuracy_drop,
        max_p95_increase=given.max_p95_increase,
        pairs=dict(given.pair),
        errors=given.errors,
        confidence_level=given.confidence_level,
    )
    sys.stdout.write(found.explain() + "\n")
    return found.exit_status


def _sandbox(given: argparse.Namespace) -> int:
    from toolkit._dataset import load_dataset
    from toolkit._providers.specs import engine_of
    from toolkit._run.sandbox import sandbox
    from toolkit._sandbox import Sandbox, faults, serve_forever

    ports = {service: getattr(given, f"{service}_port") for service in ("capsolver", "capmonster", "openai")}
    options = {
        "ports": ports,
        "delay": given.delay,
        "keys": given.key or ["demo"],
        "balance_usd": given.balance_usd,
        "requests_per_s": given.per_second,
        "faults": [faults.at_rate(given.fault_rate, *faults.passing())] if given.fault_rate else [],
    }
    if given.dataset:
        box = sandbox(load_dataset(given.dataset), oracle={"accuracy": given.accuracy}, **options)
    else:
        box = sandbox(engine=engine_of(given.engine or "rapidocr"), **options)

    def tell(running: Sandbox) -> None:
        sys.stdout.writelines(f"{service:10} {url}\n" for service, url in running.urls.items())
        sys.stdout.write(f"Good keys: {', '.join(running.keys)} (others: bad, empty, blocked). Ctrl-C ends it.\n")
        sys.stdout.flush()

    serve_forever(box, tell)
    return 0


def _print_summary(summary: "pd.DataFrame", outcomes: "pd.DataFrame") -> None:
    from toolkit._report.summary_table import as_text, caution, leaderboard, ties

    width = get_terminal_size().columns if sys.stdout.isatty() else None
    sys.stdout.write(as_text(leaderboard(summary), width) + "\n")
    for words in filter(None, (caution(summary), ties(outcomes))):
        sys.stdout.write(f"\n{words}\n")


if __name__ == "__main__":
    raise SystemExit(main())
