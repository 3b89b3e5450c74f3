"""What ``.wslconfig`` says, what of it is in force, and what is wrong with it, as text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from textwrap import wrap as wrap_text
from typing import Final

from wsltop.core.insight import ConfigView
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.text import clean
from wsltop.core.wslconfig import Comparison, ConfigFinding, Suggestion, WslconfigFile

WIDTH: Final = 80
wrap = partial(wrap_text, width=WIDTH, break_on_hyphens=False)
"""Ids and keys stay whole: they are copied."""
CHOSEN: Final = {
    "USERPROFILE": "named by USERPROFILE",
    "only profile": "the only profile",
    "own profile": "the profile that is yours",
    "user name": "the profile with your name",
    "only file": "the only profile with such a file",
    "no file": "no profile has such a file",
}


def settings_text(
    file: Reading[WslconfigFile],
    config: Reading[ConfigView],
    comparisons: tuple[Comparison, ...],
    suggestion: Reading[Suggestion],
) -> str:
    """All of it, ending with a newline."""
    return "\n".join(settings_lines(file, config, comparisons, suggestion)) + "\n"


def settings_lines(
    file: Reading[WslconfigFile],
    config: Reading[ConfigView],
    comparisons: tuple[Comparison, ...],
    suggestion: Reading[Suggestion],
) -> Iterator[str]:
    """Yield file, mode, what is asked for and what is there, findings, suggestion."""
    if isinstance(file, Unavailable):
        yield f".wslconfig cannot be read: {clean(file.reason)}"
        if file.hint:
            yield f"  {clean(file.hint)}"
        return
    state = "" if file.present else ": there is none, so WSL's defaults hold"
    yield f"{clean(file.path)}{state} ({CHOSEN[file.chosen_by]})"
    if not isinstance(config, Unavailable):
        mode = config.reclaim
        told = f"autoMemoryReclaim  {mode.mode} ({mode.certainty}: {clean(mode.source)})"
        yield from wrap(told, subsequent_indent="  ")
    if comparisons:
        yield ""
        yield f"{'setting':<26}{'asked for':<26}in force"
        for comparison in comparisons:
            sign = {True: "", False: "  differs", None: "  cannot tell"}[comparison.agrees]
            asked, there = clean(comparison.configured), clean(comparison.actual)
            yield f"{clean(comparison.key):<26}{asked:<26}{there}{sign}"
    if not isinstance(config, Unavailable):
        yield ""
        if not config.findings:
            yield "Nothing is wrong with it."
        for finding in config.findings:
            yield from wrap(tell_finding(finding), subsequent_indent="  ")
            if finding.remedy:
                yield from wrap(clean(finding.remedy), initial_indent="  -> ", subsequent_indent="     ")
    if not isinstance(suggestion, Unavailable):
        yield ""
        yield f"For what was seen now, this would do under [wsl2]: {clean(suggestion.line)}"
        for reason in suggestion.reasons:
            yield from wrap(clean(reason), initial_indent="  - ", subsequent_indent="    ")


def tell_finding(finding: ConfigFinding) -> str:
    """What is wrong with a setting, and in which line."""
    where = "" if finding.line is None else f"line {finding.line}: "
    return f"{finding.severity} {where}{clean(finding.text)} [{finding.id}]"
