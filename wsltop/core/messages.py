"""What a line of the kernel log means: which kind of event it is, and whether it is about memory.

The texts are those of the kernel (fs/drop_caches.c, mm/oom_kill.c, mm/page_alloc.c, mm/page_reporting.c, mm/swapfile.c,
drivers/hv/hv_balloon.c) and of WSL's init (src/linux/init of microsoft/WSL), which writes to ``/dev/kmsg``. Of an OOM
kill only the headlines are about memory; the hundreds of lines of figures below them are shown with all of the log.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from wsltop.core.event import Event, EventKind, Origin
from wsltop.core.sample import KernelRecord
from wsltop.core.text import clean

MAX_TEXT: Final = 1000
"""Characters kept of a line: the kernel's own limit (kernel/printk/printk.c) is 1024 bytes with its prefix."""


class Meaning(NamedTuple):
    """One row of the table: a pattern that begins where the text begins."""

    pattern: re.Pattern[str]
    kind: EventKind
    memory: bool


def meaning(pattern: str, kind: EventKind, *, memory: bool = True) -> Meaning:
    """Make a row of the table."""
    return Meaning(re.compile(pattern), kind, memory)


WSL_INIT: Final = r"WSL \(\d+(?: - .{0,32}?)?\)(?: [A-Z]+)?: "
"""``WSL (1 - ) ERROR: ``, ``WSL (204 - Relay): ``, and ``WSL (1) ERROR: `` of older releases."""
OLD_INIT: Final = r"init: \(\d+\) [A-Z]+: "
"""Before WSL came from the store."""
ANY_INIT: Final = f"(?:{WSL_INIT}|{OLD_INIT})"

MEANINGS: Final = (
    meaning(r"WSL2: Performing m[eo]mory compaction", "compaction"),  # until about 2022, early on as "momory"
    meaning(r".{1,64} \(\d+\): drop_caches: \d+$", "cache drop"),
    meaning(r"(?:Memory cgroup out|Out) of memory\b", "oom kill"),
    meaning(r"(?:oom-kill:|oom_reaper: )", "oom kill"),
    meaning(r".{1,64} invoked oom-killer: ", "oom kill"),
    meaning(r".*\bpage allocation stalls for ", "stall"),  # Linux 4.10 to 4.14
    meaning(r".*\bpage allocation failure: order:\d", "log"),
    meaning(r".{0,64}\bvmalloc error: ", "log"),
    meaning(r"__vm_enough_memory: ", "log"),
    meaning(r"systemd-journald\[\d+\]: Under memory pressure", "log"),
    meaning(r"(?:hv_balloon: )?Cold memory discard ", "reporting"),
    meaning(r"(?:hv_balloon: )?Underlying Hyper-V does not support order ", "reporting"),
    meaning(r"(?:hv_balloon: )?Defaulting to page_reporting_order ", "reporting"),
    meaning(r"(?:page_reporting: )?Free page reporting ", "reporting"),
    meaning(r"(?:hv_balloon|virtio_balloon)\b", "balloon"),
    meaning(r"Adding \d+k swap on ", "swap"),
    meaning(r"(?:Read|Write)-error on swap-device ", "swap"),
    meaning(r"(?i:hugetlb): ", "log"),
    # Paths of Windows that init cannot translate are the most frequent of its errors, and may name anything.
    meaning(rf"{ANY_INIT}.*\b[Ff]ailed to translate\b", "init", memory=False),
    meaning(rf"{ANY_INIT}.*(?i:memory|drop_?cache|cgroup)", "init"),
    meaning(rf"{WSL_INIT}WSL version ", "init"),
    # An error ends the thread that reclaims (until 2.9.4), and interop fails when the guest is short of memory.
    meaning(r"WSL \(\d+(?: - .{0,32}?)?\) ERROR: ", "init"),
    meaning(r"init: \(\d+\) ERROR: ", "init"),
    meaning(ANY_INIT, "init", memory=False),
    meaning(r"\) failed -?\d+ \d+$", "init"),  # the rest of an error whose text held a line feed
    meaning(r"WSL user cgroup ", "init"),
    meaning(r"mini_init\b", "init"),
)
"""The first row that matches counts."""


def interpret(record: KernelRecord, origin: Origin, *, now: float, time: float, since: float | None = None) -> Event:
    """Tell what a record means, and when it was written.

    Args:
        record: One record of the kernel log.
        origin: Where it was read.
        now: Monotonic time of the sample that brought it.
        time: Wall clock of that sample.
        since: Monotonic time of the sample before, for a record that was written between the two. The kernel stamps
            with its own clock (``local_clock``), which drifts from CLOCK_MONOTONIC over days and over sleep, so the
            stamp is held to that span. ``None`` for what the log held before: that keeps its stamp, but is never in
            the future.
    """
    text = clean(record.text[:MAX_TEXT])
    start = min(record.monotonic, now)
    if since is not None:
        start = max(start, min(since, now))
    kind, memory = classify(text)
    return Event(
        kind=kind,
        origin=origin,
        time=time - (now - start),
        start=start,
        end=start,
        text=text,
        memory=memory,
        level=record.level,
    )


def classify(text: str) -> tuple[EventKind, bool]:
    """Tell the kind of a line, and whether it is about memory."""
    for pattern, kind, memory in MEANINGS:
        if pattern.match(text):
            return kind, memory
    return "log", False
