"""The visible processes, read so that looking does not keep the VM awake.

psutil costs about ten times as much per process, and its PSS reads the long ``smaps``; so ``/proc`` is read directly:
``stat`` alone tells whether a process did anything since, and only then is ``statm`` read. A call reads at most
``limit`` processes and stops at its budget of time: those that were busy last time, the biggest and new ones come
first, and the others take turns, a quarter of them per call. wsltop's own come before all.
"""

from __future__ import annotations

import errno
import heapq
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wsltop.core.families import family_of, is_interpreter
from wsltop.core.processes import ProcessTable, ProcessUse
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.text import clean
from wsltop.guest.files import unreadable
from wsltop.guest.own import PAGE_SIZE
from wsltop.guest.proc_table import ProcessStat, ProcFiles, parse_process_stat, parse_statm
from wsltop.guest.rollup import PssSource

LIMIT: Final = 256
"""Processes read per call."""
BUDGET: Final = 0.003
"""Seconds of CPU for listing and reading per call; a call that lists thousands of processes reads few."""
LISTED_AT_ONCE: Final = 1000
"""For each full thousand of processes one call goes by without listing them anew: the kernel takes 1.3 ms for it."""
AT_FIRST: Final = 3
"""Times the budget for the first call, which so reads all processes of a usual guest."""
FEWEST: Final = 16
"""Processes read per call whatever the clock says, so that the turns go on."""
BIGGEST: Final = 15
"""Processes by RSS that are read at each call, and whose PSS is read."""
TURNS: Final = 4
"""Calls until each quiet process was read again, while they are few enough for the limit."""
GONE: Final = frozenset({errno.ENOENT, errno.ESRCH, errno.ENOTDIR})
REFUSED: Final = frozenset({errno.EACCES, errno.EPERM})


class Known(NamedTuple):
    """A process as it was last read."""

    stat: ProcessStat
    use: ProcessUse


class ProcessSource:
    """Reads the processes below ``/proc``.

    Args:
        root: where ``proc`` is.
        limit: processes read per call.
        clock: measures what was spent, in seconds: of CPU, as others may hold us up.
        files: opens the files, for tests.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        limit: int = LIMIT,
        clock: Callable[[], float] = time.thread_time,
        files: ProcFiles | None = None,
    ) -> None:
        self._path = root / "proc"
        self._limit = limit
        self._clock = clock
        self._files = files or ProcFiles(root)
        self._pss = PssSource(self._files, clock)
        self._known: dict[int, Known] = {}
        self._busy: dict[int, None] = {}
        """Pids that had changed when they were last read; a dict, for its order."""
        self._turns: OrderedDict[int, None] = OrderedDict()
        """Pids in the order of their turns, the longest unread first."""
        self._refused: set[int] = set()
        self._own: frozenset[int] = frozenset()
        self._unknown: set[int] = set()
        """Listed, and neither read nor refused."""
        self._calls_to_listing = 0

    def read(
        self, monotonic: float, own: Iterable[int] = (), *, pss: bool = True, budget: float = BUDGET
    ) -> Reading[ProcessTable]:
        """Read a slice of the processes and give the whole table as it is known now.

        Args:
            monotonic: the time of the sample, which dates PSS.
            own: pids of processes of wsltop that are not its children; itself and its children are found.
            pss: whether to read PSS of the biggest, which only a screen that shows it needs.
            budget: seconds of CPU that may be spent on listing and reading.
        """
        deadline = self._clock() + (budget if self._known else budget * AT_FIRST)
        if self._calls_to_listing > 0:
            self._calls_to_listing -= 1
        else:
            try:
                self._list()
            except OSError as error:
                return unreadable(self._path, error)
        self._own = frozenset((self._files.own_pid(), *own))
        for count, pid in enumerate(self._due()):
            if count >= FEWEST and self._clock() > deadline:
                break
            self._visit(pid)
        if pss:
            self._read_pss(monotonic)
        return ProcessTable(
            processes=tuple(known.use for known in self._known.values()),
            unread=len(self._unknown),
            refused=len(self._refused),
        )

    def close(self) -> None:
        """Let go of ``/proc``."""
        self._files.close()

    def _list(self) -> None:
        """See which processes there are, and drop those that are gone."""
        listed = self._files.pids()
        present = set(listed)
        for pid in self._known.keys() - present:
            self._drop(pid)
        self._refused &= present
        self._unknown = present - self._known.keys() - self._refused
        self._calls_to_listing = len(listed) // LISTED_AT_ONCE

    def _drop(self, pid: int) -> None:
        self._known.pop(pid, None)
        self._busy.pop(pid, None)
        self._turns.pop(pid, None)
        self._unknown.discard(pid)

    def _biggest(self) -> list[ProcessUse]:
        return heapq.nlargest(BIGGEST, (known.use for known in self._known.values()), key=lambda use: use.rss)

    def _due(self) -> list[int]:
        """The pids to read in this call: at most ``limit``, and an eighth of it is kept for those that take turns."""
        limit = self._limit
        listed_own = [pid for pid in self._own if pid in self._known or pid in self._unknown]
        first = (*listed_own, *(use.pid for use in self._biggest()), *self._busy)
        due = dict.fromkeys(list(dict.fromkeys(first))[: limit // 2])
        # The newest, and of these the oldest first: a parent is known before its children.
        newest = sorted(sorted(self._unknown, reverse=True)[: limit - len(due) - limit // 8])
        due.update(dict.fromkeys(newest))
        wanted = max(FEWEST, -(-len(self._known) // TURNS))
        turns = [pid for pid in islice(self._turns, limit) if pid not in due]
        due.update(dict.fromkeys(turns[: min(limit - len(due), wanted)]))
        return list(due)

    def _visit(self, pid: int) -> None:
        """Read one process; what cannot be read is forgotten, refused, or tried again at the next call."""
        if pid in self._turns:
            self._turns.move_to_end(pid)
        try:
            stat = parse_process_stat(self._files.read(pid, "stat"))
            if isinstance(stat, Unavailable):
                self._refuse(pid)
                return
            known = self._known.get(pid)
            if known is not None and known.stat.started != stat.started:
                known = None  # another process under the same number
            own = self._is_own(pid, stat.parent, known)
            if known is not None and known.stat == stat and known.use.own == own:
                self._busy.pop(pid, None)
                return
            use = self._measure(pid, stat, known, own)
        except OSError as error:
            if error.errno in GONE:
                self._drop(pid)
            elif error.errno in REFUSED:
                self._refuse(pid)
            return
        if known is not None:
            self._busy[pid] = None
        self._turns[pid] = None
        self._known[pid] = Known(stat, use)
        self._unknown.discard(pid)

    def _refuse(self, pid: int) -> None:
        self._drop(pid)
        self._refused.add(pid)

    def _is_own(self, pid: int, parent: int, known: Known | None) -> bool:
        """Whether wsltop started it; a child that outlives its parent stays ours."""
        if pid in self._own or (known is not None and known.use.own):
            return True
        above = self._known.get(parent)
        return above is not None and above.use.own

    def _measure(self, pid: int, stat: ProcessStat, known: Known | None, own: bool) -> ProcessUse:
        """Build the use of a process that is new or did something."""
        if known is not None and known.stat.rss == stat.rss:
            rss, shared = known.use.rss, known.use.shared
        else:
            rss, shared = self._pages(pid, stat)
        same_name = known is not None and known.stat.name == stat.name
        return ProcessUse(
            pid=pid,
            started=stat.started,
            name=stat.name,
            family=known.use.family if known is not None and same_name else self._family(pid, stat.name),
            parent=stat.parent,
            state=stat.state,
            rss=rss,
            shared=shared,
            pss=self._pss.of(pid, stat.started),
            user_ticks=stat.user_ticks,
            system_ticks=stat.system_ticks,
            nice=stat.nice,
            own=own,
        )

    def _pages(self, pid: int, stat: ProcessStat) -> tuple[int, int]:
        """RSS and shared in bytes, from one file, so that their difference is of one moment."""
        if stat.rss == 0:  # a kernel thread, or one that is ending
            return 0, 0
        pages = parse_statm(self._files.read(pid, "statm"))
        if isinstance(pages, Unavailable):
            return stat.rss * PAGE_SIZE, 0
        return pages[0] * PAGE_SIZE, pages[1] * PAGE_SIZE

    def _family(self, pid: int, name: str) -> str:
        if not is_interpreter(name):
            return family_of(name)
        try:
            words = self._files.read(pid, "cmdline").split(b"\0")
        except OSError:
            return family_of(name)
        return family_of(name, [clean(word.decode("utf-8", "replace")) for word in words])

    def _read_pss(self, monotonic: float) -> None:
        for pid, answer in self._pss.refresh(self._biggest(), monotonic).items():
            known = self._known[pid]
            self._known[pid] = known._replace(use=msgspec.structs.replace(known.use, pss=answer))
