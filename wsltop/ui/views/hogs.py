"""The hogs: our own worker processes, their progress, and what the next one would be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.control.floor import INTERPRETER
from wsltop.core.sample import Hog
from wsltop.core.text import clean
from wsltop.core.units import GIB, MIB, format_size

STATUS_TEXT: Final = {
    "starting": "starting",
    "filling": "filling",
    "holding": "holding",
    "floor": "at the floor",
    "ending": "ending",
    "failed": "failed",
}


class HogRow(Struct, frozen=True, kw_only=True):
    """One hog."""

    id: int
    pid: str
    kind: str
    target: str
    resident: str
    amounts: str
    """Resident and target in one, for a narrow list: ``0.3/1.0 GiB``."""
    share: float
    """Filled share of the target, 0 to 1, in steps of a hundredth."""
    speed: str
    status: str
    style: str
    selected: bool


SHORT: Final = "incompr."
"""What stands in the column of the kind, which has nine cells."""

HINT: Final = "none. a adds one, A four, x kills one, X all; < and > choose the size."


class HogsView(Struct, frozen=True, kw_only=True):
    """The hogs panel."""

    rows: tuple[HogRow, ...]
    next: str
    """What the next hog would be."""
    floor: str
    focused: bool
    hint: str
    """What to say when there are none."""


def hogs_view(
    hogs: Sequence[Hog],
    *,
    selected: int | None,
    next_size: int,
    next_kind: str,
    floor: int | None,
    focused: bool,
    hint: str = HINT,
) -> HogsView:
    """What the hogs panel says."""
    return HogsView(
        rows=tuple(hog_row(hog, selected=hog.id == selected) for hog in hogs),
        next=f"next {format_size(next_size)} {next_kind}",
        floor="" if floor is None else f"floor {format_size(floor)}",
        focused=focused,
        hint=clean(hint),
    )


def hog_row(hog: Hog, *, selected: bool) -> HogRow:
    """One hog's row; what its interpreter takes beyond the target is left out."""
    if hog.target < hog.resident < hog.target + INTERPRETER:
        hog = replace(hog, resident=hog.target)
    content = ", incompressible" if hog.incompressible else ""
    note = f": {clean(hog.note)}" if hog.note else ""
    return HogRow(
        id=hog.id,
        pid=str(hog.pid),
        kind=SHORT if hog.incompressible else hog.kind,
        target=format_size(hog.target),
        resident=format_size(hog.resident),
        amounts=tell_amounts(hog),
        share=round(min(1.0, hog.resident / hog.target), 2) if hog.target else 0.0,
        speed="" if hog.speed is None else f"{format_size(hog.speed)}/s",
        status=STATUS_TEXT[hog.status] + content + note,
        style={"holding": "good", "floor": "warning", "failed": "error"}.get(hog.status, "value"),
        selected=selected,
    )


def tell_amounts(hog: Hog) -> str:
    """Resident and target in the unit of the target."""
    unit, name = (GIB, "GiB") if hog.target >= GIB else (MIB, "MiB")
    digits = 1 if unit == GIB else 0
    return f"{hog.resident / unit:.{digits}f}/{hog.target / unit:.{digits}f} {name}"
