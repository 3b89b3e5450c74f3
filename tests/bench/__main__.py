"""Runs benchmarks and prints the table, or writes it into README.md here: ``python -m tests.bench --help``."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.bench.crowd import measure_crowd
from tests.bench.endurance import measure_endurance
from tests.bench.failure import CannotMeasure
from tests.bench.hog import measure_hog
from tests.bench.key import measure_drag, measure_key
from tests.bench.measurement import Measurement
from tests.bench.replay import measure_replay
from tests.bench.sample import measure_sample
from tests.bench.screen import measure_quiet, measure_screen
from tests.bench.snapshot import measure_snapshot
from tests.bench.soak import soak
from tests.bench.start import measure_start
from tests.bench.table import format_markdown, format_table
from tests.bench.trace import measure_trace
from tests.bench.windows import measure_windows

README = Path(__file__).with_name("README.md")
SOAK = "soak"
"""No benchmark, and run only where it is named: it holds or fails."""
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


class Row(NamedTuple):
    """A benchmark: given the number of runs and the seconds of each, it yields what it measured."""

    measure: Callable[[int, float], Iterator[Measurement]]
    runs: int
    """How often by default."""
    help: str


ROWS = {
    "screen": Row(measure_screen, 3, "the main screen, idle, and its peers at the same time"),
    "quiet": Row(measure_quiet, 3, "the main screen at rest"),
    "start": Row(measure_start, 7, "start to first frame, and its peers in turn"),
    "snapshot": Row(measure_snapshot, 11, "the snapshot command"),
    "sample": Row(measure_sample, 3, "one sample, in this process"),
    "replay": Row(measure_replay, 3, "a recording of a day: size, cost, to open it, go anywhere in it, export it"),
    "hog": Row(measure_hog, 5, "filling 1 GiB, in turn with stress-ng"),
    "key": Row(measure_key, 20, "key to effect"),
    "drag": Row(measure_drag, 1, "a drag on the timeline"),
    "crowd": Row(measure_crowd, 1, "the process view among thousands of processes"),
    "windows": Row(measure_windows, 1, "reading the Windows side, a stand-in"),
    "trace": Row(measure_trace, 1, "the files that a tick and a key enter, the modules of a start"),
    "endurance": Row(measure_endurance, 1, "memory over simulated days"),
}
"""The benchmarks by name, in the order in which they run."""


def main() -> int:
    """Run what was asked for."""
    options = parse_arguments()
    print(describe_machine(), file=sys.stderr)
    if options.names == [SOAK]:
        return soak(options.hours)
    measurements: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("CONFIG", "STATE", "DATA", "CACHE"):  # every program as it comes, nobody's settings
            os.environ[f"XDG_{name}_HOME"] = folder
        for name in options.names or ROWS:
            row = ROWS[name]
            print(f"{name}: {row.help} …", file=sys.stderr)
            try:
                measurements += row.measure(options.runs or row.runs, options.seconds)
            except CannotMeasure as why:
                print(f"{name}: cannot be measured: {why}", file=sys.stderr)
    print(format_table(measurements))
    if options.write:
        write_readme(README, measurements)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(measurements)) + b"\n")
    return 0


def write_readme(path: Path, measurements: list[Measurement]) -> None:
    """Put the table into the README, with the date and the machine.

    Raises:
        ValueError: it has no place for it.
    """
    text = path.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no {BEGIN} … {END}")
    when = f"{datetime.date.today():%Y-%m-%d}, {describe_machine()}; the median of the runs (least-most)."
    path.write_text(f"{head}{BEGIN}\n{when}\n\n{format_markdown(measurements)}\n{END}{tail}", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ROWS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each run of the screen is [60]")
    parser.add_argument("--hours", type=float, default=1.0, help=f"how long {SOAK} runs, which is named alone [1]")
    parser.add_argument("--runs", type=int, help="how often each is measured")
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ROWS and options.names != [SOAK]]
    if unknown:
        parser.error(f"no benchmark is named {', '.join(unknown)}; there are {', '.join((*ROWS, SOAK))}")
    return options


def describe_machine() -> str:
    """What the figures depend on: a busy machine makes all of them worse."""
    load = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    return f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load average {load}"


if __name__ == "__main__":
    raise SystemExit(main())
