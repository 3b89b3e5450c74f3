"""An experiment as a page: Markdown with its charts in characters, HTML with its picture; both stand alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from wsltop.charts.glyphs import BLOCK
from wsltop.core.experiment import Measures, Result, tell_result
from wsltop.core.text import clean
from wsltop.record.experiment_chart import draw
from wsltop.record.experiment_table import facts_of, remarks_of
from wsltop.record.experiment_text import chart, with_shares

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
