"""Memory that no drop returns: files in a tmpfs, other shared memory, reserved huge pages."""

from __future__ import annotations

import re
import shlex
from typing import Final

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.figures import known, ledger_of, short
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy, size
from wsltop.core.diagnosis.remedies import RESTART, SHUTDOWN, advice
from wsltop.core.mounts import Tmpfs
from wsltop.core.reading import Unavailable
from wsltop.core.units import MIB, format_size

SOME, SOME_SHARE = 512 * MIB, 16
"""Below these nobody looks for it."""
MUCH_SHARE: Final = 4
HUGE_SOME: Final = 64 * MIB
"""32 huge pages: nobody reserves fewer for a purpose that matters here."""
HUGE_SHARE: Final = 8
SHOWN: Final = 3
LONGEST_PATH: Final = 44
"""So that the command fits into one line of 80 columns."""
RESERVED: Final = re.compile(r"(?:^|\s)(hugepages=\S{1,40})")


def tmpfs_big(evidence: Evidence) -> Finding | None:
    """Files in memory count as used and stay until they are deleted; dropping caches does not touch them."""
    ledger, places = ledger_of(evidence), used_places(evidence)
    if ledger is None or not places:
        return None
    total = sum(used for _, used in places)
    if total < max(SOME, ledger.total // SOME_SHARE):
        return None
    largest = places[0][0]
    of_all = " (shared by all distributions)" if largest.everywhere and evidence.on_wsl else ""
    return Finding(
        id="tmpfs-big",
        severity="warning" if total >= ledger.total // MUCH_SHARE else "note",
        verdict="FILES IN MEMORY",
        sentence=f"{format_size(total)} is files in a tmpfs, most of it in {short(largest.place)}{of_all}; it stays "
        "until they are deleted.",
        evidence=tuple(size(short(place.place), used) for place, used in places[:SHOWN]),
        remedy=(find_files(largest.place),),
    )


def used_places(evidence: Evidence) -> list[tuple[Tmpfs, int]]:
    """Every tmpfs whose use is known, fullest first; bytes."""
    mounts = known(evidence.mounts)
    places = mounts.tmpfs if mounts else ()
    used = [(place, place.used) for place in places if not isinstance(place.used, Unavailable)]
    return sorted(used, key=lambda pair: (-pair[1], pair[0].place))


def find_files(path: str) -> Remedy:
    """List what is there; a path that a terminal may show other than it is, is not put into a command."""
    quoted = shlex.quote(path)
    if not path.isascii() or not path.isprintable() or len(quoted) > LONGEST_PATH:
        return advice("Look for large files there and delete what is not needed.")
    return Remedy(
        kind="command",
        does="see what is there",
        text=f"sudo du -ahx {quoted} | sort -h | tail",
        cost="nothing; delete what you do not need",
    )


def shared_hidden(evidence: Evidence) -> Finding | None:
    """Shared memory that no visible tmpfs explains: memfd, System V, graphics, a tmpfs of another mount namespace.

    Where ``elsewhere`` is known, it contains what is not visible, and the rest shows with its processes.
    """
    ledger, mounts, holders = ledger_of(evidence), known(evidence.mounts), known(evidence.holders)
    if ledger is None or mounts is None or (holders is not None and known(holders.elsewhere) is not None):
        return None
    if any(isinstance(place.used, Unavailable) for place in mounts.tmpfs):
        return None
    rest = ledger.shared - sum(used for _, used in used_places(evidence))
    if rest < max(SOME, ledger.total // SOME_SHARE):
        return None
    return Finding(
        id="shared-hidden",
        severity="warning" if rest >= ledger.total // MUCH_SHARE else "note",
        verdict="SHARED MEMORY",
        sentence=f"{format_size(rest)} of shared memory is in no tmpfs that is visible here: programs share it, or "
        "it is mounted elsewhere.",
        evidence=(size("shared", ledger.shared), size("in no visible tmpfs", rest)),
        remedy=(
            Remedy(kind="command", does="see what System V holds", text="ipcs -m --human", cost=""),
            advice("Look for programs with much RssShmem in /proc/PID/status."),
        ),
    )


def huge_pages_reserved(evidence: Evidence) -> Finding | None:
    """Reserved huge pages are taken from everybody, in use or not, and are never reported to the host."""
    ledger = ledger_of(evidence)
    if ledger is None or ledger.huge_pages < HUGE_SOME:
        return None
    match = RESERVED.search(known(evidence.cmdline) or "")
    kept: tuple[Remedy, ...] = ()
    if match and evidence.on_wsl:
        kept = (
            advice(f"Remove {short(match[1])} from kernelCommandLine under [wsl2] in .wslconfig.", RESTART),
            SHUTDOWN,
        )
    return Finding(
        id="huge-pages-reserved",
        severity="warning" if ledger.huge_pages >= ledger.total // HUGE_SHARE else "note",
        verdict="HUGE PAGES",
        sentence=f"{format_size(ledger.huge_pages)} is reserved as huge pages: nothing else can use it, and it is "
        "never given back.",
        evidence=(
            size("huge pages", ledger.huge_pages),
            *((Figure("command line", short(match[1])),) if match else ()),
        ),
        remedy=(
            Remedy(
                kind="command",
                does="free those that are not in use",
                text="sudo sysctl -w vm.nr_hugepages=0",
                cost="programs that ask for huge pages get none",
            ),
            *kept,
        ),
    )
