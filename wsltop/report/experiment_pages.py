"""An experiment as a file: text, JSON, Markdown, HTML or SVG, by the ending of its name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from wsltop.charts.glyphs import BLOCK, Glyphs
from wsltop.errors import UsageError, WsltopError
from wsltop.experiment.limits import Verdict
from wsltop.experiment.measure import Measures
from wsltop.experiment.summary import tell_result
from wsltop.experiment.trial import Result
from wsltop.model.text import clean
from wsltop.private import write_private
from wsltop.report.experiment import encode, report
from wsltop.report.experiment_svg import draw

KINDS: Final = (".txt", ".json", ".md", ".html", ".svg")
"""Endings of names; a name without one, such as /dev/stderr, is text, or JSON with --json."""
SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#|~&$@])")
"""What Markdown could take for markup; it lets a backslash stand before any of them."""
STYLE: Final = "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; } svg { max-width: 100%; height: auto; }"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def markdown(result: Result, measures: Sequence[Measures]) -> str:
    """A page in Markdown: the verdict, and the text report as a block."""
    text = report(result, measures, BLOCK)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"# wsltop experiment\n\n**{mark(tell_result(result, measures))}**\n\n{fence}text\n{text}{fence}\n"


def mark(text: str) -> str:
    """Text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", clean(text))


def html(result: Result, measures: Sequence[Measures]) -> str:
    """A page for browsers: the verdict, the picture and the text report. No script, and nothing to load."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>wsltop experiment</title><style>{STYLE}</style></head><body>\n"
        f"<h1>wsltop experiment</h1><p><b>{escape(clean(tell_result(result, measures)))}</b></p>\n"
        f"{draw(result, measures)}<pre>{escape(report(result, measures, BLOCK))}</pre></body></html>\n"
    )


def check_output(path: Path) -> None:
    """Refuse a file that could not be written, before the experiment takes its time.

    Raises:
        UsageError: its kind is not known, or it cannot be written there.
    """
    name = clean(str(path))
    if path.suffix and path.suffix.lower() not in KINDS:
        raise UsageError(f"--output {name}: its name must end with one of {', '.join(KINDS)}")
    if path.is_dir():
        raise UsageError(f"--output {name}: this is a directory")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--output {name}: there is no such directory")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"--output {name}: this user may not write there")


def write_output(
    path: Path, result: Result, measures: Sequence[Measures], verdicts: Sequence[Verdict], glyphs: Glyphs, *, json: bool
) -> None:
    """Write one file; ``json`` decides where its name says nothing.

    Raises:
        WsltopError: it cannot be written.
    """
    kind = path.suffix.lower() or (".json" if json else ".txt")
    if kind == ".json":
        text = encode(result, measures, verdicts) + "\n"
    elif kind == ".txt":
        text = report(result, measures, glyphs)
    else:
        text = {".md": markdown, ".html": html, ".svg": draw}[kind](result, measures)
    try:
        write_private(path, text)
    except OSError as error:
        raise WsltopError(f"cannot write {clean(str(path))}: {error.strerror}") from error
