"""A finding: what is the matter, the figures that say so, and what to do about it at which cost."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from wsltop.core.units import format_size

Severity = Literal["ok", "note", "warning", "problem"]
"""``note``: good to know; ``warning``: memory or time is lost; ``problem``: something fails, or soon will."""

SEVERITIES: Final[tuple[Severity, ...]] = ("ok", "note", "warning", "problem")
"""From the best to the worst."""

RemedyKind = Literal["command", "windows", "config", "advice"]
"""``command``: in a shell of the guest; ``windows``: in a terminal of Windows; ``config``: lines of ``.wslconfig`` with
their section; ``advice``: a sentence."""

Action = Literal["", "drop", "compact"]
"""What wsltop can do itself, so that the screen may name its key."""


class Figure(Struct, frozen=True):
    """One figure that a finding rests on."""

    name: str
    value: str
    """For people, with its unit."""


class Remedy(Struct, frozen=True, kw_only=True):
    """One way out."""

    kind: RemedyKind
    does: str
    """What it does, as a clause in the imperative; empty for advice."""
    text: str
    """The exact command, lines or sentence."""
    cost: str = ""
    """What it costs, as a clause; empty when it costs nothing."""
    action: Action = ""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing to tell. All text is short, plain and safe to show."""

    id: str
    """Stable, for the documentation and for silencing: ``cache-kept``."""
    severity: Severity
    verdict: str
    """A word or two in capitals: ``CACHE KEPT``."""
    sentence: str
    evidence: tuple[Figure, ...] = ()
    remedy: tuple[Remedy, ...] = ()


def rank(severity: Severity) -> int:
    """Tell how bad it is, 0 the best."""
    return SEVERITIES.index(severity)


def size(name: str, amount: float) -> Figure:
    """Make a figure of an amount in bytes."""
    return Figure(name, format_size(amount))


def percent(share: float) -> str:
    """``0.53 %``, ``1.9 %`` or ``12 %`` from a share of 1: near WSL's limits of 0.5 % the second digit counts."""
    if share <= 0:
        return "0 %"
    return f"{share * 100:.{2 if share < 0.00995 else 1 if share < 0.0995 else 0}f} %"
