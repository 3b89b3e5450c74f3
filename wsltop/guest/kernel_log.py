"""The kernel log from the best place there is: /dev/kmsg, else dmesg, else the systemd journal."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Struct, field

from wsltop.child import Output, run_command
from wsltop.guest.files import KernelFile
from wsltop.model.sample import KernelLog, KernelRecord, Reading, Unavailable
from wsltop.model.text import clean

BUFFER: Final = 16 * 1024
"""Bytes for one record; the kernel refuses (EINVAL) a buffer that is shorter than the record, at most 8 KiB."""
RECORDS_PER_READ: Final = 500
PATIENCE: Final = 10
"""Full reads in a row before we give up on catching up: more than a ring of 128 KiB can hold."""
RECORDS_WHEN_BEHIND: Final = 100
"""Records of a flood that are still shown at each read."""
RECORD: Final = re.compile(rb"([0-9]{1,5}),([0-9]{1,19}),([0-9]{1,19}),([^,;]*)[^;]*;(.*)")
ESCAPE: Final = re.compile(rb"\\x([0-9a-fA-F]{2})")


class Fragment(NamedTuple):
    """What one read of ``/dev/kmsg`` gave."""

    sequence: int
    monotonic: float
    level: int
    facility: int
    text: bytes
    """As the kernel escaped it."""
    continues: bool
    """Whether it goes on with the line of the record before."""


def parse_fragments(data: bytes) -> list[Fragment]:
    """Parse what was read; what is no record is left out."""
    return [
        Fragment(
            sequence=int(match[2]),
            monotonic=int(match[3]) / 1e6,
            level=int(match[1]) & 7,
            facility=int(match[1]) >> 3,
            text=match[5],
            # Since Linux 4.10 "c" marks a continuation; the "+" of kernels before that means the same.
            continues=match[4] in (b"c", b"+"),
        )
        for line in data.split(b"\n")
        if (match := RECORD.fullmatch(line)) is not None
    ]


def join_fragments(fragments: Iterable[Fragment]) -> tuple[KernelRecord, ...]:
    """Records from fragments: a continuation is joined to the fragment right before it."""
    lines: list[Fragment] = []
    following: int | None = None
    for fragment in fragments:
        if fragment.continues and lines and fragment.sequence == following:
            lines[-1] = lines[-1]._replace(text=lines[-1].text + fragment.text)
        else:
            lines.append(fragment)
        following = fragment.sequence + 1
    return tuple(
        KernelRecord(
            sequence=line.sequence,
            monotonic=line.monotonic,
            level=line.level,
            facility=line.facility,
            text=clean(unescape(line.text)),
        )
        for line in lines
    )


def unescape(text: bytes) -> str:
    r"""Undo the kernel's ``\xNN``; bytes that are not UTF-8 become replacement characters."""
    if b"\\" in text:
        text = ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), text)
    return text.decode("utf-8", "replace")


class KmsgReader:
    """Follows ``/dev/kmsg`` from its oldest record on; never waits for one.

    A plain file or a FIFO with the same lines works as well; there a record may come in two pieces.

    Raises:
        OSError: the device cannot be opened.
    """

    def __init__(
        self,
        path: Path = Path("/dev/kmsg"),
        read: Callable[[int, int], bytes] = os.read,
        seek: Callable[[int, int, int], int] = os.lseek,
    ) -> None:
        self._read = read
        self._seek = seek
        self._behind = 0
        self._expected: int | None = None
        self._rest = b""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read(self) -> Reading[KernelLog]:
        """Read what is new, about ``RECORDS_PER_READ`` at most: the rest comes with the next call.

        A reader that cannot catch up in ``PATIENCE`` calls is looking at a flood: from then on each call reads a few
        records and jumps to the end, until there is an end. What is skipped, and what the kernel overwrote before
        we came (EPIPE), shows as a gap in the sequence and is counted.
        """
        fragments: list[Fragment] = []
        most = RECORDS_WHEN_BEHIND if self._behind >= PATIENCE else RECORDS_PER_READ
        for _ in range(most):
            try:
                data = self._read_piece()
            except OSError as error:
                if not fragments:
                    return Unavailable(f"reading /dev/kmsg failed: {error.strerror or error}")
                break
            if not data:
                break
            fragments += parse_fragments(data)
            if len(fragments) >= most:  # the device gives one record a read; a plain file gives many
                self._fall_behind()
                break
        else:
            self._fall_behind()
        lost = self._count_lost(fragments)
        return KernelLog(origin="kmsg", records=join_fragments(fragments), lost=lost, more=self.behind)

    def _read_piece(self) -> bytes:
        """Whole lines that come next; only a newline where the kernel overwrote them; empty at the end.

        Raises:
            OSError: the log cannot be read.
        """
        try:
            data = self._read(self._descriptor, BUFFER)
        except BlockingIOError:
            data = b""
        except BrokenPipeError:
            return b"\n"
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._skip()  # a record that is longer than the kernel promises
            return b""
        if not data:
            self._behind = 0
            return b""
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest[:BUFFER]
        return whole + newline or b"\n"

    def _fall_behind(self) -> None:
        """Count a call that left records unread; skip them where that goes on."""
        self._behind += 1
        if self._behind >= PATIENCE:
            self._skip()

    @property
    def behind(self) -> bool:
        """Whether the last call left records unread that the next calls will give."""
        return 0 < self._behind < PATIENCE

    def close(self) -> None:
        """Close the device."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _skip(self) -> None:
        try:
            self._seek(self._descriptor, 0, os.SEEK_END)
        except OSError:
            self._behind = 0  # not a log device: nothing to skip

    def _count_lost(self, fragments: Iterable[Fragment]) -> int:
        lost = 0
        for fragment in fragments:
            if self._expected is not None and fragment.sequence > self._expected:
                lost += fragment.sequence - self._expected
            self._expected = fragment.sequence + 1
        return lost


LINE: Final = re.compile(r"<([0-9]{1,5})>\[ *([0-9]{1,12}\.[0-9]{1,9})\](?:\[ *[TC][0-9]+\])? ?(.*)", re.ASCII)
"""``[T1]`` stands there on kernels with PRINTK_CALLER."""
DMESG_ESCAPE: Final = re.compile(rb"\\x([0189a-f][0-9a-f]|7f)")
"""In the C locale util-linux escapes what is not printable; other characters behind ``\\x`` are the record's own."""


def parse_dmesg(data: bytes, first: int = 0) -> list[KernelRecord]:
    """Parse raw output; records count up from ``first``, and what is no record is left out.

    util-linux indents the second line of a record when it reads ``/dev/kmsg``: that is joined to the first.
    """
    lines: list[tuple[int, float, str]] = []
    if b"\\x" in data:
        data = DMESG_ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), data)
    for line in data.decode("utf-8", "replace").split("\n"):
        match = LINE.fullmatch(line)
        if match is not None:
            lines.append((int(match[1]), float(match[2]), match[3]))
        elif lines and line.startswith(" "):
            priority, monotonic, text = lines[-1]
            lines[-1] = (priority, monotonic, f"{text} {line.strip()}")
    return [
        KernelRecord(sequence=number, monotonic=monotonic, level=priority & 7, facility=priority >> 3, text=clean(text))
        for number, (priority, monotonic, text) in enumerate(lines, first)
    ]


class DmesgCommand:
    """Asks ``dmesg`` for what is new.

    ``-S`` (util-linux) reads the kernel's own text: without it, util-linux 2.38 prints a wrong level for records of
    user space (it adds up facility and level). busybox has no ``-S`` and is asked without.
    """

    origin: Final[Literal["dmesg"]] = "dmesg"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._knows_s = True
        self._count = 0
        self._last = b""
        """The last record as it was printed, with the line feeds around it."""
        self._last_time = -1.0

    def fetch(self, run: Callable[[Sequence[str]], Reading[Output]]) -> Reading[list[KernelRecord]]:
        """Run the command and return the records that were not there the last time."""
        raw = [str(self._path), "-r"]
        output = run([*raw, "-S"] if self._knows_s else raw)
        if self._knows_s and not isinstance(output, Unavailable) and output.status:
            output = run(raw)
            self._knows_s = isinstance(output, Unavailable) or output.status != 0
        if isinstance(output, Unavailable):
            return output
        if output.status:
            return Unavailable(f"{self._path} failed: {clean(output.stderr.decode('utf-8', 'replace')).strip()[:200]}")
        return self._new(output.stdout)

    def _new(self, data: bytes) -> Reading[list[KernelRecord]]:
        # What was printed last time is the beginning of this, or its tail is, or (after a flood or a clear) nothing is.
        position = data.rfind(self._last) if self._last else -1
        fresh = data if position < 0 else data[position + len(self._last) :]
        records = parse_dmesg(fresh, self._count)
        if position < 0:
            if not records and (data.strip() or not self._count):
                return Unavailable(f"{self._path} printed no record with a time")
            records = [record for record in records if record.monotonic > self._last_time]
        if records:
            self._count = records[-1].sequence + 1
            self._last_time = max(self._last_time, records[-1].monotonic)
            self._last = data[max(0, data.rfind(b"\n<")) :]
        return records


RECORDS: Final = 1000
"""Records asked for at once: the latest ones."""


class Entry(Struct, kw_only=True):
    """The fields of an entry that are used (systemd.journal-fields(7)); all values are text."""

    message: str | list[int] | None = field(name="MESSAGE", default=None)
    """An array of bytes when it is not UTF-8, null when it is very long."""
    priority: str = field(name="PRIORITY")
    facility: str = field(name="SYSLOG_FACILITY", default="0")
    identifier: str = field(name="SYSLOG_IDENTIFIER", default="")
    microseconds: str = field(name="_SOURCE_MONOTONIC_TIMESTAMP")
    """The kernel's own stamp."""
    cursor: str = field(name="__CURSOR", default="")


DECODER: Final = msgspec.json.Decoder(Entry)


def parse_journal(data: bytes, first: int = 0) -> tuple[list[KernelRecord], str]:
    """Parse entries into records that count up from ``first``, and the cursor of the last; leave out what is none."""
    records: list[KernelRecord] = []
    cursor = ""
    for line in data.split(b"\n"):
        try:
            entry = DECODER.decode(line)
            record = _record(entry, first + len(records))
        except (msgspec.DecodeError, ValueError):
            continue
        records.append(record)
        cursor = entry.cursor or cursor
    return records, cursor


def _record(entry: Entry, sequence: int) -> KernelRecord:
    """Turn one entry into a record.

    Raises:
        ValueError: a field is missing or is not what it should be.
    """
    if entry.message is None:
        raise ValueError("no message")
    text = entry.message if isinstance(entry.message, str) else bytes(entry.message).decode("utf-8", "replace")
    level, facility, microseconds = int(entry.priority), int(entry.facility), int(entry.microseconds)
    if not (0 <= level <= 7 and 0 <= facility < 1024 and 0 <= microseconds < 2**63):
        raise ValueError("out of range")
    if facility and entry.identifier:
        # journald cuts "name: " off what a program wrote to the log.
        text = f"{entry.identifier}: {text}"
    return KernelRecord(
        sequence=sequence, monotonic=microseconds / 1e6, level=level, facility=facility, text=clean(text)
    )


class JournalCommand:
    """Asks ``journalctl`` for what is new."""

    origin: Final[Literal["journal"]] = "journal"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._cursor = ""

    def fetch(self, run: Callable[[Sequence[str]], Reading[Output]]) -> Reading[list[KernelRecord]]:
        """Run the command and return the records that were not there the last time."""
        argv = [str(self._path), "-k", "-o", "json", "--all", "--no-pager", f"--lines={RECORDS}"]
        output = run([*argv, f"--after-cursor={self._cursor}"] if self._cursor else argv)
        if isinstance(output, Unavailable):
            return output
        records, cursor = parse_journal(output.stdout, self._count)
        complaint = clean(output.stderr.decode("utf-8", "replace")).strip()[:200]
        if not records and "permission" in complaint.lower():
            return Unavailable("the journal's kernel messages may not be read")
        if output.status:
            return Unavailable(f"{self._path} failed: {complaint}")
        if not records and not self._cursor:
            return Unavailable("the journal has no kernel messages")
        self._count += len(records)
        self._cursor = cursor or self._cursor
        return records


INTERVAL: Final = 5.0
"""Seconds between two runs: a run costs some milliseconds of CPU."""
TIMEOUT: Final = 5.0
"""Seconds that a run may take."""
CAPACITY: Final = 5000
"""Records kept until they are read."""


class LogCommand(Protocol):
    """A program that prints the kernel log."""

    @property
    def origin(self) -> Literal["dmesg", "journal"]:
        """What it is called in the log."""

    def fetch(self, run: Callable[[Sequence[str]], Reading[Output]]) -> Reading[list[KernelRecord]]:
        """Run it and return the records that were not there the last time."""


class LogPoll:
    """Runs the first of ``commands`` that works, and keeps the records that it prints."""

    def __init__(self, commands: Sequence[LogCommand], interval: float = INTERVAL, timeout: float = TIMEOUT) -> None:
        self._commands = commands
        self._interval = interval
        self._timeout = timeout
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._closed = threading.Event()
        self._working: LogCommand | None = None
        self._failure = Unavailable("the kernel log has not been read yet")
        self._records: deque[KernelRecord] = deque()
        self._lost = 0
        self._newest = -1.0
        self._thread = threading.Thread(target=self._run, name="kernel-log", daemon=True)
        self._thread.start()

    def read(self) -> Reading[KernelLog]:
        """Return the records that came since the last call, at most ``RECORDS_PER_READ``; never waits."""
        with self._lock:
            if self._working is None:
                return self._failure
            records = tuple(islice(self._records, RECORDS_PER_READ))
            for _ in records:
                self._records.popleft()
            lost, self._lost = self._lost, 0
            return KernelLog(origin=self._working.origin, records=records, lost=lost, more=bool(self._records))

    def wait(self, timeout: float) -> bool:
        """Wait until the first run has ended; whether it has."""
        return self._answered.wait(timeout)

    @property
    def behind(self) -> bool:
        """Whether records wait that did not fit into the last ``read``."""
        with self._lock:
            return bool(self._records)

    def stop(self) -> None:
        """Ask the thread to end, without waiting for it; a command that is running is killed."""
        self._closed.set()

    def close(self) -> None:
        """End the thread and what it runs."""
        self.stop()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._fetch()
            self._answered.set()
            self._closed.wait(self._interval)

    def _fetch(self) -> None:
        failure = self._failure
        for command in [self._working] if self._working is not None else self._commands:
            records = command.fetch(lambda argv: run_command(argv, self._timeout, self._closed.is_set))
            if isinstance(records, Unavailable):
                failure = records
                continue
            with self._lock:
                self._keep(records, another=command is not self._working)
                self._working = command
            return
        with self._lock:
            self._working, self._failure = None, failure

    def _keep(self, records: Sequence[KernelRecord], another: bool) -> None:
        # A command that replaces another one prints the whole log again.
        new = [record for record in records if not another or record.monotonic > self._newest]
        self._records.extend(new)
        if new:
            self._newest = max(self._newest, new[-1].monotonic)
        while len(self._records) > CAPACITY:
            self._records.popleft()
            self._lost += 1


PLACES: Final = ("usr/bin", "bin")
"""Where the commands are looked for; not in PATH, which may have another program of that name."""


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
        """Stamp of the newest record that was returned, so that another source does not return it again."""

    def read(self) -> Reading[KernelLog]:
        """The records since the last call; never waits, and works a bounded time."""
        try:
            log = self._read_kmsg()
        except OSError as error:
            log = self._read_command(error)
        if isinstance(log, KernelLog) and log.records:
            self._newest = max(self._newest, log.records[-1].monotonic)
        return log

    @property
    def behind(self) -> bool:
        """Whether the last ``read`` left records that the next ones will give."""
        source = self._kmsg or self._poll
        return source is not None and source.behind

    def wait(self, timeout: float) -> bool:
        """Wait until ``read`` has something to return, for a caller that reads once only; whether it has."""
        if self._kmsg is None and self._poll is None and not os.access(self._root / "dev/kmsg", os.R_OK):
            self._start_commands()
        return self._poll is None or self._poll.wait(timeout)

    def close(self) -> None:
        """Close the log; a command that is running is killed."""
        if self._kmsg is not None:
            self._kmsg.close()
            self._kmsg = None
        if self._poll is not None:
            self._poll.close()
            self._poll = None

    def _read_kmsg(self) -> Reading[KernelLog]:
        """Read the device. Where it could not be opened, each call tries again: the user may have followed the hint.

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
        self._start_commands()
        log = self._poll.read() if self._poll is not None else Unavailable("there is neither dmesg nor journalctl")
        return self._explain(error, log) if isinstance(log, Unavailable) else log

    def _start_commands(self) -> None:
        if self._poll is None and self._commands:
            self._poll = LogPoll(self._commands, self._interval, self._timeout)

    def _explain(self, error: OSError, failure: Unavailable) -> Unavailable:
        """Why the log cannot be read, and what to do about it."""
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
