"""The kernel log as systemd keeps it: ``journalctl -k -o json``, one JSON object a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import KernelRecord
from wsltop.core.text import clean
from wsltop.guest.command import Output

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
