"""``wsltop doctor``: the findings as text of 80 columns for people, as JSON for programs, and as an exit code."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import msgspec

from wsltop.core.diagnosis.finding import Finding, Remedy, Severity, rank
from wsltop.core.diagnosis.rules import answer, worst
from wsltop.core.explanation import Explanation, then_key
from wsltop.errors import ExitCode
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import clean, format_range, format_size
from wsltop.report.snapshot import explanation_part, finding_part, lent_part

SCHEMA: Final = 2
"""Raised when a name changes its meaning or goes away; new names and new ids do not raise it."""
WIDTH: Final = 80
NOT_EXPLAINED: Final = Unavailable("not explained")
NAMES: Final = 24
"""Columns for the names of figures."""
WHERE: Final = {
    "command": "in this shell",
    "windows": "in a terminal of Windows",
    "config": "in %UserProfile%\\.wslconfig",
}


def doctor(findings: tuple[Finding, ...], explanation: Reading[Explanation] = NOT_EXPLAINED, width: int = WIDTH) -> str:
    """The answer in sentences, then all findings, as plain text that ends with a newline."""
    said = [line for one in answer(findings, explanation) for line in wrap(one, width, indent="  ", first="")]
    blocks = ["\n".join(said)] if said else []
    blocks += ["\n".join(finding_lines(finding, width)) for finding in findings]
    return "\n\n".join(blocks or ["Nothing to report."]) + "\n"


def encode(findings: tuple[Finding, ...], explanation: Reading[Explanation] = NOT_EXPLAINED) -> str:
    """The answer and all findings as indented JSON, without a newline at the end.

    Sizes are integer bytes, times are seconds, shares are 0 to 1.
    """
    first = findings[0] if findings else None
    lent = explanation if isinstance(explanation, Unavailable) else explanation.lent
    document = {
        "schema": SCHEMA,
        "severity": worst(findings),
        "verdict": None if first is None else {"id": first.id, "text": first.verdict, "sentence": first.sentence},
        **explanation_part(explanation, findings),
        "lent": lent_part(lent),
        "findings": [finding_part(finding) for finding in findings],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def exit_code(findings: tuple[Finding, ...], fail_on: Severity = "warning") -> ExitCode:
    """1 when something is as bad as ``fail_on`` or worse, else 0."""
    return ExitCode.FAILURE if rank(worst(findings)) >= rank(fail_on) else ExitCode.OK


def finding_lines(finding: Finding, width: int) -> Iterator[str]:
    """Yield one finding: headline, sentence, figures, remedies."""
    head = f"{finding.severity.upper():<8} {clean(finding.verdict)}"
    yield f"{head} {f'[{finding.id}]'.rjust(width - len(head) - 1)}"
    yield from wrap(finding.sentence, width, indent="  ")
    for figure in finding.evidence:
        yield from figure_lines(figure.name, figure.value, width)
    for remedy in finding.remedy:
        yield from remedy_lines(remedy, width)


def figure_lines(name: str, value: str, width: int) -> Iterator[str]:
    """Yield a figure; a long name has a line of its own."""
    name = clean(name)
    gap = NAMES - cells(name)
    if gap < 1:
        yield from wrap(name, width, indent="    ")
        yield from wrap(value, width, indent=" " * (4 + NAMES))
        return
    yield from wrap(value, width, first=f"    {name}{' ' * gap}", indent=" " * (4 + NAMES))


def remedy_lines(remedy: Remedy, width: int) -> Iterator[str]:
    """Yield what to do. A command is never broken: it is copied as it stands."""
    if remedy.kind == "advice":
        key = f": key {remedy.key}{then_key(remedy.key)} on the screen." if remedy.key else ""
        text = f"{remedy.text.removesuffix('.')}{key}" if key else remedy.text
        yield from wrap(text, width, first="  -> ", indent="     ")
    else:
        does = clean(remedy.does)
        key = f": key {remedy.key} on the screen, or " if remedy.key else ", "
        where = f"{does[:1].upper()}{does[1:]}{key}{WHERE[remedy.kind]}:"
        yield from wrap(where, width, first="  -> ", indent="     ")
        for line in remedy.text.split("\n"):
            yield f"       {clean(line)}"
    if remedy.gives is not None:
        span = (
            ""
            if remedy.low is None or remedy.high is None or remedy.low == remedy.high
            else f" ({format_range(remedy.low, remedy.high)})"
        )
        yield from wrap(f"gives back: about {format_size(remedy.gives)}{span}", width, indent="     ")
    if remedy.cost:
        yield from wrap(f"cost: {remedy.cost}", width, indent="     ")


def wrap(text: str, width: int, *, first: str | None = None, indent: str = "") -> Iterator[str]:
    """Yield lines of at most ``width`` cells; a word that is longer is cut."""
    line = indent if first is None else first
    empty = True
    for word in pieces(clean(text), width - max(cells(line), cells(indent))):
        if not empty and cells(line) + 1 + cells(word) > width:
            yield line
            line, empty = indent, True
        line = f"{line}{'' if empty else ' '}{word}"
        empty = False
    yield line.rstrip()


def pieces(text: str, room: int) -> Iterator[str]:
    """Yield the words, those wider than ``room`` in parts."""
    for word in text.split():
        part = ""
        for char in word:
            if part and cells(part) + cells(char) > room:
                yield part
                part = ""
            part += char
        yield part


def cells(text: str) -> int:
    """Columns that a terminal needs at most: wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)
