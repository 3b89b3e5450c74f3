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

from tests.vm.budget import Budget
from tests.vm.findings import Finding, table
from tests.vm.lab import Lab
from tests.vm.machine import Machine, has_kvm
from tests.vm.missing import MachineFailed, PartsMissing
from tests.vm.parts import get_parts
from tests.vm.room import count_machines
from tests.vm.scenarios import ROWS, Row, Setup

README: Final = Path(__file__).with_name("README.md")
LANES: Final = 3 if (os.cpu_count() or 1) >= 4 else 2
"""Machines at a time, where there is room for them."""
AGAIN: Final = 100.0
"""Seconds for what did not hold the first time."""
BEGIN, END = "<!-- table -->\n", "<!-- /table -->\n"

Found = tuple[str, Finding]


def check(words: list[str], *, write: bool, within: float | None) -> int:
    """Run the scenarios whose names hold one of ``words``, or all that fit into ``within`` seconds; the exit status.

    Raises:
        PartsMissing: there is no machine, or no time for a single scenario.
    """
    rows = [row for row in ROWS if not words or any(word in row.name for word in words)]
    if not rows:
        raise MachineFailed(f"no scenario is named so: {', '.join(words)}")
    budget = Budget(within)
    lanes = min(LANES, count_machines())
    for kernel in sorted({row.setup.kernel for row in rows}):
        get_parts(kernel)  # fetched once, ahead of the threads
    found = run_groups([(setup, list(group)) for setup, group in itertools.groupby(rows, by_setup)], budget, lanes)
    if not found:
        raise PartsMissing(f"the time is too short for any of {len(rows)} scenarios")
    found, again = run_again(rows, found)
    text = f"{table(found)}\n{tell(len(rows), found, budget)}{again}"
    print(text)
    if write:
        put_table(text)
    return 1 if any(finding.fails for _, finding in found) else 0


def run_again(rows: list[Row], found: list[Found]) -> tuple[list[Found], str]:
    """Run what did not hold once more, one machine at a time: what the machines side by side disturbed holds then.

    Returns what was found at last, and a sentence that names what held the second time only.
    """
    failed = {name for name, finding in found if finding.fails}
    if not failed:
        return found, ""
    say(f"once more, alone: {', '.join(sorted(failed))}")
    chosen = [row for row in rows if row.name in failed]
    budget = Budget(AGAIN)
    second = run_groups([(setup, list(group)) for setup, group in itertools.groupby(chosen, by_setup)], budget, 1)
    ran = {name for name, _ in second}
    held = sorted(ran - {name for name, finding in second if finding.fails})
    kept = [(name, finding) for name, finding in found if name not in ran]
    return kept + second, f"Held only when run again, alone: {'; '.join(held)}.\n" if held else ""


def by_setup(row: Row) -> Setup:
    """What tells groups apart."""
    return row.setup


def tell(count: int, found: list[Found], budget: Budget) -> str:
    """What was run, as sentences."""
    failed = sum(not finding.ok for _, finding in found)
    known = sum(not finding.ok and finding.known for _, finding in found)
    way = "KVM" if has_kvm() else "emulated (TCG)"
    held = f"{failed} that do not hold, {known} of them known"
    ran = f"{count - len(budget.left_out)} scenarios, {len(found)} findings, {held}"
    text = f"{ran}; {budget.spent():.0f} s, {way}.\n"
    if budget.left_out:
        text += f"Not run, for they would not have ended in time: {'; '.join(budget.left_out)}.\n"
    return text


def run_groups(groups: list[tuple[Setup, list[Row]]], budget: Budget, lanes: int) -> list[Found]:
    """Run each group in a machine of its own, ``lanes`` at a time: most of the time they wait for memory to settle.

    However this ends, the machines are down when it has; and it ends, some time after the budget is spent.
    """
    machines: list[Machine] = []

    def abort() -> None:
        for machine in machines:
            machine.abort()

    def run_group(setup: Setup, rows: list[Row]) -> list[Found]:
        if not budget.admits(rows[0]):
            budget.leave_out(rows)
            return []
        machine = Machine(
            get_parts(setup.kernel),
            memory=setup.memory,
            order=setup.order,
            reporting=setup.reporting,
            cpus=setup.cpus,
            swap=setup.swap,
            cmdline=setup.cmdline,
        )
        machines.append(machine)
        found: list[Found] = []
        try:
            with machine:
                for one in run_rows(machine, rows, budget):
                    found.append(one)
        except MachineFailed as why:
            say(f"  NO  {why}")
            found.append((rows[-1].name, Finding("its machine failed", "", str(why).splitlines()[0], False)))
        return found

    with budget.alarm(abort), ThreadPoolExecutor(lanes) as pool:
        futures = [pool.submit(run_group, setup, rows) for setup, rows in groups]
        try:
            return [found for future in futures for found in future.result()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            abort()
            raise


def run_rows(machine: Machine, rows: Iterable[Row], budget: Budget) -> Iterator[Found]:
    """Run scenarios in one machine; one that fails leaves a finding that says so."""
    say(f"booted in {machine.boot_seconds:.1f} s, order {machine.order}, reporting {machine.reporting}")
    lab = Lab(machine)
    lab.start()
    for row in rows:
        if not budget.admits(row):
            budget.leave_out([row])
            continue
        say(f"{row.name} …")
        began = time.monotonic()
        try:
            for finding in row.run(lab):
                say(f"  {finding.mark}  {finding.what}: {finding.expected} | {finding.measured}")
                yield row.name, finding
        except MachineFailed as why:
            say(f"  NO  {why}")
            yield row.name, Finding("it did not run to its end", "", str(why).splitlines()[0], False)
            if not machine.is_alive():
                raise
            lab.stop()
            lab.start()
        seconds = time.monotonic() - began
        budget.learn(row, seconds)
        say(f"  {row.name}: {seconds:.0f} s of {row.seconds}")


def put_table(text: str) -> None:
    """Replace the table in the README."""
    old = README.read_text()
    head, rest = old.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    README.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
