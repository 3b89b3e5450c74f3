"""The verdict: what is returning now, or else what is the matter, why, and which key helps."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from msgspec import Struct
from rich.cells import cell_len

from wsltop.charts.bar import host_bar
from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.diagnosis.finding import Finding, Remedy, Severity, act_of, title
from wsltop.core.explanation import Explanation, Way, say_lent, say_matter, say_outlook, then_key
from wsltop.core.returning import Returning
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import clean, format_duration, format_size
from wsltop.ui.context import NOT_LOGGED, Context, DemoPhase
from wsltop.ui.panels.panel import Panel, fit_spans, heading_of, width_of, wrap

SEVERITY_STYLES: Final[dict[Severity, str]] = {"ok": "good", "note": "value", "warning": "warning", "problem": "error"}
WORDS: Final[dict[Severity, str]] = {"ok": "OK", "note": "NOTE", "warning": "WARNING", "problem": "PROBLEM"}
WAY_ACTIONS: Final = {
    "d": "app.act('drop-cache')",
    "D": "app.act('drop-all')",
    "c": "app.act('compact')",
    "m": "app.act('reclaim')",
    "p": "app.card('holders')",
    "X": "app.kill_hogs",
}
"""What the keys of the ways do."""
FRAME: Final = 8
"""Cells of a heading that are neither its title nor its note."""
LEAST_BAR: Final = 6
"""Cells below which a bar of progress says nothing."""
CLAUSE: Final = re.compile(r"[;.] |, (?=and |because |but |so |which )| (?=and lends )")
"""Where a sentence may end early."""
SIZE: Final = re.compile(r"[0-9.]+ [KMGTP]?i?B\b")
MOST: Final = 3
"""Rows of the text, where there is room."""


class Hint(Struct, frozen=True):
    """Something to do: the key, where there is one, and what it does."""

    key: str
    text: str


class VerdictView(Struct, frozen=True, kw_only=True):
    """The strip."""

    word: str
    style: str
    title: str
    note: str
    """At the right of the heading: how many findings more there are, or how far it is."""
    text: str
    hints: tuple[Hint, ...] = ()
    goes_on: bool = False
    """Whether it tells how far something is, not what is the matter."""
    share: float | None = None
    """How far that is, 0 to 1, in steps of a hundredth; None: that is not known."""


def verdict_view(context: Context) -> VerdictView:
    """What the strip says: the demo's phase, then what returns, then what is the matter."""
    demo = context.demo
    if demo is not None:
        return demo_view(demo, came_back(context, demo), loaded(context))
    returning = context.session.returning
    if returning is not None and returning.owed > 0:
        return returning_view(returning)
    return finding_view(context.findings, context.explanation, can_act=context.can_act)


PHASES: Final = {
    "baseline": "watching before anything happens",
    "load": "the hogs fill",
    "hold": "the hogs hold it, and Windows lends it",
    "end": "the hogs are killed",
    "returning": "memory comes back to Windows",
    "compact": "scattered free memory is joined into blocks",
}
"""What happens in the phases of the demo."""


SLACK: Final = 3.0
"""Seconds before a phase in which what came back belongs to it: hogs end one after the other."""
UNLOGGED: Final = f" [{NOT_LOGGED}]"
"""How the line ends that stands for one of the kernel's log."""


def demo_view(demo: DemoPhase, came: Amounts | None = None, hogs: Amounts | None = None) -> VerdictView:
    """The phase of the demo, what it shows, and how far it is: in memory where some moves, else in time.

    Args:
        demo: the phase.
        came: what Windows has got back in this phase, and all that it gets; None: nothing is or was on its way.
        hogs: what the hogs hold, and what they will hold; None: there are none.
    """
    share: float | None = None
    if demo.most is None or demo.most <= 0:
        text = f"{demo.seconds:.0f} s"
    elif demo.seconds < demo.most + 1:
        share, text = min(1.0, demo.seconds / demo.most), f"{demo.seconds:.0f} of at most {demo.most:.0f} s"
    else:
        share, text = 1.0, f"{demo.seconds:.0f} s, longer than the planned {demo.most:.0f} s"
    if demo.held:
        text = f"held for {demo.held_for:.0f} s"
    title = PHASES.get(demo.name, "")
    if came is not None and demo.name in ("returning", "compact"):
        share = came.share
        text = f"{tell_came(came)}, {text}"
    elif hogs is not None and demo.name == "load":
        share = hogs.share
        text = f"{format_size(hogs.size)} of {format_size(hogs.whole)}, {text}"
    if demo.name == "compact" and demo.log:
        # What counts goes first: the end is what a narrow strip cuts off.
        log = clean(demo.log)
        title = f"not logged: {log.removesuffix(UNLOGGED)}" if log.endswith(UNLOGGED) else f"log: {log}"
    elif demo.name == "compact" and demo.runs:
        text = f"{text}, waiting for its log line"
    keys = "space goes on, e ends it" if demo.held else "space holds, e ends it"
    return VerdictView(
        word=f"DEMO {demo.name.upper()}",
        style="warning" if demo.held else "good",
        title=title,
        note=keys if demo.runs else "",
        text=text,
        goes_on=True,
        share=None if share is None else round(share, 2),
    )


class Amounts(NamedTuple):
    """How much of something is there, in bytes."""

    size: int
    whole: int
    measured: bool = True
    """False, of what came back: Windows was not read for all of it, so this is what Linux has offered."""

    @property
    def share(self) -> float:
        """The part that is there, 0 to 1."""
        return min(1.0, max(0.0, self.size / self.whole)) if self.whole > 0 else 1.0


def came_back(context: Context, demo: DemoPhase) -> Amounts | None:
    """What Windows has got back in a phase: of the release that is under way and of those that are over."""
    returning, moment = context.session.returning, context.moment
    now = 0.0 if moment is None else moment.sample.monotonic
    events = context.session.journal.between(now - demo.seconds - SLACK, now)
    told = [event.amounts for event in events if event.kind == "return"]
    got = sum(amounts["got"] for amounts in told)
    measured = not any("unread" in amounts for amounts in told)
    if returning is not None and returning.owed > 0:
        return Amounts(got + max(0, returning.got), got + returning.owed, measured and returning.measured)
    return Amounts(got, got + max(0, told[-1]["owed"] - told[-1]["got"]), measured) if told else None


def tell_came(came: Amounts) -> str:
    """``Windows got 1.0 GiB of 2.0 GiB back``; where Windows was not read, what Linux has offered."""
    who = "Windows got" if came.measured else "Linux has offered"
    return f"{who} {format_size(came.size)} of {format_size(came.whole)} back"


def loaded(context: Context) -> Amounts | None:
    """What the hogs hold and will hold; None: there are none."""
    hogs = context.shown_hogs
    size = sum(min(hog.resident, hog.target) for hog in hogs)
    return Amounts(size, sum(hog.target for hog in hogs)) if hogs else None


def returning_view(returning: Returning) -> VerdictView:
    """Memory on its way back to Windows."""
    left = "" if returning.left is None else f", about {format_duration(max(1.0, returning.left))} to go"
    share = round(returning.share, 2)
    return VerdictView(
        word="RETURNING",
        style="good",
        title=clean(returning.cause) or "memory was freed",
        note=f"{returning.elapsed:.0f} s{left}",
        text=tell_came(Amounts(max(0, returning.got), returning.owed, returning.measured)),
        goes_on=True,
        share=share,
    )


def finding_view(
    findings: tuple[Finding, ...], explanation: Reading[Explanation], *, can_act: bool = True
) -> VerdictView:
    """The worst finding, with the key that helps; over a recording, where no key does, with what would have helped."""
    if not findings:
        return VerdictView(word="", style="muted", title="no findings yet", note="", text="")
    first = findings[0]
    more = len(findings) - 1
    known = None if isinstance(explanation, Unavailable) else explanation
    text = clean(first.sentence)
    tell_remedy, tell_way = (hint_of, way_hint) if can_act else (past_hint_of, past_way_hint)
    remedies, ways = advised(findings, explanation)
    hints = (*map(tell_remedy, remedies), *map(tell_way, ways))
    if first.severity in ("ok", "note") and known is not None:
        if first.severity == "ok":
            text = f"{clean(say_lent(known))} {clean(say_matter(known))}"
        outlook = "" if known.outlook is None else say_outlook(known.outlook)
        for line in (say_lent(known), outlook):
            text = f"{text} {unsaid(clean(line), text)}".rstrip()
    return VerdictView(
        word=WORDS[first.severity],
        style=SEVERITY_STYLES[first.severity],
        title=clean(title(first.verdict)),
        note=f"v {more} more" if more else "v",
        text=text,
        hints=hints,
    )


def advised(
    findings: tuple[Finding, ...], explanation: Reading[Explanation]
) -> tuple[tuple[Remedy, ...], tuple[Way, ...]]:
    """What the verdict advises: the first remedy of the worst finding, and where that is harmless the best way with it.

    Either may be empty; a way whose key the remedy has already is left out.
    """
    if not findings:
        return (), ()
    first = findings[0]
    remedies = first.remedy[:1]
    best = None if isinstance(explanation, Unavailable) else explanation.best
    if first.severity not in ("ok", "note") or best is None or not best.key:
        return remedies, ()
    return remedies, () if any(remedy.key == best.key for remedy in remedies) else (best,)


def unsaid(text: str, said: str) -> str:
    """The clauses of ``text`` that ``said`` leaves out. One whose sizes all stand in ``said`` counts as said."""
    known = set(SIZE.findall(said))
    clauses = [
        clause
        for clause in re.split(r"(?<=[.;]) ", text)
        if (sizes := set(SIZE.findall(clause))) - known or (not sizes and clause not in said)
    ]
    left = " ".join(clauses).removesuffix(";")
    return f"{left[:1].upper()}{left[1:]}"


def recommended(context: Context) -> str:
    """The action of the key that the verdict names, empty where it names none."""
    remedies, ways = advised(context.findings, context.explanation)
    keys = [*(remedy.key for remedy in remedies), *(way.key for way in ways)]
    return next((WAY_ACTIONS[key] for key in keys if key in WAY_ACTIONS), "")


def hint_of(remedy: Remedy) -> Hint:
    """The key that does it, what that gives back and what it costs; or the command, the lines or the sentence."""
    cost = f"; {clean(remedy.cost)}" if remedy.cost else ""
    if remedy.key:
        gives = "" if remedy.gives is None else f": gives back about {format_size(remedy.gives)}"
        return Hint(remedy.key, f"{then_key(remedy.key, '{} ')}to {clean(act_of(remedy))}{gives}{cost}")
    where = {"windows": "in Windows: ", "config": ".wslconfig: ", "command": "run: "}.get(remedy.kind, "")
    text = clean(remedy.text.replace("\n", "  "))
    return Hint("", f"{where}{text.removesuffix('.') if cost else text}{cost}")


def way_hint(way: Way) -> Hint:
    """The key of a way, what it gives and what it costs."""
    cost = f"; {clean(way.cost)}" if way.cost else ""
    then = then_key(way.key, "{} ")
    return Hint(way.key, f"{then}to {clean(way.does)}: gives back about {format_size(way.gives)}{cost}")


def past_hint_of(remedy: Remedy) -> Hint:
    """What would have helped when the recording was made."""
    does = act_of(remedy)
    if not does:
        return hint_of(remedy)
    gives = "" if remedy.gives is None else f": about {format_size(remedy.gives)} back"
    return Hint("", f"it would have helped to {clean(does)}{gives}")


def past_way_hint(way: Way) -> Hint:
    """What a way would have given back then."""
    return Hint("", f"it would have helped to {clean(way.does)}: about {format_size(way.gives)} back")


def shorten(text: str, width: int) -> str:
    """What to do in ``width`` cells where that can be: the cost goes first, then words; the figure at the end stays."""
    if cell_len(text) <= width:
        return text
    does = text.partition("; ")[0]
    head, _, figure = does.rpartition(": ")
    brief = f"{head.partition(', ')[0].partition(' (')[0]}: {figure.removeprefix('gives back about ')}"
    return next((one for one in (does, brief) if head and cell_len(one) <= width), text)


def cut(text: str, width: int, rows: int, glyphs: Glyphs) -> str:
    """``text``, or where that is too long for ``rows`` rows of ``width`` cells, its first clauses that are not."""
    parts = [text, *(f"{text[: end.start()]}." for end in reversed(list(CLAUSE.finditer(text))))]
    return next((part for part in parts if len(wrap(part, width, rows + 1, glyphs)) <= rows), text)


class VerdictPanel(Panel[VerdictView]):
    """A strip: the heading with the word, then the text, then what to do."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(glyphs, id=id)
        self._keys: dict[int, str] = {}
        """The keys that stand in the rows."""

    def make_view(self, context: Context) -> VerdictView:
        """What returns, or the worst finding."""
        return verdict_view(context)

    def action_at(self, x: int, y: int) -> str:
        """A row with a key does what the key does, the rest opens all findings."""
        key = self._keys.get(y, "")
        return WAY_ACTIONS.get(key, "app.card('verdict')")

    def rows_wanted(self, context: Context, width: int) -> int:
        """The heading, the text, a row for each hint."""
        view = verdict_view(context)
        if view.goes_on:
            return 2
        return 1 + len(wrap(view.text, width - 2, MOST, self.glyphs)) + len(view.hints)

    def paint(self, view: VerdictView, width: int, height: int) -> list[Line]:
        """The panel's lines: with one row to spare the key goes before the text."""
        glyphs = self.glyphs
        title = Span(view.title, "title")
        head = [Span(view.word, view.style), Span("  "), title]
        if view.goes_on and height > 2:
            lines = [heading_of(head[:1], view.note, width, glyphs), fit_spans([Span(" "), title], width, glyphs)]
        else:
            lines = [heading_of(head, view.note, width, glyphs)]
        if view.goes_on:
            return [*lines, self._progress(view, width)]
        self._keys = {}
        room = height - 1
        hints = view.hints[: max(0, room - (1 if room > 1 else 0))] if room > 1 else view.hints[:room]
        left = max(0, room - len(hints))
        rows = wrap(cut(view.text, width - 2, left, glyphs), width - 2, left, glyphs)
        lines += [fit_spans([Span(f" {text}", "value")], width, glyphs) for text in rows]
        for hint in hints:
            spans = [Span(f" {glyphs.right} ", "key")]
            if hint.key:
                self._keys[len(lines)] = hint.key
                spans.append(Span(f"{hint.key} ", "key"))
            text = shorten(hint.text, width - width_of(spans))
            lines.append(fit_spans([*spans, Span(text, "value")], width, glyphs))
        return lines

    def _progress(self, view: VerdictView, width: int) -> Line:
        text = f" {view.text}  "
        if view.share is None:
            return fit_spans([Span(text, "value")], width, self.glyphs)
        tail = f" {view.share * 100:3.0f} %"
        room = max(0, width - len(text) - len(tail) - 1)
        if room < LEAST_BAR:  # words go before the bar
            return fit_spans([Span(text, "value")], width, self.glyphs)
        bar = host_bar(round(view.share * 1000), 1000, room, self.glyphs, style="good")
        return fit_spans([Span(text, "value"), *bar, Span(tail, "value")], width, self.glyphs)
