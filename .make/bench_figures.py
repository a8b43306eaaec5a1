"""The figures that `make bench` reports: which benchmark finds each, beside what, and what is promised.

A figure is taken from what a benchmark left in its `extra_info`. Its *ratio* to the reference of the same run is what
is watched over time, because the machine is in both; its *value* is what a reader wants to know.
"""

# ruff: noqa: INP001 -- commands stand alone

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    `value`, `reference` and `ratio` name keys of the benchmark's figures; a ratio that is none of them is the value
    over the reference. `most` or `least` is the promise, about the value or, if `of_ratio`, about the ratio. `more`
    says that more of the value is better. Names with an index, as in ``peak_mib[-1]``, pick from a list.
    """

    what: str
    benchmark: str
    value: str
    unit: str
    against: str = ""
    reference: str = ""
    ratio: str = ""
    most: float | None = None
    least: float | None = None
    of_ratio: bool = False
    more: bool = False


_RUN = "test_service_speed.py::test_a_run_keeps_up_with_a_bare_loop"
_LATENCY = "test_service_speed.py::test_the_latency_that_is_reported_is_the_services"
_HTTP = "test_http_speed.py::test_exchanges_against_a_server_that_takes_100_ms"
_POLLING = "test_service_speed.py::test_a_polling_provider_is_kept_near_its_ideal"
_MEMORY = "test_service_speed.py::test_a_run_takes_little_memory"
_OPEN = "test_store_speed.py::test_opening_a_large_run"
_LOOK = "test_store_speed.py::test_looking_at_a_large_run"


def _run(transport: str, in_flight: int, least: float | None = None) -> Figure:
    return Figure(
        f"rows a second, {transport}, {in_flight} in flight",
        f"{_RUN}[{transport}-{in_flight}]",
        "rows_per_s",
        "/s",
        "bare loop",
        "bare_per_s",
        "of_bare_loop",
        least=least,
        more=True,
    )


def _at_200(
    what: str, transport: str, value: str, unit: str, most: float, against: tuple[str, str] = ("", "")
) -> Figure:
    return Figure(f"{what}, {transport}, 200 in flight", f"{_RUN}[{transport}-200]", value, unit, *against, most=most)


FIGURES = (
    # paid services, 100 ms away
    _run("httpx", 16),
    _run("httpx", 64),
    _run("httpx", 200, least=1000),
    _run("fast", 64),
    _run("fast", 200, least=1600),
    *(
        figure
        for transport in ("httpx", "fast")
        for figure in (
            _at_200(
                "CPU above the bare loop, a call",
                transport,
                "cpu_ms_above_bare",
                "ms",
                0.3,
                ("bare loop", "bare_cpu_ms"),
            ),
            _at_200("latency reported, p50 (of 100 ms)", transport, "p50_ms", "ms", 120),
            _at_200("latency reported, p95 (of 100 ms)", transport, "p95_ms", "ms", 160),
            Figure(
                f"memory of a run, {transport}, 200 in flight",
                f"{_MEMORY}[{transport}]",
                "peak_mib",
                "MiB",
                "`import toolkit`",
                "import_mib",
                most=150,
            ),
        )
    ),
    Figure(
        "tasks polled, 64 in flight",
        _POLLING,
        "rows_per_s",
        "/s",
        "ideal",
        "ideal_per_s",
        "of_ideal",
        least=0.9,
        of_ratio=True,
        more=True,
    ),
    Figure(
        "latency reported at 50 in flight, httpx, p95",
        f"{_LATENCY}[httpx]",
        "p95_of_truth",
        "× truth",
        most=1.10,
    ),
    Figure(
        "latency reported at 50 in flight, fast, p95",
        f"{_LATENCY}[fast]",
        "p95_of_truth",
        "× truth",
        most=1.20,
    ),
    Figure(
        "exchanges a second, httpx, 200 in flight",
        f"{_HTTP}[httpx-200]",
        "per_s",
        "/s",
        "an httpx.Client a thread",
        "bare_per_s",
        "ratio_to_bare",
        more=True,
    ),
    Figure(
        "exchanges a second, fast, 200 in flight",
        f"{_HTTP}[fast-200]",
        "per_s",
        "/s",
        "bare aiohttp",
        "bare_per_s",
        "ratio_to_bare",
        more=True,
    ),
    Figure(
        "800 calls at 40 a second, rate declared",
        "test_rate_limit.py::test_a_rate_is_used_and_little_is_wasted[200-declared]",
        "seconds",
        "s",
        most=23,
    ),
    Figure(
        "800 calls at 40 a second, rate learned",
        "test_rate_limit.py::test_a_rate_is_used_and_little_is_wasted[200-learned]",
        "seconds",
        "s",
        most=23,
    ),
    # engines of this machine
    Figure(
        "overhead of a trial in process",
        "test_engine_speed.py::test_overhead_of_a_trial",
        "overhead_ms_a_trial",
        "ms",
        "bare loop",
        ratio="ratio_to_bare_loop",
        most=2.0,
    ),
    Figure(
        "RapidOCR on all cores",
        "test_local_engines.py::test_all_cores_are_used[rapidocr]",
        "images_per_s",
        "/s",
        "bare engine × cores",
        "bare_times_cores_per_s",
        "ratio",
        least=0.9,
        of_ratio=True,
        more=True,
    ),
    Figure(
        "Tesseract on all cores",
        "test_local_engines.py::test_all_cores_are_used[tesseract]",
        "images_per_s",
        "/s",
        "bare engine × cores",
        "bare_times_cores_per_s",
        "ratio",
        least=0.9,
        of_ratio=True,
        more=True,
    ),
    Figure(
        "a reading by RapidOCR",
        "test_local_engines.py::test_reading_costs_what_the_bare_library_costs[rapidocr]",
        "read_ms",
        "ms",
        "bare library",
        "bare_ms",
        "ratio",
        most=1.1,
        of_ratio=True,
    ),
    Figure(
        "a reading by Tesseract",
        "test_local_engines.py::test_reading_costs_what_the_bare_library_costs[tesseract]",
        "read_ms",
        "ms",
        "bare library",
        "bare_ms",
        "ratio",
        most=1.1,
        of_ratio=True,
    ),
    # growth
    Figure(
        "CPU per trial, largest run",
        "test_growth.py::test_a_million_trials_cost_what_a_thousand_cost",
        "cpu_ms_a_trial[-1]",
        "ms",
        "run of 1,000",
        "cpu_ms_a_trial[0]",
        "ratio",
        most=1.1,
        of_ratio=True,
    ),
    Figure(
        "memory of the largest run over the smallest",
        "test_growth.py::test_a_million_trials_cost_what_a_thousand_cost",
        "more_mib",
        "MiB",
        "run of 1,000",
        "peak_mib[0]",
        most=100,
    ),
    Figure(
        "memory of 100,000 images over 1,000",
        "test_memory.py::test_memory_of_a_large_run",
        "more_mib",
        "MiB",
        "run of 1,000",
        "peak_mib_of_1000",
        most=100,
    ),
    # long logs
    Figure(
        "opening 1,000,000 attempts, first time",
        f"{_OPEN}[1000000-first]",
        "seconds",
        "s",
        "bare json",
        "bare_json_s",
        "ratio",
        most=1.0,
        of_ratio=True,
    ),
    Figure(
        "opening 1,000,000 attempts again",
        f"{_OPEN}[1000000-again]",
        "seconds",
        "s",
        "bare json",
        "bare_json_s",
        "ratio",
        most=0.5,
        of_ratio=True,
    ),
    Figure(
        "opening 10,000,000 attempts, first time",
        f"{_OPEN}[10000000-first]",
        "seconds",
        "s",
        "bare json",
        "bare_json_s",
        "ratio",
        most=1.0,
        of_ratio=True,
    ),
    Figure(
        "opening 10,000,000 attempts again",
        f"{_OPEN}[10000000-again]",
        "seconds",
        "s",
        "bare json",
        "bare_json_s",
        "ratio",
        most=0.5,
        of_ratio=True,
    ),
    Figure(
        "memory for 10,000,000 attempts",
        f"{_OPEN}[10000000-again]",
        "peak_mib",
        "MiB",
        most=4096,
    ),
    Figure(
        "going on with 1,000,000 attempts",
        "test_store_speed.py::test_going_on_with_a_large_run[1000000]",
        "seconds",
        "s",
        "bare json",
        "bare_json_s",
        "ratio",
        most=1.5,
        of_ratio=True,
    ),
    Figure(
        "summary of a run of 1,000,000 attempts",
        f"{_LOOK}[1000000]",
        "summary_s",
        "s",
        "bare json",
        "bare_json_s",
        most=3,
    ),
    Figure(
        "thresholds of a run of 1,000,000 attempts",
        f"{_LOOK}[1000000]",
        "thresholds_s",
        "s",
        "bare json",
        "bare_json_s",
        most=3,
    ),
    Figure(
        "comparison of a run of 1,000,000 attempts",
        f"{_LOOK}[1000000]",
        "comparison_s",
        "s",
        "bare json",
        "bare_json_s",
        most=3,
    ),
    Figure(
        "report on a run of 1,000,000 attempts",
        f"{_LOOK}[1000000]",
        "report_s",
        "s",
        "bare json",
        "bare_json_s",
        most=30,
    ),
    Figure(
        "report on a run of 10,000,000 attempts",
        f"{_LOOK}[10000000]",
        "report_s",
        "s",
        "bare json",
        "bare_json_s",
        most=180,
    ),
    Figure(
        "memory for looking at 10,000,000 attempts",
        f"{_LOOK}[10000000]",
        "peak_mib",
        "MiB",
        most=6144,
    ),
    Figure(
        "summary of a run of 10,000,000 attempts",
        f"{_LOOK}[10000000]",
        "summary_s",
        "s",
        "bare json",
        "bare_json_s",
        most=30,
    ),
    Figure(
        "thresholds of a run of 10,000,000 attempts",
        f"{_LOOK}[10000000]",
        "thresholds_s",
        "s",
        "bare json",
        "bare_json_s",
        most=30,
    ),
    Figure(
        "comparison of a run of 10,000,000 attempts",
        f"{_LOOK}[10000000]",
        "comparison_s",
        "s",
        "bare json",
        "bare_json_s",
        most=30,
    ),
    Figure(
        "summary of a million outcomes",
        "test_stats_speed.py::test_summary[None]",
        "took_s",
        "s",
        "plain pandas",
        "reference_s",
        "ratio",
        most=1.5,
    ),
    Figure(
        "threshold curve of a million answers",
        "test_stats_speed.py::test_threshold_curve",
        "took_s",
        "s",
        "scikit-learn",
        "reference_s",
        "ratio",
        most=0.4,
    ),
    Figure(
        "190 paired comparisons of 100,000 images",
        "test_stats_speed.py::test_all_pairs_of_twenty_settings",
        "took_s",
        "s",
        "one matrix product",
        "reference_s",
        "ratio",
        most=0.2,
    ),
    Figure(
        "scoring a million texts",
        "test_metrics_speed.py::test_edit_distance_cer_and_ned",
        "took_s",
        "s",
        "bare rapidfuzz",
        "bare_rapidfuzz_s",
        "ratio",
        most=5,
        of_ratio=True,
    ),
    Figure(
        "loading 20,000 samples, each",
        "test_dataset_speed.py::test_loading",
        "us_a_sample",
        "µs",
        "bare csv",
        "bare_us",
        "ratio",
        most=4,
        of_ratio=True,
    ),
    # starting
    Figure(
        "`toolkit --help`",
        "test_start_time.py::test_help_is_there_at_once",
        "help_s",
        "s",
        "python -c pass",
        "python_s",
        "ratio",
        most=0.3,
    ),
    Figure(
        "`import toolkit` after pandas",
        "test_import_time.py::test_import_toolkit_beside_import_pandas",
        "added_by_toolkit_s",
        "s",
        "import pandas",
        "pandas_s",
        most=0.15,
    ),
    Figure(
        "what the sandbox adds to its delay, p95",
        "test_sandbox_overhead.py::test_sandbox_adds_little_to_its_delay",
        "added_p95_ms",
        "ms",
        most=3,
    ),
)
