"""Asks ``tasklist.exe`` every few seconds: the working set alone, for where PowerShell cannot be used.

It prints for people, in Windows' language and code page: figures grouped by commas, dots, apostrophes or no-break
spaces, and ``K``, ``Ko`` or ``КБ`` for KiB. Without a match it prints one line of prose and ends with code 0.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from wsltop.clock import Clock
from wsltop.host.failure import decode_text, find_interop_fault
from wsltop.host.interop import TASKLIST, Launch, Windows
from wsltop.host.source import Candidate, Pace, Publisher, RepeatSource, choose_process, list_vms, plausible_size
from wsltop.model.sample import HostMemory, Reading, Unavailable
from wsltop.model.text import clean

ARGUMENTS: Final = ("/FI", "IMAGENAME eq vmmem*", "/FO", "CSV", "/NH")
SHORTEST, LONGEST = 5.0, 30.0
"""Seconds between two runs: a start costs Windows some 100 ms."""
FIELD: Final = re.compile(r'"([^"]*)"')
NOT_KIB: Final = frozenset("MGTмгтМГТ")  # noqa: RUF001 - Cyrillic is meant
"""First letters of larger units. No tasklist is known to use one; a figure in one is not read rather than misread."""
ONLY_POWERSHELL: Final = Unavailable("tasklist does not tell it", "Use --host powershell where that works.")


class Unreadable(Struct, frozen=True):
    """A row of vmmem whose figures make no sense."""

    row: str


def parse_rows(text: str) -> list[Candidate] | Unreadable:
    """The rows ``"vmmemWSL","9448","Services","0","9,932 K"`` of a whole output; lines of prose are skipped."""
    found: list[Candidate] = []
    for line in text.splitlines():
        fields = [field.strip() for field in FIELD.findall(line)]
        if not fields or not fields[0].casefold().startswith("vmmem"):
            continue
        pid = plausible_size(fields[1]) if len(fields) >= 5 else None
        size = parse_kib(fields[-1])
        if pid is None or size is None:
            return Unreadable(clean(line)[:80])
        found.append(Candidate(name=clean(fields[0]), pid=pid, working_set=size))
    return found


def parse_kib(field: str) -> int | None:
    """Bytes from ``9,932 K`` in any locale's digits, separators and unit; ``None`` if it cannot be a size in KiB."""
    unit = next((char for char in field if char.isalpha()), "K")
    groups = re.findall(r"\d+", field)
    if unit in NOT_KIB or not groups:
        return None
    if len(groups) > 1 and len(groups[-1]) < 3:
        groups.pop()  # too short for a group of thousands: a decimal part
    digits = "".join(groups)
    if len(digits) > 15:
        return None
    return plausible_size(int(digits) * 1024)


def parse_output(raw: bytes, read_at: float) -> Reading[HostMemory]:
    """What one run of tasklist that ended well says."""
    rows = parse_rows(decode_text(raw))
    if isinstance(rows, Unreadable):
        return Unavailable(f"tasklist printed a row that wsltop does not understand: {rows.row}", "Please report it.")
    chosen = choose_process(rows)
    if isinstance(chosen, Unavailable):
        return chosen
    return HostMemory(
        source="tasklist",
        process=chosen.name,
        pid=chosen.pid,
        working_set=chosen.working_set,
        private_bytes=ONLY_POWERSHELL,
        total=ONLY_POWERSHELL,
        available=ONLY_POWERSHELL,
        vms=list_vms(rows),
        read_at=read_at,
    )


def open_tasklist(
    windows: Windows, *, interval: float, pace: Pace, clock: Clock, publish: Publisher | None = None
) -> RepeatSource:
    """A source that runs tasklist about every ``interval`` seconds, not faster than every five."""

    def prepare(own_socket: bool, period: float) -> Reading[Launch]:
        del period  # each run is a program of its own
        return windows.prepare(TASKLIST, *ARGUMENTS, own_socket=own_socket)

    return RepeatSource(
        "tasklist.exe",
        prepare,
        parse_output,
        lambda: find_interop_fault(windows.root, windows.environ),
        period=period_for(interval),
        pace=pace,
        clock=clock,
        publish=publish,
    )


def period_for(interval: float) -> float:
    """Seconds between two runs for a reader that takes a sample every ``interval`` seconds."""
    return min(max(interval, SHORTEST), LONGEST)
