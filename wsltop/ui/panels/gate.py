"""The idle gate panel: busy against the limit, who keeps the gate shut, when it can fire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich.cells import cell_len

from wsltop.charts.bar import host_bar
from wsltop.charts.cells import Line, Span
from wsltop.core.gate.watch import Blockers, Bounds, GateState, WindowState
from wsltop.model.sample import known
from wsltop.model.text import clean, format_duration
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, fit_spans, heading, wrap

GATE_EVERY = 4.0
"""Seconds between two pictures of the gate: its shortest window is ten seconds, and each picture costs CPU in it."""
ROOMY = 60
"""Cells from which on two rows hold the verdict and one what follows it."""
SHORTEST_BAR = 4
LONGEST_BAR = 24
"""Cells of a window's bar; it is left out where there is no room for the shortest."""
LEAST_SCALED: Final = 5
"""Rows besides those of the windows from which on one of them tells what the bars mean."""
LEAST_VERDICT: Final = 2
"""Rows of the verdict from which on what WSL does when idle stands above it."""
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
    """What the panel says of the possible gates; the label of each of two names the releases that have it."""
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
            window_row(window, state.rule.label if many else "") for state in states for window in state.windows
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
    """Whether it can fire, when it would, and why, as clauses; the panel leaves out those at the end."""
    look = "" if state.look is None else f"; next look {tell_bounds(state.look)}"
    fired = "" if state.last_fired is None else f"; fired {format_duration(state.last_fired)} ago"
    word = {"open": "open", "shut": "shut", "unknown": "cannot tell yet", "off": "off"}[state.verdict]
    if state.spent and state.verdict in ("open", "unknown"):
        word = "done"
    if state.verdict == "shut" and state.opens is not None:
        return f"{word}: fires {tell_bounds(state.opens)} if all goes idle now; {clean(state.reason)}{look}{fired}"
    return f"{word}: {clean(state.reason)}{look}{fired}"


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
    """``node 0.62  elsewhere 0.20  self 0.00 %``: shares of all CPUs."""
    named = [f"{clean(blocker.name)} {blocker.share * 100:.2f}" for blocker in blockers.visible[:BLOCKERS]]
    return "  ".join([*named, f"elsewhere {blockers.elsewhere * 100:.2f}", f"self {blockers.own * 100:.2f} %"])


class GatePanel(Panel[GateView]):
    """Heading with the mode, a bar for each window with the limit at its middle, blockers, verdict."""

    _made: tuple[object, GateView] | None = None

    def make_view(self, context: Context) -> GateView:
        """The view; its figures move every few seconds, at once only when a gate opens or shuts."""
        insight, moment = context.insight, context.moment
        now = 0.0 if moment is None else moment.sample.monotonic
        state = (context.leaps, tuple(gate.verdict for gate in insight.gates), now // GATE_EVERY)
        if self._made is None or self._made[0] != state:
            problem = "" if insight.gates else "CPU times cannot be read"
            self._made = (state, gate_view(insight.gates, known(insight.blockers), problem))
        return self._made[1]

    def rows_wanted(self, context: Context, width: int) -> int:
        """The windows, who is busy, the verdict and what follows it, which take more rows where they are narrow."""
        return (7 if width >= ROOMY else 9) + sum(len(gate.windows) for gate in context.insight.gates)

    def paint(self, view: GateView, width: int, height: int) -> list[Line]:
        """The panel's lines.

        The verdict, whose length changes most, stands last: nothing moves with it.
        """
        glyphs = self.glyphs
        lines = [heading("idle gate", view.title, width, glyphs)]
        if view.problem:
            texts = wrap(view.problem, width - 1, height - 1, glyphs)
            return lines + [fit_spans([Span(f" {text}", "muted")], width, glyphs) for text in texts]
        windows, scale = self._windows(view.rows, width)
        lines += windows
        if scale and height >= len(windows) + LEAST_SCALED:
            lines.append(scale)
        blockers = self._blockers(view.blockers, width - 1) if view.blockers else "who is busy: not counted yet"
        lines.append(fit_spans([Span(f" {blockers}", "note" if view.blockers else "muted")], width, glyphs))
        intent = self._clauses(view.intent, "muted", width, 2)
        if height - len(lines) >= len(intent) + LEAST_VERDICT:
            lines += intent
        return lines + self._clauses(view.verdict, view.verdict_style, width, max(1, height - len(lines)))

    def _blockers(self, told: str, width: int) -> str:
        """``told`` with fewer processes, and then a shorter name, where it is too long: the figures stay."""
        shares = told.split("  ")
        while len(shares) > 3 and cell_len("  ".join(shares)) > width:
            del shares[-3]
        over = cell_len("  ".join(shares)) - width
        name, _, share = shares[0].rpartition(" ")
        if over > 0 and cell_len(name) > over:
            shares[0] = f"{fit(name, cell_len(name) - over, self.glyphs)} {share}"
        return "  ".join(shares)

    def _clauses(self, text: str, style: str, width: int, rows: int) -> list[Line]:
        """As many whole clauses of ``text``, and at least the first, as ``rows`` hold."""
        clauses = text.split("; ")
        while len(clauses) > 1 and len(wrap("; ".join(clauses), width - 1, rows + 1, self.glyphs)) > rows:
            clauses.pop()
        shown = wrap("; ".join(clauses), width - 1, rows, self.glyphs)
        return [fit_spans([Span(f" {line}", style)], width, self.glyphs) for line in shown]

    def _windows(self, rows: Sequence[WindowRow], width: int) -> tuple[list[Line], Line]:
        """The windows below each other, and a row that says what the middle and the ends of their bars are.

        What has been seen of a window gives up its words before its figures are cut.
        """
        label = max([8, *(len(row.name) for row in rows)])
        room = width - label - SHORTEST_BAR - 3
        texts = [row.text if len(row.text) <= room else row.text.removesuffix(" seen") for row in rows]
        longest = -max([16, *map(len, texts)]) // 4 * -4  # in steps: the bar must not change with each digit
        half = max(0, min(LONGEST_BAR, width - label - 3 - longest)) // 2
        lines = [self._window(row, text, label, half, width) for row, text in zip(rows, texts, strict=True)]
        if 2 * half < SHORTEST_BAR:
            return lines, ()
        return lines, fit_spans([Span(f" {'':<{label}}{tell_scale(half)}", "axis")], width, self.glyphs)

    def _window(self, row: WindowRow, told: str, label: int, half: int, width: int) -> Line:
        """The limit stands in the middle of the bar, twice the limit at its end; an arrow is beyond that."""
        name = Span(f" {row.name:<{label}}", "label")
        text = Span(f" {told}", "value")
        if 2 * half < SHORTEST_BAR:
            return fit_spans([name, text], width, self.glyphs)
        ratio = 0.0 if row.ratio is None else row.ratio
        style = "muted" if row.ok is None else "good" if row.ok else "warning"
        left = host_bar(min(round(ratio * 1000), 1000), 1000, half, self.glyphs, style=style)
        right = [*host_bar(max(0, min(round(ratio * 1000), 2000) - 1000), 1000, half, self.glyphs, style=style)]
        if ratio > 2:
            right = [*host_bar(1, 1, half - 1, self.glyphs, style=style), Span(self.glyphs.right, style)]
        return fit_spans([name, *left, Span(self.glyphs.upright, "axis"), *right, text], width, self.glyphs)


def tell_scale(half: int) -> str:
    """What stands below the bars: 0 at the left end, the limit in the middle, twice the limit at the right end."""
    limit = f"{'limit':^{2 * half + 1}}"
    if 2 * half + 1 < len("0 limit 2x"):
        return limit
    return f"0{limit[1:-2]}2x"
