"""The kernel log from the best place there is: ``/dev/kmsg``, else ``dmesg``, else the journal.

WSL lets every user read the log; a distribution may take that back (``kernel.dmesg_restrict``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import KernelLog
from wsltop.guest.dmesg import DmesgCommand
from wsltop.guest.files import KernelFile
from wsltop.guest.journal import JournalCommand
from wsltop.guest.kmsg import KmsgReader
from wsltop.guest.log_poll import INTERVAL, TIMEOUT, LogCommand, LogPoll

PLACES: Final = ("usr/bin", "bin")
"""Where the commands are looked for; never in PATH, which may hold something else of that name."""


class KernelLogSource:
    """Reads the kernel log, from the oldest record that is left.

    Args:
        root: The root of the file system.
        dmesg: The command to ask when ``/dev/kmsg`` cannot be read; ``None``: there is none.
        journalctl: The command to ask when that fails too.
        interval: Seconds between two runs of a command.
        timeout: Seconds that a run may take.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        dmesg: Path | None = None,
        journalctl: Path | None = None,
        interval: float = INTERVAL,
        timeout: float = TIMEOUT,
    ) -> None:
        self._root = root
        self._commands: list[LogCommand] = []
        if dmesg is not None:
            self._commands.append(DmesgCommand(dmesg))
        if journalctl is not None:
            self._commands.append(JournalCommand(journalctl))
        self._interval = interval
        self._timeout = timeout
        self._kmsg: KmsgReader | None = None
        self._poll: LogPoll | None = None
        self._newest = -1.0
        """Stamp of the newest record handed out, so that another place does not tell the same again."""

    def read(self) -> Reading[KernelLog]:
        """Return the records that came since the last call; never waits, and works a bounded time."""
        try:
            log = self._read_kmsg()
        except OSError as error:
            log = self._read_command(error)
        if isinstance(log, KernelLog) and log.records:
            self._newest = max(self._newest, log.records[-1].monotonic)
        return log

    def wait(self, timeout: float) -> bool:
        """Wait until ``read`` knows something, for those who read once only; whether it does."""
        return self._poll is None or self._poll.wait(timeout)

    def close(self) -> None:
        """Let go of the log; a command that is running is killed."""
        if self._kmsg is not None:
            self._kmsg.close()
            self._kmsg = None
        if self._poll is not None:
            self._poll.close()
            self._poll = None

    def _read_kmsg(self) -> Reading[KernelLog]:
        """Read the device, which is opened again and again: the user may have followed the hint.

        Raises:
            OSError: it cannot be opened.
        """
        if self._kmsg is not None:
            log = self._kmsg.read()
            if isinstance(log, Unavailable):
                self._kmsg.close()
                self._kmsg = None
            return log
        kmsg = KmsgReader(self._root / "dev/kmsg")
        after = self._newest
        if self._poll is not None:
            self._poll.stop()
            self._poll = None
        self._kmsg = kmsg
        log = kmsg.read()
        if isinstance(log, Unavailable) or after < 0:
            return log
        return msgspec.structs.replace(log, records=tuple(r for r in log.records if r.monotonic > after))

    def _read_command(self, error: OSError) -> Reading[KernelLog]:
        if self._poll is None and self._commands:
            self._poll = LogPoll(self._commands, self._interval, self._timeout)
        log = self._poll.read() if self._poll is not None else Unavailable("there is neither dmesg nor journalctl")
        return self._explain(error, log) if isinstance(log, Unavailable) else log

    def _explain(self, error: OSError, failure: Unavailable) -> Unavailable:
        """Say what is in the way and what removes it."""
        if not isinstance(error, PermissionError):
            what = "there is no /dev/kmsg" if isinstance(error, FileNotFoundError) else f"/dev/kmsg: {error.strerror}"
            return Unavailable(f"{what}, and {failure.reason}", failure.hint)
        restrict = KernelFile(self._root / "proc/sys/kernel/dmesg_restrict")
        restricted = restrict.read()
        restrict.close()
        if isinstance(restricted, str) and restricted.strip() == "1":
            return Unavailable(
                "the kernel log is for root only (kernel.dmesg_restrict is 1)",
                "Run: sudo sysctl kernel.dmesg_restrict=0, or join the group adm and log in again.",
            )
        return Unavailable(
            "reading /dev/kmsg is not permitted", "Run wsltop as root, or join the group adm and log in again."
        )


def open_kernel_log(root: Path = Path("/")) -> KernelLogSource:
    """Open the kernel log under ``root``, with the commands that are there."""
    return KernelLogSource(root, dmesg=_find(root, "dmesg"), journalctl=_find(root, "journalctl"))


def _find(root: Path, name: str) -> Path | None:
    for place in PLACES:
        path = root / place / name
        try:
            if path.is_file():
                return path
        except PermissionError:
            continue
    return None
