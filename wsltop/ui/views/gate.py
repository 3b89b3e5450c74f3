"""The idle gate: busy against the limit over each window, who keeps it shut, and when it can fire."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from wsltop.core.gate import Blockers, Bounds, GateState, WindowState
from wsltop.core.text import clean
from wsltop.core.units import format_duration

BLOCKERS = 3
"""Processes that are named."""


class WindowRow(Struct, frozen=True, kw_only=True):
    """One window of a rule."""

    name: str
    ratio: float | None
    """Busy share over the limit, in steps of a hundredth; None while nothing is known."""
    text: str
    ok: bool | None


class GateView(Struct, frozen=True, kw_only=True):
    """The gate panel."""

    title: str
    rows: tuple[WindowRow, ...]
    blockers: str
    verdict: str
    verdict_style: str
    intent: str
    problem: str
    """Why there is no gate here; empty when there is one."""


def gate_view(states: Sequence[GateState], blockers: Blockers | None, problem: str) -> GateView:
    """What the panel says of the possible gates; two are told apart by their rule's letter."""
    if problem or not states:
        return GateView(
            title="", rows=(), blockers="", verdict="", verdict_style="muted", intent="", problem=problem or "unknown"
        )
    many = len(states) > 1
    first = states[0]
    certainty = "" if first.certainty == "configured" else f", {first.certainty}"
    return GateView(
        title=f"{first.mode}{certainty}",
        rows=tuple(
            window_row(window, state.algorithm.id if many else "") for state in states for window in state.windows
        ),
        blockers="" if blockers is None else tell_blockers(blockers),
        verdict="; ".join(dict.fromkeys(tell_verdict(state) for state in states)),
        verdict_style="good" if any(state.verdict == "open" for state in states) else "warning",
        intent=first.intent[0] if first.intent else "",
        problem="",
    )


def window_row(window: WindowState, rule: str) -> WindowRow:
    """One window; what has not been watched for long enough says so."""
    name = f"{rule} {window.name}".strip()
    limit = f"{window.limit * 100:.2g}"
    if window.busy is None:
        return WindowRow(name=name, ratio=None, text=f"of {limit} %", ok=None)
    text = f"{window.busy * 100:.1f} of {limit} %"
    if window.ok is None:
        text += f", {window.watched:.0f} of {window.seconds} s seen"
    return WindowRow(name=name, ratio=round(window.busy / window.limit, 2), text=text, ok=window.ok)


def tell_verdict(state: GateState) -> str:
    """Whether it can fire, and when WSL looks next."""
    look = "" if state.look is None else f"; next look {tell_bounds(state.look)}"
    fired = "" if state.last_fired is None else f"; fired {format_duration(state.last_fired)} ago"
    word = {"open": "open", "shut": "shut", "unknown": "cannot tell yet", "off": "off"}[state.verdict]
    opens = ""
    if state.verdict == "shut" and state.opens is not None:
        opens = f"; if all went idle now, fires {tell_bounds(state.opens)}"
    return f"{word}: {clean(state.reason)}{opens}{look}{fired}"


def tell_bounds(bounds: Bounds) -> str:
    """``in 7 s``, ``within 30 s``, ``in 40 to 70 s``, in steps of five seconds above ten."""
    earliest, latest = step(bounds.earliest), step(bounds.latest)
    if earliest == latest:
        return f"in {earliest} s"
    return f"within {latest} s" if earliest <= 0 else f"in {earliest} to {latest} s"


def step(seconds: float) -> int:
    """Whole seconds up to ten, then steps of five, so that the line is not repainted each second."""
    return round(seconds) if seconds <= 10 else 5 * round(seconds / 5)


def tell_blockers(blockers: Blockers) -> str:
    """Shares of all CPUs in percent: the biggest processes, what is not visible from here, and ourselves."""
    named = [f"{clean(blocker.name)} {blocker.share * 100:.2f}" for blocker in blockers.visible[:BLOCKERS]]
    return "  ".join([*named, f"elsewhere {blockers.elsewhere * 100:.2f}", f"self {blockers.own * 100:.2f}"])
