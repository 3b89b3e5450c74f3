"""The visible processes, and wsltop among them: what each holds and computes, read at a bounded cost."""

from __future__ import annotations

import errno
import heapq
import os
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wsltop.core.holders import family_of, fork_of, is_fork, is_interpreter
from wsltop.guest.files import KernelFile, unreadable
from wsltop.guest.identity import identify_guest
from wsltop.model.sample import PSS_NOT_READ, OwnUse, PidView, ProcessTable, ProcessUse, Pss, Reading, Unavailable
from wsltop.model.text import KIB, MIB, clean

INITIAL: Final = "pid:[4026531836]"
"""The first PID namespace has this fixed number (include/linux/proc_ns.h, PROC_PID_INIT_INO = 0xEFFFFFFC)."""
NSPID: Final = re.compile(r"^NSpid:((?:\s+[0-9]+)+)$", re.MULTILINE | re.ASCII)
MARKERS: Final = (".dockerenv", "run/.containerenv")


def see_pids(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> PidView:
    """Tell whose processes ``/proc`` shows.

    The number of the namespace is proof; without it, ``kthreadd`` is, as kernel threads live in the first namespace
    only. Where this is not the first one, ``/run/WSL`` or WSL's variables tell a distro: an image that was exported
    from Docker and imported into WSL still has its ``/.dockerenv``, so that alone proves nothing.
    """
    proc = root / "proc"
    status = _text(proc / "self/status")
    own = NSPID.search(status)
    foreign = own is not None and len(own[1].split()) > 1  # /proc is mounted for an outer namespace, not for ours
    link = "" if foreign else _link(proc / "self/ns/pid")
    if link == INITIAL or (not link and _text(proc / "2/comm").strip() == "kthreadd"):
        return "initial"
    distro = bool(environ.get("WSL_DISTRO_NAME")) or _exists(root / "run/WSL")
    if distro and identify_guest(root, environ).flavor == "wsl2":
        return "distro"
    if any(_exists(root / marker) for marker in MARKERS) or environ.get("container"):
        return "container"
    return "nested" if link or foreign else "unknown"


def hides_others(root: Path = Path("/")) -> bool:
    """Whether ``/proc`` hides other users' processes (hidepid, proc(5)): then the first process cannot be seen."""
    proc = root / "proc"
    return _exists(proc / "self") and not _exists(proc / "1")


def _text(path: Path) -> str:
    file = KernelFile(path)
    text = file.read()
    file.close()
    return "" if isinstance(text, Unavailable) else text


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


ONE_READ: Final = 4096
"""Bytes: more than any of these files has, so that one read is all of it."""
NOT_BLOCKING: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""A FIFO in the file's place must not hang the caller."""


class ProcessStat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that wsltop uses (fs/proc/array.c, do_task_stat)."""

    name: str
    state: str
    parent: int
    user_ticks: int
    system_ticks: int
    nice: int
    started: int
    """Ticks after boot."""
    rss: int
    """Pages."""


def parse_process_stat(data: bytes) -> Reading[ProcessStat]:
    """Parse ``/proc/PID/stat``; the name may contain anything, ``) S 1`` too: it ends at the *last* parenthesis."""
    start, end = data.find(b"("), data.rfind(b")")
    fields = data[end + 1 :].split(None, 23)
    if not 0 < start < end or len(fields) < 22 or not fields[0].isalpha():
        return Unavailable("the stat file of a process is not what Linux writes")
    try:
        parent, user, system, started, rss = (int(fields[index]) for index in (1, 11, 12, 19, 21))
        nice = int(fields[16])
    except ValueError:
        return Unavailable("the stat file of a process has a field that is no number")
    if min(parent, user, system, started, rss) < 0 or not -20 <= nice <= 19:
        return Unavailable("the stat file of a process has a field out of range")
    name = clean(data[start + 1 : end].decode("utf-8", "replace")).strip()
    return ProcessStat(
        name or "(no name)", fields[0].decode("ascii", "replace"), parent, user, system, nice, started, rss
    )


def parse_statm(data: bytes) -> Reading[tuple[int, int]]:
    """Parse ``/proc/PID/statm``: resident and shared, in pages; ``shared`` is file and shared memory."""
    fields = data.split(None, 3)
    if len(fields) < 3 or not (fields[1].isdigit() and fields[2].isdigit()):
        return Unavailable("the statm file of a process is not what Linux writes")
    resident, shared = int(fields[1]), int(fields[2])
    return resident, min(shared, resident)


class ProcFiles:
    """Opens the files of processes below one descriptor of ``/proc``, which saves walking the path each time."""

    def __init__(self, root: Path = Path("/"), on_read: Callable[[int, str], None] | None = None) -> None:
        self._path = root / "proc"
        self._on_read = on_read
        self._descriptor: int | None = None

    def pids(self) -> list[int]:
        """The pids that can be seen.

        Raises:
            OSError: there is no ``/proc``, or it may not be listed.
        """
        try:
            return self._list()
        except OSError:
            self.close()  # The descriptor may be stale after a remount: once more, from the start.
            return self._list()

    def read(self, pid: int, name: str) -> bytes:
        """The start of one file of a process, as much as one read gives.

        Raises:
            OSError: the process is gone (ENOENT, ESRCH) or the file is not for us (EACCES, EPERM).
        """
        if self._on_read is not None:
            self._on_read(pid, name)
        descriptor = os.open(f"{pid}/{name}", NOT_BLOCKING, dir_fd=self._open())
        try:
            return os.read(descriptor, ONE_READ)
        finally:
            os.close(descriptor)

    def own_pids(self) -> tuple[int, ...]:
        """This process's pid as this ``/proc`` counts: a ``/proc`` of an outer PID namespace has other numbers.

        Empty for a copy of ``/proc`` below another root that does not say: its processes are none of ours.
        """
        try:
            return (int(os.readlink("self", dir_fd=self._open())),)
        except (OSError, ValueError):
            return (os.getpid(),) if self._path == Path("/proc") else ()

    def close(self) -> None:
        """Close ``/proc``; the next read opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _list(self) -> list[int]:
        with os.scandir(self._open()) as entries:
            names = [entry.name for entry in entries]
        return [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 11]

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, NOT_BLOCKING | os.O_DIRECTORY)
        return self._descriptor


PER_CALL: Final = 2
SHARE: Final = 0.002
"""Share of one core that reading PSS may take over time."""
FRESH: Final = 60.0
"""Seconds for which a PSS is kept while the RSS does not change."""
DENIED_FOR: Final = 300.0
"""Seconds after which a process that was refused is tried again."""
MOVED: Final = 8
"""A PSS is read again when the RSS has changed by one part in so many."""
LONGEST: Final = 0.05
"""Seconds that one reading may take; a process for which more is expected keeps its estimate."""
FIRST_PACE: Final = 0.012 / 1024**3
"""Seconds per byte of RSS, until it has been measured here."""
FIELD: Final = re.compile(rb"^(Rss|Pss|Pss_Anon|Pss_File|Pss_Shmem): +([0-9]{1,15}) kB$", re.MULTILINE)


def parse_rollup(data: bytes, use: ProcessUse, now: float) -> Reading[Pss]:
    """Parse ``smaps_rollup`` (fs/proc/task_mmu.c); the parts of PSS are there since Linux 5.4."""
    size = {name.decode(): int(number) * KIB for name, number in FIELD.findall(data)}
    if "Pss" not in size:
        return Unavailable("smaps_rollup has no Pss")
    return Pss(
        total=size["Pss"],
        anonymous=size.get("Pss_Anon"),
        file=size.get("Pss_File"),
        shared=size.get("Pss_Shmem"),
        read_at=now,
        rss=use.rss,
        rss_anon=use.rss_anon,
    )


class PssSource:
    """Keeps the PSS of the biggest processes.

    Args:
        files: where processes are read.
        clock: measures what a reading costs, in seconds of CPU.
    """

    def __init__(self, files: ProcFiles, clock: Callable[[], float] = time.thread_time) -> None:
        self._files = files
        self._clock = clock
        self._known: dict[tuple[int, int], tuple[float, Reading[Pss]]] = {}
        """When it was read, and the result, by pid and start."""
        self._free_at = float("-inf")
        self._pace = FIRST_PACE

    def refresh(self, biggest: Sequence[ProcessUse], now: float) -> dict[int, Reading[Pss]]:
        """Read the PSS of those processes that need it most; the new answers by pid."""
        present = {(use.pid, use.started) for use in biggest}
        self._known = {key: known for key, known in self._known.items() if key in present}
        due = [(urgency, use) for use in biggest if use.rss and (urgency := self._urgency(use, now)) is not None]
        first = self._first_of_forks(biggest)
        due.sort(key=lambda item: (item[0][0], item[1] not in first, item[0][1]))
        fresh: dict[int, Reading[Pss]] = {}
        for _, use in due[:PER_CALL]:
            if now < self._free_at:
                break
            answer = self._read(use, now)
            self._known[use.pid, use.started] = (now, answer)
            fresh[use.pid] = answer
        return fresh

    def _first_of_forks(self, biggest: Sequence[ProcessUse]) -> list[ProcessUse]:
        """The biggest process of each server that forks, where none of its forks was read: one tells of all of them.

        The estimate of a process that shares nothing is nearly right; that of eight forks is eight times too large.
        """
        forks: dict[tuple[str, int], list[ProcessUse]] = {}
        for use in biggest:
            if is_fork(use):
                forks.setdefault(fork_of(use), []).append(use)
        return [
            uses[0]
            for uses in forks.values()
            if len(uses) > 1 and not any((use.pid, use.started) in self._known for use in uses)
        ]

    def of(self, pid: int, started: int) -> Reading[Pss]:
        """The last answer for a process."""
        known = self._known.get((pid, started))
        return PSS_NOT_READ if known is None else known[1]

    def _urgency(self, use: ProcessUse, now: float) -> tuple[int, float] | None:
        """How urgent it is to read, the lowest first: never read, changed, old. ``None``: not now."""
        known = self._known.get((use.pid, use.started))
        if known is None:
            return 0, -use.rss
        asked, answer = known
        if isinstance(answer, Unavailable):
            return (2, asked) if now - asked >= DENIED_FOR else None
        if abs(use.rss - answer.rss) > max(MIB, answer.rss // MOVED):
            return 1, asked
        return (2, asked) if now - asked >= FRESH else None

    def _read(self, use: ProcessUse, now: float) -> Reading[Pss]:
        if use.rss * self._pace > LONGEST:
            return Unavailable(f"reading its PSS would take about {use.rss * self._pace * 1000:.0f} ms")
        began = self._clock()
        try:
            data = self._files.read(use.pid, "smaps_rollup")
        except PermissionError:
            return Unavailable("the process belongs to another user", "Run wsltop as root to see its PSS.")
        except FileNotFoundError:
            return Unavailable("this kernel has no smaps_rollup for it")
        except OSError as error:
            return Unavailable(f"its PSS cannot be read: {error.strerror or error}")
        took = max(0.0, self._clock() - began)
        self._free_at = now + took / SHARE
        if use.rss >= 64 * MIB:
            self._pace = (self._pace + took / use.rss) / 2
        return parse_rollup(data, use, now)


LIMIT: Final = 256
"""Processes read per call."""
BUDGET: Final = 0.003
"""Seconds of CPU for listing and reading per call; a call that lists thousands of processes reads few."""
LISTED_AT_ONCE: Final = 1000
"""For each full thousand of processes one call does not list them again: listing a thousand takes 1.3 ms."""
AT_FIRST: Final = 3
"""The budget of the first call is so many times larger: it reads all processes of a usual guest."""
FEWEST: Final = 16
"""Processes read per call even over budget, so that each gets its turn."""
BIGGEST: Final = 15
"""Processes by RSS that are read at each call, and whose PSS is read."""
TURNS: Final = 4
"""Calls within which each quiet process is read again, where ``LIMIT`` allows it."""
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
        """Read some of the processes, and return the whole table as it is known now.

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
        self._own = frozenset((*self._files.own_pids(), *own))
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
        """Close ``/proc``."""
        self._files.close()

    def _list(self) -> None:
        """List the processes, and drop those that are gone."""
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
        """The use of a process that is new or has changed."""
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


TICKS = os.sysconf("SC_CLK_TCK")
WINDOW = 5.0
"""Seconds over which the share is a mean: it varies from second to second, and each change is painted."""
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class OwnUseSource:
    """Reads this process's own use between two calls."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._statm = KernelFile(root / "proc/self/statm")
        self._past: deque[tuple[float, float]] = deque()
        self._children: dict[int, float] = {}

    def read(self, monotonic: float, children: Iterable[int] = ()) -> OwnUse:
        """The share of a core over the last few seconds, and the resident memory now."""
        used = time.process_time() + self._children_time(children)
        while len(self._past) > 1 and monotonic - self._past[0][0] > WINDOW:
            self._past.popleft()
        cpu = None
        if self._past and monotonic > self._past[0][0]:
            cpu = max(0.0, used - self._past[0][1]) / (monotonic - self._past[0][0])
        self._past.append((monotonic, used))
        return OwnUse(cpu=cpu, resident=self._resident())

    def close(self) -> None:
        """Close the file."""
        self._statm.close()

    def _children_time(self, children: Iterable[int]) -> float:
        """CPU seconds of the children, those that have ended included."""
        for pid in children:
            try:
                text = (self._proc / str(pid) / "stat").read_text(errors="replace")
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            self._children[pid] = (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime, proc(5)
        return sum(self._children.values())

    def _resident(self) -> Reading[int]:
        text = self._statm.read()
        if isinstance(text, Unavailable):
            return text
        return int(text.split()[1]) * PAGE_SIZE
