"""The kernel log as ``dmesg -r`` prints it: ``<prio>[seconds] text``, all of it each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import KernelRecord
from wsltop.core.text import clean
from wsltop.guest.command import Output

LINE: Final = re.compile(r"<([0-9]{1,5})>\[ *([0-9]{1,12}\.[0-9]{1,9})\](?:\[ *[TC][0-9]+\])? ?(.*)", re.ASCII)
"""``[T1]`` stands there on kernels with PRINTK_CALLER."""
ESCAPE: Final = re.compile(rb"\\x([0189a-f][0-9a-f]|7f)")
"""In the C locale util-linux escapes what is not printable; other characters behind ``\\x`` are the record's own."""


def parse_dmesg(data: bytes, first: int = 0) -> list[KernelRecord]:
    """Parse raw output; records count up from ``first``, and what is no record is left out.

    util-linux indents the second line of a record when it reads ``/dev/kmsg``: that is joined to the first.
    """
    lines: list[tuple[int, float, str]] = []
    if b"\\x" in data:
        data = ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), data)
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
