"""Runs the table of faults and prints it as Markdown: ``python -m tests.faults --help``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.place import Place, Skip
from tests.faults.table import Fault, all_rows

PAGE: Final = Path(__file__).with_name("README.md")
HEAD: Final = """# What breaks wsltop, and what holds

Written by `python -m tests.faults --write`. Each row breaks something on purpose and says what must hold; the code of a
row is in the module of its group.
"""


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
    try:
        with tempfile.TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)
            with Place(Path(folder)) as place:
                seen = row.attempt(place)
        verdict = "holds"
    except Skip as why:
        verdict, seen = "skipped", str(why)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a row is what it found
        text = str(error).strip().splitlines()
        verdict, seen = "FAILS", f"{type(error).__name__}: {text[0][:160] if text else ''}"
    return Outcome(row, verdict, seen.replace(folder, "~"), time.monotonic() - began)


def run(rows: list[Fault], within: float | None) -> Iterator[Outcome]:
    """Try the rows, as many as there is time for."""
    began = time.monotonic()
    for row in rows:
        if within is not None and time.monotonic() - began > within:
            yield Outcome(row, "not tried", "no time", 0.0)
            continue
        outcome = attempt(row)
        print(f"{outcome.verdict:<9} {outcome.seconds:5.1f} s  {row.group}: {row.name}", file=sys.stderr, flush=True)
        if outcome.verdict == "FAILS":
            print(f"          {outcome.seen}", file=sys.stderr, flush=True)
        yield outcome


def page(outcomes: list[Outcome]) -> str:
    """The table as Markdown."""
    counts = {name: sum(one.verdict == name for one in outcomes) for name in ("holds", "FAILS", "skipped", "not tried")}
    lines = [HEAD, f"{len(outcomes)} rows: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".", ""]
    lines += ["| group | fault | injected | must hold | verdict | seen |", "|---|---|---|---|---|---|"]
    for outcome in outcomes:
        row = outcome.row
        cells = (row.group, row.name, row.injected, row.holds, outcome.verdict, outcome.seen)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run what was asked for; 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only rows whose group or name has one of these")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="begin no row after so long, and name the rest")
    parser.add_argument("--write", action="store_true", help="keep the table in README.md here")
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
    if chosen.within is not None:  # each group gets its share of the time
        rows = [row for _, row in sorted(enumerate(rows), key=lambda pair: (pair[0] * 7919) % len(rows))]
    outcomes = list(run(rows, chosen.within))
    order = {row.name: number for number, row in enumerate(all_rows())}
    outcomes.sort(key=lambda one: order[one.row.name])
    text = page(outcomes)
    if chosen.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    failed = [one for one in outcomes if one.verdict == "FAILS"]
    left = [one.row.name for one in outcomes if one.verdict == "not tried"]
    if left:
        print(f"NOT TRIED for want of time, {len(left)}: {'; '.join(left)}", file=sys.stderr)
    passed, skipped = (sum(one.verdict == verdict for one in outcomes) for verdict in ("holds", "skipped"))
    print(f"{passed} passed, {len(failed)} failed, {skipped + len(left)} skipped", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
