"""Runs the table of faults and prints it as Markdown: ``python -m tests.faults --help``."""

from __future__ import annotations

import argparse
import multiprocessing
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.place import Place, Skip
from tests.faults.table import Fault, all_rows

PAGE: Final = Path(__file__).with_name("README.md")
HEAD: Final = """# What breaks wsltop, and what holds

Written by `python -m tests.faults --write`. Each row breaks something on purpose and says what must hold; the code of a
row is in the module of its group.
"""
UNKNOWN: Final = 15.0
"""Seconds that a row is expected to take that no run on the page has tried."""
SLOWER: Final = 1.5
"""A row may take so many times as long as it took in the run on the page."""


class Outcome(NamedTuple):
    """What became of a row."""

    row: Fault
    verdict: str
    """``holds``, ``FAILS``, ``skipped``, ``not tried``."""
    seen: str
    seconds: float


def attempt(row: Fault) -> Outcome:
    """Try one row."""
    began = time.monotonic()
    folder = ""
    try:
        with tempfile.TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)
            with Place(Path(folder)) as place:
                seen = row.attempt(place)
        verdict = "holds"
    except Skip as why:
        verdict, seen = "skipped", str(why)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a row is what it found
        verdict, seen = "FAILS", f"{type(error).__name__}: {error}"
    return Outcome(row, verdict, seen.replace(folder or "\0", "~"), time.monotonic() - began)


def attempt_number(number: int) -> tuple[str, str, float]:
    """Try the row of a number, in a process of its own: what the kernel counts for children is that row's alone."""
    _, verdict, seen, seconds = attempt(all_rows()[number])
    return verdict, seen, seconds


def run(rows: Iterable[Fault], within: float | None, jobs: int) -> Iterator[Outcome]:
    """Try rows, ``jobs`` at a time, and none that would not end ``within`` so many seconds."""
    began = time.monotonic()
    numbers = {row.name: number for number, row in enumerate(all_rows())}
    took = seconds_on_page(PAGE.read_text(encoding="utf-8")) if within is not None else {}
    running: dict[Future[tuple[str, str, float]], Fault] = {}
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
        for row in rows:
            while len(running) >= jobs:
                yield from ended(running)
            expected = took.get(row.name, UNKNOWN) * SLOWER
            if within is not None and time.monotonic() - began + expected > within:
                yield Outcome(row, "not tried", "no time", 0.0)
                continue
            running[pool.submit(attempt_number, numbers[row.name])] = row
        while running:
            yield from ended(running)


def ended(running: dict[Future[tuple[str, str, float]], Fault]) -> Iterator[Outcome]:
    """Wait for a row to end; yield what became of it, and print it."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        outcome = Outcome(running.pop(future), *future.result())
        print(
            f"{outcome.verdict:<9} {outcome.seconds:5.1f} s  {outcome.row.group}: {outcome.row.name}",
            file=sys.stderr,
            flush=True,
        )
        if outcome.verdict == "FAILS":
            print(f"          {outcome.seen}", file=sys.stderr, flush=True)
        yield outcome


def by_worth(rows: list[Fault]) -> list[Fault]:
    """The rows for a run that may not have time for all: what was broken once, then from all groups in turn."""
    spread = sorted(enumerate(rows), key=lambda pair: (not pair[1].was_broken, pair[0] * 7919 % len(rows)))
    return [row for _, row in spread]


def page(outcomes: list[Outcome], before: str = "") -> str:
    """The table as Markdown; rows that were not tried now keep their line of the page ``before``."""
    old = {match[1]: match[0] for match in re.finditer(r"^\| \w+ \| ((?:[^|\\]|\\.)+) \|.*$", before, re.MULTILINE)}
    new = {one.row.name: line_of(one) for one in outcomes}
    rows = [new.get(row.name) or old.get(cell_of(row.name)) for row in all_rows()]
    table = [row for row in rows if row is not None]
    counts = {name: sum(f" | {name} | " in row for row in table) for name in ("holds", "FAILS", "skipped", "not tried")}
    lines = [HEAD, f"{len(table)} rows: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".", ""]
    lines += ["| group | fault | injected | must hold | verdict | seen | s |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *table]) + "\n"


def line_of(outcome: Outcome) -> str:
    """A row of the table."""
    row, first_line = outcome.row, (outcome.seen.splitlines() or [""])[0][:160]
    seconds = f"{outcome.seconds:.1f}"
    cells = (row.group, row.name, row.injected, row.holds, outcome.verdict, first_line, seconds)
    return "| " + " | ".join(map(cell_of, cells)) + " |"


def cell_of(text: str) -> str:
    """A text as it stands in a cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def seconds_on_page(text: str) -> dict[str, float]:
    """How long each row took in the run that the page keeps."""
    rows = re.finditer(r"^\| \w+ \| ((?:[^|\\]|\\.)+) \|.*\| (\d+\.\d) \|$", text, re.MULTILINE)
    return {match[1].replace("\\|", "|"): float(match[2]) for match in rows}


def main() -> int:
    """Run what was asked for; 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only rows whose group or name has one of these")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="try what ends within so long; name the rest")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="rows at a time [1]")
    parser.add_argument("--write", action="store_true", help="keep the rows in README.md here")
    parser.add_argument("--list", action="store_true", help="list the rows and try none")
    chosen = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGHUP):  # ignored in a background job of a shell, and so in its children
        signal.signal(number, signal.SIG_DFL)
    rows = [
        row
        for row in all_rows()
        if not chosen.words or any(word in f"{row.group}: {row.name}" for word in chosen.words)
    ]
    if chosen.list:
        print("\n".join(f"{row.group}: {row.name}" for row in rows))
        return 0
    outcomes = list(run(by_worth(rows) if chosen.within is not None else rows, chosen.within, chosen.jobs))
    if chosen.write:
        PAGE.write_text(page(outcomes, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(page(outcomes))
    failed = [one for one in outcomes if one.verdict == "FAILS"]
    left = [one.row.name for one in outcomes if one.verdict == "not tried"]
    if left:
        print(f"NOT TRIED for want of time, {len(left)}: {'; '.join(left)}", file=sys.stderr)
    passed, skipped = (sum(one.verdict == verdict for one in outcomes) for verdict in ("holds", "skipped"))
    print(f"{passed} passed, {len(failed)} failed, {skipped + len(left)} skipped", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
