"""Who holds the memory: processes, families, control groups, and what nobody visible holds.

Pure; everything is read in ``wsltop.guest``. Imports msgspec and ``core``.

    elsewhere = (AnonPages - anonymous memory of the visible processes)
              + (Shmem - shared memory of the visible processes - files of the visible tmpfs)

Each part is cut at 0, and each errs to the low side: pages that a fork shares, and tmpfs files that a process maps, are
subtracted twice. So ``elsewhere`` is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from wsltop.core.families import Family, group_families
from wsltop.core.groups import Group
from wsltop.core.mounts import Tmpfs
from wsltop.core.processes import ProcessTable, ProcessUse
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.units import KIB, MIB, format_size

if TYPE_CHECKING:
    from wsltop.core.sample import Meminfo  # a sample carries holders

PidView = Literal["initial", "distro", "container", "nested", "unknown"]
"""Which processes can be seen: all; those of a WSL distro; of a container; of some other PID namespace."""

NOISE: Final = 64 * MIB
"""A remainder below this is the error of the measurement."""
NOISE_PER_PROCESS: Final = 64 * KIB
"""RSS lags by up to 32 pages per CPU that a process ran on (lib/percpu_counter.c, Linux 6.2 to 6.16)."""

REASONS: Final[dict[PidView, str]] = {
    "distro": "held outside this distro: other distros, WSLg and Docker Desktop run in PID namespaces of their own, "
    "and their processes cannot be seen from here",
    "container": "held outside this container: the rest of the machine is in other PID namespaces, "
    "and cannot be seen from here",
    "nested": "held outside this PID namespace, which shows only a part of the machine's processes",
    "initial": "all processes of this machine are visible; what they do not add up to is memory that no process maps, "
    "such as files in a tmpfs of another mount namespace, and the error of reading them one after another",
    "unknown": "it cannot be told which part of the machine's processes is visible here",
}
HIDDEN: Final = "; processes of other users are hidden here too (/proc is mounted with hidepid)"


class Holders(Struct, frozen=True, kw_only=True, tag="holders"):
    """Who holds the memory. Bytes."""

    processes: tuple[ProcessUse, ...]
    """Biggest first, by ``held``."""
    families: tuple[Family, ...]
    groups: Reading[tuple[Group, ...]]
    visible_anonymous: int
    visible_shared: int
    """Shared memory that visible processes map, as far as their PSS was read, and files of the visible tmpfs."""
    elsewhere: Reading[int]
    """At least this much is held by what cannot be seen from here."""
    reason: str
    """Why the visible does not add up to the whole, here."""
    unread: int
    """Processes still to be read for the first time; growth is only worth noting when this is 0."""


def hold(
    table: ProcessTable,
    meminfo: Reading[Meminfo],
    view: PidView,
    *,
    groups: Reading[tuple[Group, ...]],
    tmpfs: Iterable[Tmpfs] = (),
    hidden: bool = False,
) -> Holders:
    """Put the visible together and take it from the whole.

    Args:
        table: the visible processes.
        meminfo: the whole machine's memory.
        view: which part of the machine's processes is visible.
        groups: the control groups.
        tmpfs: the mounted file systems in memory.
        hidden: whether other users' processes are hidden by the way /proc is mounted.
    """
    # Thousands of processes pass here at each tick: those without memory, and those without PSS, take the short way.
    processes = tuple(sorted(table.processes, key=_size, reverse=True))
    holding = [use for use in processes if use.rss]
    proven = [use for use in holding if not use.estimated]
    anonymous = sum([use.rss_anon for use in holding]) + sum(use.anonymous - use.rss_anon for use in proven)
    shared = sum(_shared(use) for use in proven)
    shared += sum(place.used for place in tmpfs if not isinstance(place.used, Unavailable))
    estimated = len(holding) - len(proven)
    return Holders(
        processes=processes,
        families=group_families(holding),
        groups=groups,
        visible_anonymous=anonymous,
        visible_shared=shared,
        elsewhere=_elsewhere(table, meminfo, view, hidden, anonymous, shared, NOISE + estimated * NOISE_PER_PROCESS),
        reason=REASONS[view] + (HIDDEN if hidden or table.refused else ""),
        unread=table.unread,
    )


def _size(use: ProcessUse) -> int:
    return use.held


def _shared(use: ProcessUse) -> int:
    return 0 if isinstance(use.pss, Unavailable) else use.pss.shared or 0


def _elsewhere(
    table: ProcessTable,
    meminfo: Reading[Meminfo],
    view: PidView,
    hidden: bool,
    anonymous: int,
    shared: int,
    noise: int,
) -> Reading[int]:
    """What is held and not visible, if it can be claimed at all."""
    if isinstance(meminfo, Unavailable):
        return meminfo
    if table.unread:
        done = len(table.processes)
        return Unavailable(f"the processes are still being read: {done} of {done + table.unread}")
    if not (hidden or table.refused):
        if view == "initial":
            return Unavailable("all processes of this machine are visible")
        if view == "unknown":
            return Unavailable(REASONS[view])
    rest = max(0, meminfo.anon_pages - anonymous) + max(0, meminfo.shmem - shared)
    if rest < noise:
        return Unavailable(f"less than {format_size(noise)}, which is the error of this measurement")
    return rest
