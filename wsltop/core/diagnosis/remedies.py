"""The ways out that several rules name: exact commands and lines, each with what it costs."""

from __future__ import annotations

from typing import Final

from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.figures import known, short
from wsltop.core.diagnosis.finding import Remedy
from wsltop.core.reading import Unavailable

RESTART: Final = "in force after wsl --shutdown, which ends all distributions"

DROP: Final = Remedy(
    kind="command",
    does="drop the page cache",
    text="sudo sh -c 'echo 1 > /proc/sys/vm/drop_caches'",
    cost="what is needed again is read from the disk again",
    action="drop",
)
COMPACT: Final = Remedy(
    kind="command",
    does="compact free memory",
    text="sudo sh -c 'echo 1 > /proc/sys/vm/compact_memory'",
    cost="some seconds of one CPU",
    action="compact",
)
SHUTDOWN: Final = Remedy(
    kind="windows",
    does="start the VM anew",
    text="wsl --shutdown",
    cost="ends every distribution and all that runs in it",
)
UPDATE: Final = Remedy(
    kind="windows",
    does="update WSL",
    text="wsl --update",
    cost="ends every distribution when it installs",
)

WATCH: Final = Remedy(
    kind="command",
    does="watch for longer than the kernel takes to report free memory",
    text="wsltop doctor --watch 65",
)


def reclaim_setting(mode: str, does: str, cost: str = "") -> Remedy:
    """Set ``autoMemoryReclaim``, in the only section where WSL reads it."""
    return Remedy(
        kind="config",
        does=does,
        text=f"[experimental]\nautoMemoryReclaim={mode}",
        cost=f"{cost}; {RESTART}" if cost else RESTART,
    )


def memory_setting(evidence: Evidence, *, more_than: int = 0, less_than: int | None = None) -> tuple[Remedy, ...]:
    """Set ``memory`` to the suggested size, where there is one and it goes in the right direction. Bytes."""
    suggestion = known(evidence.suggestion)
    if suggestion is None or not evidence.on_wsl or suggestion.size <= more_than:
        return ()
    if less_than is not None and suggestion.size >= less_than:
        return ()
    way = "raise" if less_than is None else "lower"
    return (
        Remedy(kind="config", does=f"{way} the VM's limit", text=f"[wsl2]\n{short(suggestion.line)}", cost=RESTART),
    )


def advice(text: str, cost: str = "") -> Remedy:
    """Put advice into words."""
    return Remedy(kind="advice", does="", text=text, cost=cost)


def hint_of(missing: Unavailable) -> tuple[Remedy, ...]:
    """Pass on what the source of a missing value says must be done."""
    return (advice(short(missing.hint, 240)),) if missing.hint else ()
