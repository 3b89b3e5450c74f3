"""What leaves the screen: the report on the clipboard, and pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from wsltop.host.distros import ask_distros
from wsltop.model.sample import NOT_RECORDED
from wsltop.report.issue import IssueInput, issue
from wsltop.report.redact import this_machine
from wsltop.ui.clipboard import copy_text
from wsltop.ui.context import Context, ScreenOptions, stamp

FONT_FACE: Final = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


def case_of(context: Context) -> IssueInput | None:
    """What a report is made of: all that the screen says; None while there is no moment."""
    moment = context.moment
    if moment is None:
        return None
    return IssueInput(
        moment=moment,
        findings=context.findings,
        events=context.session.journal.events(context.state.everything),
        config=context.insight.config,
        origin="taken from the screen",
    )


def report_text(case: IssueInput, options: ScreenOptions) -> str:
    """A report with the names taken out. Asks Windows."""
    roster = NOT_RECORDED if options.windows is None else ask_distros(options.windows)
    return issue(replace(case, roster=roster), this_machine())


def copy_made(make: Callable[[], str], options: ScreenOptions, terminal: Callable[[str], None]) -> str:
    """Copy the text that ``make`` makes; where it went. May wait for a clipboard.

    Raises:
        OSError: no clipboard took it, and no file could be written; says which file.
    """
    text = make()
    file = options.state_folder / f"report-{stamp()}.txt"
    return copy_text(text, clip=options.clip, terminal=terminal if options.osc52 else None, file=file)


def clean_picture(svg: str) -> str:
    """A picture of Textual's that is right in every viewer, and asks no server for a font."""
    svg = FONT_FACE.sub("", svg)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono, Cascadia Mono, Consolas, Menlo")
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # some viewers drop blanks otherwise


def picture_path(folder: Path, name: str = "wsltop") -> Path:
    """A file for a picture, its name beginning with ``name``, which is not there yet, below ``folder``, which is.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / f"{name}-{stamp()}.svg"
    path, number = first, 1
    while path.exists():
        number += 1
        path = first.with_stem(f"{first.stem}-{number}")
    return path
