"""The processes that can be seen: what each holds and what each computed.

Pure; ``/proc`` is read in ``wsltop.guest.processes``. Imports msgspec and ``core``.

Three measures of one process, from cheap to exact (Documentation/filesystems/proc.rst):

    RSS   every page it maps; a page that ten processes map counts ten times, so sums of RSS mean nothing
    anon  RSS - shared of ``/proc/PID/statm``: its anonymous pages. After a fork both sides count the same pages
    PSS   each page divided by the number of its users: the only measure that adds up, and the kernel walks all page
          tables of the process for it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from wsltop.core.gate.blockers import ProcessCpu
from wsltop.core.reading import Reading, Unavailable

PSS_NOT_READ: Final = Unavailable("PSS is read for the biggest processes only")


class Pss(Struct, frozen=True, kw_only=True, tag="pss"):
    """The proportional set size of one process (``/proc/PID/smaps_rollup``, Linux 4.14). Bytes."""

    total: int
    anonymous: int | None
    """Pss_Anon, Linux 5.4."""
    file: int | None
    """Pss_File, Linux 5.4."""
    shared: int | None
    """Pss_Shmem, Linux 5.4: tmpfs and shared memory."""
    read_at: float
    """Monotonic seconds; its age is the sample's time minus this."""
    rss: int
    """RSS at that moment, so that a later RSS tells how far the process has moved on."""
    rss_anon: int


class ProcessUse(Struct, frozen=True, kw_only=True):
    """One process. Bytes, ticks of 1/100 s, cleaned names."""

    pid: int
    started: int
    """Ticks after boot; together with ``pid`` this is the process, as pids are used again."""
    name: str
    family: str
    """The name under which people know it. No part of the command line is kept: it may hold secrets."""
    parent: int
    state: str
    """One letter, as ``ps`` says it: R, S, D, Z, T …"""
    rss: int
    shared: int
    """File and shared-memory pages of ``rss``."""
    pss: Reading[Pss] = PSS_NOT_READ
    user_ticks: int
    system_ticks: int
    nice: int
    own: bool = False
    """wsltop itself or a process that it started."""

    @property
    def rss_anon(self) -> int:
        """Anonymous pages: an upper bound of what it holds alone, as a fork shares them."""
        return self.rss - self.shared if self.rss > self.shared else 0

    @property
    def estimated(self) -> bool:
        """Whether ``held`` is an estimate without PSS."""
        return isinstance(self.pss, Unavailable)

    @property
    def held(self) -> int:
        """PSS moved on by what RSS has changed since; without PSS its anonymous memory, as an estimate."""
        pss = self.pss
        return self.rss_anon if isinstance(pss, Unavailable) else max(0, pss.total + self.rss - pss.rss)

    @property
    def anonymous(self) -> int:
        """The anonymous part of ``held``."""
        if isinstance(self.pss, Unavailable) or self.pss.anonymous is None:
            return self.rss_anon
        return max(0, self.pss.anonymous + self.rss_anon - self.pss.rss_anon)


class ProcessTable(Struct, frozen=True, kw_only=True, tag="processes"):
    """Every process that has been read, in no order."""

    processes: tuple[ProcessUse, ...]
    unread: int = 0
    """Processes that are listed and have not been read yet: with thousands of them the first pass takes seconds."""
    refused: int = 0
    """Processes that are listed and may not be read."""


def cpu_between(before: Iterable[ProcessUse], after: Iterable[ProcessUse]) -> tuple[ProcessCpu, ...]:
    """What each process computed between two tables; those that used nothing are left out.

    A process that started in between counts with all of its ticks. One that is older but was not in ``before``, as the
    first pass was still going on, counts with none: nobody knows when it used them.
    """
    known = {(use.pid, use.started): use for use in before}
    newest = max((started for _, started in known), default=None)
    used: list[ProcessCpu] = []
    for use in after:
        last = known.get((use.pid, use.started))
        if last is use or (last is None and (newest is None or use.started < newest)):
            continue
        user = use.user_ticks - (last.user_ticks if last else 0)
        system = use.system_ticks - (last.system_ticks if last else 0)
        if user > 0 or system > 0:
            used.append(
                ProcessCpu(
                    pid=use.pid, name=use.name, user=max(0, user), system=max(0, system), nice=use.nice, own=use.own
                )
            )
    return tuple(used)
