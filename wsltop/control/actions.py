"""The actions that give memory back: what each of them writes and where, and what it costs."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from wsltop.core.reading import Unavailable

ActionName: TypeAlias = Literal["compact", "drop-cache", "drop-all", "reclaim", "pressure"]


class Action(Struct, frozen=True, kw_only=True):
    """One thing that can be done."""

    name: ActionName
    title: str
    path: str
    """What it writes to; empty for what is no file, or is looked for."""
    texts: tuple[str, ...]
    """What it writes: each but the first is for a kernel that does not take the one before. ``{size}``: bytes."""
    needs_root: bool
    takes_size: bool
    cost: str
    """What the user pays, as a sentence."""
    missing: Unavailable
    """Why, when there is no file to write to."""


COMPACT_MEMORY: Final = "/proc/sys/vm/compact_memory"
DROP_CACHES: Final = "/proc/sys/vm/drop_caches"
NO_DROP: Final = Unavailable(f"{DROP_CACHES} is missing: /proc is not the kernel's", "Run wsltop outside the sandbox.")

ACTIONS: Final[dict[ActionName, Action]] = {
    action.name: action
    for action in (
        Action(
            name="compact",
            title="Compact memory",
            path=COMPACT_MEMORY,
            texts=("1\n",),
            needs_root=True,
            takes_size=False,
            cost="Some CPU for a moment: pages are copied together. No data is lost and nothing is read again.",
            missing=Unavailable(f"this kernel cannot compact memory: {COMPACT_MEMORY} is missing"),
        ),
        Action(
            name="drop-cache",
            title="Drop the page cache",
            path=DROP_CACHES,
            texts=("1\n",),
            needs_root=True,
            takes_size=False,
            cost="Files are read from the disk again when they are next used. What is not written yet stays.",
            missing=NO_DROP,
        ),
        Action(
            name="drop-all",
            title="Drop the page cache and reclaimable slab",
            path=DROP_CACHES,
            texts=("3\n",),
            needs_root=True,
            takes_size=False,
            cost="Files and directories are read from the disk again when they are next used, so the next build or "
            "search is slow.",
            missing=NO_DROP,
        ),
        Action(
            name="reclaim",
            title="Reclaim page cache",
            path="",
            texts=("{size} swappiness=0\n", "{size}\n"),
            needs_root=True,
            takes_size=True,
            cost="The files used longest ago are read again when they are next used. A kernel that does not know "
            "swappiness here (before Linux 6.10) may swap programs out as well.",
            missing=Unavailable("no memory.reclaim here (Linux 5.19, cgroup version 2)"),
        ),
        Action(
            name="pressure",
            title="Push page cache out",
            path="",
            texts=(),
            needs_root=False,
            takes_size=True,
            cost="A hog takes all free memory and then the size asked for, and ends at once: for a few seconds "
            "Windows lends all of that, and with swap on programs may be swapped out. Files are read again.",
            missing=Unavailable(
                "a hog that leaves the floor of available memory alone would push nothing out",
                "End programs first, or use drop-cache.",
            ),
        ),
    )
}
"""Everything that wsltop does to give memory back, by name."""
