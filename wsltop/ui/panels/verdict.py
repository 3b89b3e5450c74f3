"""The verdict: what is returning now, or else what is the matter, why, and which key helps."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from rich.cells import cell_len

from wsltop.charts.bar import host_bar
from wsltop.charts.cells import Glyphs, Line, Span
from wsltop.core.diagnosis.finding import Finding, Remedy, Severity, title
from wsltop.core.explanation import Explanation, Way, say_lent, say_matter, say_outlook
from wsltop.core.returning import Returning
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import clean, format_duration, format_size
from wsltop.ui.context import Context, DemoPhase
from wsltop.ui.panels.panel import Panel, fit_spans, heading_of, width_of, wrap

SEVERITY_STYLES: Final[dict[Severity, str]] = {"ok": "good", "note": "value", "warning": "warning", "problem": "error"}
WORDS: Final[dict[Severity, str]] = {"ok": "OK", "note": "NOTE", "warning": "WARNING", "problem": "PROBLEM"}
WAY_ACTIONS: Final = {
    "d": "app.act('drop-cache')",
    "D": "app.act('drop-all')",
    "c": "app.act('compact')",
    "m": "app.act('reclaim')",
    "p": "app.card('holders')",
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
    share: float | None = None
    """How much of what is owed is back, 0 to 1, in steps of a hundredth; None: nothing is returning."""


def verdict_view(context: Context) -> VerdictView:
    """What the strip says: the demo's phase, then what returns, then what is the matter."""
    if context.demo is not None:
        return demo_view(context.demo, context.session.returning)
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


def demo_view(demo: DemoPhase, returning: Returning | None) -> VerdictView:
    """The phase of the demo with its countdown; what returns in figures; the log line of the compaction."""
    left = "" if demo.most is None else f" of at most {demo.most:.0f}"
    note = "e ends it" if demo.held else "space holds, e ends it"
    share = 0.0 if demo.most is None else round(min(1.0, demo.seconds / demo.most), 2)
    text = f"{demo.seconds:.0f}{left} s"
    if returning is not None and returning.owed > 0:
        share = round(returning.share, 2)
        text = f"Windows got {format_size(max(0, returning.got))} of {format_size(returning.owed)} back, {text}"
    title = PHASES.get(demo.name, "")
    if demo.name == "compact" and demo.log:
        title = f"log: {clean(demo.log)}"
    elif demo.name == "compact" and demo.runs:
        text = f"{text}, waiting for its log line"
    if demo.held:
        title = "held, space goes on"
    return VerdictView(
        word=f"DEMO {demo.name.upper()}",
        style="warning" if demo.held else "good",
        title=title,
        note=note if demo.runs else "",
        text=text,
        share=share,
    )


def returning_view(returning: Returning) -> VerdictView:
    """Memory on its way back to Windows."""
    who = "Windows got" if returning.measured else "Linux has offered"
    left = "" if returning.left is None else f", about {format_duration(max(1.0, returning.left))} to go"
    share = round(returning.share, 2)
    return VerdictView(
        word="RETURNING",
        style="good",
        title=clean(returning.cause) or "memory was freed",
        note=f"{returning.elapsed:.0f} s{left}",
        text=f"{who} {format_size(max(0, returning.got))} of {format_size(returning.owed)} back",
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
    if remedy.key and remedy.does:
        gives = "" if remedy.gives is None else f": gives back about {format_size(remedy.gives)}"
        return Hint(remedy.key, f"to {clean(remedy.does)}{gives}{cost}")
    where = {"windows": "in Windows: ", "config": ".wslconfig: ", "command": "run: "}.get(remedy.kind, "")
    text = clean(remedy.text.replace("\n", "  "))
    return Hint("", f"{where}{text.removesuffix('.') if cost else text}{cost}")


def way_hint(way: Way) -> Hint:
    """The key of a way, what it gives and what it costs."""
    cost = f"; {clean(way.cost)}" if way.cost else ""
    return Hint(way.key, f"to {clean(way.does)}: gives back about {format_size(way.gives)}{cost}")


def past_hint_of(remedy: Remedy) -> Hint:
    """What would have helped when the recording was made."""
    if not remedy.does:
        return hint_of(remedy)
    gives = "" if remedy.gives is None else f": about {format_size(remedy.gives)} back"
    return Hint("", f"it would have helped to {clean(remedy.does)}{gives}")


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
        if view.share is not None:
            return 2
        return 1 + len(wrap(view.text, width - 2, MOST, self.glyphs)) + len(view.hints)

    def paint(self, view: VerdictView, width: int, height: int) -> list[Line]:
        """The panel's lines: with one row to spare the key goes before the text."""
        glyphs = self.glyphs
        title = Span(view.title, "title")
        head = [Span(view.word, view.style), Span("  "), title]
        if view.share is not None and height > 2:
            lines = [heading_of(head[:1], view.note, width, glyphs), fit_spans([Span(" "), title], width, glyphs)]
        else:
            lines = [heading_of(head, view.note, width, glyphs)]
        if view.share is not None:
            return [*lines, self._progress(view, view.share, width)]
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

    def _progress(self, view: VerdictView, share: float, width: int) -> Line:
        text = f" {view.text}  "
        tail = f" {share * 100:3.0f} %"
        room = max(0, width - len(text) - len(tail) - 1)
        if room < LEAST_BAR:  # words go before the bar
            return fit_spans([Span(text, "value")], width, self.glyphs)
        bar = host_bar(round(share * 1000), 1000, room, self.glyphs, style="good")
        return fit_spans([Span(text, "value"), *bar, Span(tail, "value")], width, self.glyphs)
