"""Owner, command line and control group of a process: read for the screen, and kept by the screen alone.

Command lines carry passwords and tokens. ``ProcessDetails`` is no ``Struct``, so msgspec refuses to write it into a
sample, a recording or a report, and its ``repr`` shows none of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from wsltop.core.holders import name_group
from wsltop.guest.processes import ProcFiles, parse_process_stat
from wsltop.model.sample import Group, ProcessUse, Unavailable
from wsltop.model.text import KIB, clean

FRESH: Final = 10.0
"""Seconds for which details are kept: a program may change its command line."""
AT_ONCE: Final = 200
"""Processes that are read in one call, which takes some 15 ms; the others follow in the next ones."""
FIELD: Final = re.compile(rb"^(Uid|Threads|VmSwap|RssAnon|RssFile|RssShmem):\s+([0-9]{1,15})(?:\s+([0-9]+))?", re.M)
PASSWD: Final = re.compile(r"^([^:\n]+):[^:\n]*:([0-9]{1,10}):", re.MULTILINE | re.ASCII)


class ProcessDetails:
    """What a census does not say of a process. Cleaned texts; None where the kernel did not say."""

    __slots__ = ("command", "group", "owner", "read_at")

    def __init__(
        self, read_at: float, *, owner: str = "", command: str | None = None, group: str | None = None
    ) -> None:
        self.read_at = read_at
        self.owner = owner
        """The user's name, or the number where ``/etc/passwd`` has none."""
        self.command = command
        """The command line in one row; empty for kernel threads and where it may not be read, None: not asked for."""
        self.group = group
        """Path of its control group, without a leading slash: ``""`` is the root. None: it cannot be read."""

    def __repr__(self) -> str:
        """Nothing of it: a traceback must not show a command line."""
        return "<ProcessDetails>"


class ProcessStatus:
    """The figures of one process that only a look at this one needs. Bytes; None where the kernel does not say."""

    def __init__(self, fields: dict[str, int], oom: tuple[int | None, int | None]) -> None:
        self.swap = fields.get("VmSwap")
        self.anonymous = fields.get("RssAnon")
        self.file = fields.get("RssFile")
        self.shared = fields.get("RssShmem")
        self.threads = fields.get("Threads")
        self.oom_score, self.oom_adjustment = oom
        """The higher, the earlier the kernel kills it for lack of memory (proc(5): ``oom_score``, -1000 to 1000)."""


class DetailSource:
    """Reads the details of processes, at most every ten seconds each.

    Args:
        root: where ``proc`` and ``etc/passwd`` are.
        files: opens the files, for tests.
    """

    def __init__(self, root: Path = Path("/"), files: ProcFiles | None = None) -> None:
        self._files = files or ProcFiles(root)
        self._passwd = root / "etc/passwd"
        self._users: dict[int, str] | None = None
        self._known: dict[tuple[int, int], ProcessDetails] = {}

    def look(
        self, processes: Iterable[ProcessUse], now: float, *, commands: bool = True, fresh: float = FRESH
    ) -> dict[int, ProcessDetails]:
        """The details of ``processes`` by pid; those whose turn has not come are read in a later call.

        Args:
            processes: in the order in which they matter.
            now: monotonic seconds.
            commands: whether command lines are read.
            fresh: seconds for which what was read is kept.
        """
        wanted = {(use.pid, use.started): use for use in processes}

        def is_old(key: tuple[int, int]) -> bool:
            known = self._known.get(key)
            return known is None or not 0 <= now - known.read_at < fresh or (commands and known.command is None)

        for _, key in zip(range(AT_ONCE), filter(is_old, wanted), strict=False):
            self._known[key] = self._read(wanted[key], now, commands)
        return {key[0]: self._known[key] for key in wanted if key in self._known}

    def keep(self, processes: Collection[ProcessUse]) -> None:
        """Forget what was read of other processes than these."""
        if len(self._known) > len(processes):
            there = {(use.pid, use.started) for use in processes}
            self._known = {key: details for key, details in self._known.items() if key in there}

    def status(self, use: ProcessUse) -> ProcessStatus:
        """The figures of one process as they are now; none of them when it has gone."""
        fields = self._fields(use.pid)
        oom = self._number(use.pid, "oom_score"), self._number(use.pid, "oom_score_adj")
        if not self._is_still(use):
            return ProcessStatus({}, (None, None))
        kib = {name: size * KIB for name, size in fields.items() if name not in ("Uid", "Threads")}
        return ProcessStatus({**fields, **kib}, oom)

    def forget(self) -> None:
        """Drop every command line that was read."""
        self._known.clear()

    def close(self) -> None:
        """Close ``/proc``, and forget."""
        self.forget()
        self._files.close()

    def _read(self, use: ProcessUse, now: float, commands: bool) -> ProcessDetails:
        user = self._fields(use.pid).get("Uid")
        # Reading a command line takes a lock of the process, and one in the state D may hold it for ever.
        words = b"" if not commands or use.state in "DZX" else self._text(use.pid, "cmdline")
        place = group_of(self._text(use.pid, "cgroup"))
        if not self._is_still(use):  # what was read may be another's, which has got the number
            return ProcessDetails(now, command="" if commands else None)
        command = " ".join(word.decode("utf-8", "replace") for word in words.rstrip(b"\0").split(b"\0"))
        owner = "" if user is None else self._name(user)
        return ProcessDetails(now, owner=owner, command=clean(command).strip() if commands else None, group=place)

    def _is_still(self, use: ProcessUse) -> bool:
        stat = parse_process_stat(self._text(use.pid, "stat"))
        return not isinstance(stat, Unavailable) and stat.started == use.started

    def _fields(self, pid: int) -> dict[str, int]:
        """Numbers of ``/proc/PID/status`` (proc(5)): the effective user, threads, and sizes in KiB."""
        found = FIELD.findall(self._text(pid, "status"))
        return {name.decode(): int(other if name == b"Uid" and other else number) for name, number, other in found}

    def _number(self, pid: int, name: str) -> int | None:
        text = self._text(pid, name).strip()
        return int(text) if re.fullmatch(rb"-?[0-9]{1,5}", text) else None

    def _text(self, pid: int, name: str) -> bytes:
        try:
            return self._files.read(pid, name)
        except OSError:
            return b""

    def _name(self, user: int) -> str:
        """The user's name in ``/etc/passwd``: asking the C library may wait for a server of names."""
        if self._users is None:
            try:
                text = self._passwd.read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""
            self._users = {}
            for name, number in PASSWD.findall(text):
                self._users.setdefault(int(number), clean(name))
        return self._users.get(user, str(user))


def group_of(text: bytes) -> str | None:
    """The path of a process's control group: that of version 2, or that of the memory controller (cgroups(7))."""
    paths: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        _, colon, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if colon:
            paths.update(dict.fromkeys(controllers.split(","), path))  # that of version 2 has none
    found = paths.get("memory", paths.get(""))
    return None if found is None else clean(found).strip("/")


def place_of(path: str, groups: Iterable[Group], distro: str) -> str:
    """The container that a control group is part of, or else the unit, or else ``distro``.

    Args:
        path: of the control group.
        groups: those that are measured, with the names that were found for them.
        distro: the distribution that wsltop runs in.
    """
    names = {group.path: group.name for group in groups}
    parts = path.split("/")
    unit = ""
    for depth in range(len(parts), 0, -1):
        part = "/".join(parts[:depth])
        kind, name = name_group(part)
        if kind in ("container", "distro"):
            return names.get(part, name)
        if kind == "unit" and not unit and not name.startswith(("session-", "init.scope")):
            unit = names.get(part, name)
    return unit or distro
