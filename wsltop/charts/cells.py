"""The currency of everything that is painted: lines of styled spans.

A style is a *name* such as ``used`` or ``axis``; the screen maps names to colors, so that themes, light and dark, and
``NO_COLOR`` are decided in one place. Chart glyphs are one cell wide each.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Span(NamedTuple):
    """A run of text in one style."""

    text: str
    style: str = ""


Line: TypeAlias = tuple[Span, ...]
"""One row of the screen, from left to right."""


def plain(line: Line) -> str:
    """The text of a line without its styles."""
    return "".join(span.text for span in line)


def merged(spans: list[Span]) -> Line:
    """A line in which neighbors of the same style are one span and empty spans are gone."""
    line: list[Span] = []
    for span in spans:
        if not span.text:
            continue
        if line and line[-1].style == span.style:
            line[-1] = Span(line[-1].text + span.text, span.style)
        else:
            line.append(span)
    return tuple(line)
