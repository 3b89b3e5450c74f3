"""The files of an experiment's reports: their kind is what their name ends with."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from wsltop.core.experiment import Measures, Result
from wsltop.core.text import clean
from wsltop.errors import UsageError, WsltopError
from wsltop.record.experiment_chart import draw
from wsltop.record.experiment_json import encode
from wsltop.record.experiment_pages import html, markdown

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
