"""Runs scenarios and tells what they found."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.vm.findings import Finding, table
from tests.vm.lab import Lab
from tests.vm.machine import Machine, has_kvm
from tests.vm.missing import MachineFailed
from tests.vm.parts import Parts, get_parts
from tests.vm.scenarios import ROWS, Row, Setup

README: Final = Path(__file__).with_name("README.md")
LANES: Final = 3 if (os.cpu_count() or 1) >= 4 else 2
BEGIN, END = "<!-- table -->\n", "<!-- /table -->\n"

Found = tuple[str, Finding]


def check(words: list[str], *, write: bool) -> int:
    """Run the scenarios whose names hold one of ``words``, or all; the exit status."""
    rows = [row for row in ROWS if not words or any(word in row.name for word in words)]
    if not rows:
        raise MachineFailed(f"no scenario is named so: {', '.join(words)}")
    parts = get_parts()
    began = time.monotonic()
    found = run_groups(parts, [(setup, list(group)) for setup, group in itertools.groupby(rows, by_setup)])
    text = table(found)
    seconds = time.monotonic() - began
    failed = sum(not finding.ok for _, finding in found)
    way = "KVM" if has_kvm() else "emulated (TCG)"
    text += f"\n{len(rows)} scenarios, {len(found)} findings, {failed} that do not hold; {seconds:.0f} s, {way}.\n"
    print(text)
    if write:
        put_table(text)
    return 1 if failed else 0


def by_setup(row: Row) -> Setup:
    """What tells groups apart."""
    return row.setup


def run_groups(parts: Parts, groups: list[tuple[Setup, list[Row]]]) -> list[Found]:
    """Run each group in a machine of its own, two or three at a time: most of the time they wait for memory to settle.

    However this ends, the machines are down when it has.
    """
    machines: list[Machine] = []

    def run_group(setup: Setup, rows: list[Row]) -> list[Found]:
        machine = Machine(parts, order=setup.order, reporting=setup.reporting)
        machines.append(machine)
        found: list[Found] = []
        try:
            with machine:
                for one in run_rows(machine, rows):
                    found.append(one)
        except MachineFailed as why:
            say(f"  NO  {why}")
            found.append((rows[-1].name, Finding("its machine failed", "", str(why).splitlines()[0], False)))
        return found

    with ThreadPoolExecutor(LANES) as lanes:
        futures = [lanes.submit(run_group, setup, rows) for setup, rows in groups]
        try:
            return [found for future in futures for found in future.result()]
        except BaseException:
            lanes.shutdown(wait=False, cancel_futures=True)
            for machine in machines:
                machine.abort()
            raise


def run_rows(machine: Machine, rows: Iterable[Row]) -> Iterator[Found]:
    """Run scenarios in one machine; one that fails leaves a finding that says so."""
    say(f"booted in {machine.boot_seconds:.1f} s, order {machine.order}, reporting {machine.reporting}")
    lab = Lab(machine)
    lab.start()
    for row in rows:
        say(f"{row.name} …")
        began = time.monotonic()
        try:
            for finding in row.run(lab):
                say(f"  {'ok' if finding.ok else 'NO'}  {finding.what}: {finding.expected} | {finding.measured}")
                yield row.name, finding
        except MachineFailed as why:
            say(f"  NO  {why}")
            yield row.name, Finding("it did not run to its end", "", str(why).splitlines()[0], False)
            if not machine.is_alive():
                raise
            lab.stop()
            lab.start()
        say(f"  {time.monotonic() - began:.0f} s")


def put_table(text: str) -> None:
    """Replace the table in the README."""
    old = README.read_text()
    head, rest = old.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    README.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
