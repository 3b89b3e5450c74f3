"""An experiment as files of Markdown, HTML, SVG or JSON, by the ending of the file's name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final, TypeAlias

from wsltop.charts.glyphs import BLOCK
from wsltop.errors import UsageError, WsltopError
from wsltop.experiment.measure import Measures
from wsltop.experiment.summary import tell_result
from wsltop.experiment.trial import Result
from wsltop.model.text import clean
from wsltop.report.experiment import chart, encode, facts_of, remarks_of, with_shares
from wsltop.report.experiment_svg import draw

SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#|~&$@])")
"""What Markdown could take for markup; it lets a backslash stand before any of them."""
STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #24292f;
  background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; border-bottom: 1px solid #d0d7de; }
td + td, th + th { text-align: right; font-variant-numeric: tabular-nums; } .verdict { font-size: 1.15rem; }
svg { max-width: 100%; height: auto; }
"""
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def markdown(result: Result, measures: Sequence[Measures]) -> str:
    """A page in Markdown. The charts are characters: pictures inside the text are not shown by every reader of it."""
    lines = ["# wsltop experiment", "", f"**{mark(tell_result(result, measures))}**", ""]
    lines += [f"- {mark(name)}: {mark(text)}" for name, text in facts_of(result)]
    lines += [f"- remark: {mark(remark)}" for remark in remarks_of(result)]
    for trial in result.trials:
        if trial.ticks:
            lines += ["", "```text", *chart(result, trial, BLOCK), "```"]
    lines += ["", *markdown_table(result, measures)]
    return "\n".join(lines) + "\n"


def markdown_table(result: Result, measures: Sequence[Measures]) -> Iterator[str]:
    """Yield the table."""
    table = with_shares(result, measures)
    columns = len(table.headers)
    yield row_of([mark(cell) for cell in table.headers])
    yield row_of(["---"] + ["---:"] * (columns - 1))
    for row in table.rows:
        cells = [mark(cell) for cell in row]
        yield row_of(cells) if len(cells) > 1 else row_of([f"**{cells[0]}**"] + [""] * (columns - 1))


def row_of(cells: Sequence[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(cells)} |"


def mark(text: str) -> str:
    """Text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", clean(text))


def html(result: Result, measures: Sequence[Measures]) -> str:
    """A page for browsers: no script, and nothing that it would load."""
    table = with_shares(result, measures)
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>wsltop experiment</title><style>{STYLE}</style></head><body>",
        f'<h1>wsltop experiment</h1><p class="verdict">{shown(tell_result(result, measures))}</p>',
        draw(result, measures),
        "<table><thead>",
        html_row(table.headers, "th"),
        "</thead><tbody>",
    ]
    for row in table.rows:
        heading = f'<tr><th colspan="{len(table.headers)}" align="left">{shown(row[0])}</th></tr>'
        lines.append(html_row(row, "td") if len(row) > 1 else heading)
    lines.append("</tbody></table><ul>")
    lines += [f"<li>{shown(name)}: {shown(text)}</li>" for name, text in facts_of(result)]
    lines += [f"<li>remark: {shown(remark)}</li>" for remark in remarks_of(result)]
    return "\n".join([*lines, "</ul></body></html>\n"])


def html_row(cells: Sequence[str], tag: str) -> str:
    """One row of a table."""
    return f"<tr>{''.join(f'<{tag}>{shown(cell)}</{tag}>' for cell in cells)}</tr>"


def shown(text: str) -> str:
    """Text from outside, fit for HTML."""
    return escape(clean(text))


Write: TypeAlias = Callable[[Result, Sequence[Measures]], str]
KINDS: Final[dict[str, Write]] = {
    ".md": markdown,
    ".html": html,
    ".svg": draw,
    ".json": lambda result, measures: encode(result, measures) + "\n",
}


def check(path: Path) -> None:
    """Refuse a file that could not be written, before the experiment takes its time.

    Raises:
        UsageError: its kind is not known, or it cannot be written there.
    """
    name = clean(str(path))
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"--report {name}: its name must end with one of {', '.join(KINDS)}")
    if path.is_dir():
        raise UsageError(f"--report {name}: this is a directory")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--report {name}: there is no such directory")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"--report {name}: this user may not write there")


def write(path: Path, result: Result, measures: Sequence[Measures]) -> None:
    """Write one report.

    Raises:
        WsltopError: it cannot be written.
    """
    text = KINDS[path.suffix.lower()](result, measures)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise WsltopError(f"cannot write {clean(str(path))}: {error.strerror}") from error
