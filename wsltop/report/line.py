"""The memory in one line, for a status bar or a prompt: fields, and what each bar would take for markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Final, NamedTuple

import msgspec

from wsltop.core.ledger import Ledger
from wsltop.core.prediction import Shares, predict_compaction, predict_drop
from wsltop.errors import UsageError, did_you_mean
from wsltop.model.sample import HostMemory, Reading, Unavailable
from wsltop.model.text import MIB, clean, format_size

UNKNOWN: Final = "?"
SMALL: Final = 32 * MIB
"""Less than this that could come back is not worth a word."""
FIELDS: Final = {
    "lent": "what Windows lends, or is expected to lend",
    "how": "lent, or expected where Windows is not read",
    "why": "why it is only expected: Windows not asked (--once), not read, no Windows; empty where it is lent",
    "used": "what Linux uses",
    "available": "what Linux has left",
    "back": "what could come back",
    "busy": "the program that keeps WSL's idle gate shut; not with --once",
    "windows_available": "what Windows has left",
    "windows_total": "memory of Windows",
    "finding": "the worst finding's id; not with --once",
}
FIELD: Final = re.compile(r"\{\{|\}\}|\{([a-z_]*)\}|[{}]")


class Line(NamedTuple):
    """What is known at one moment, for people; a field that is not known is ``?`` or, where it is no figure, empty."""

    fields: Mapping[str, str]
    severity: str
    """Of the worst finding: ok, note, warning, problem."""


def make_line(
    ledger: Reading[Ledger],
    host: Reading[HostMemory],
    *,
    shares: Shares | None = None,
    busy: str = "",
    finding: str = "",
    severity: str = "ok",
    why: str = "Windows not read",
) -> Line:
    """The fields of one moment.

    Args:
        ledger: the guest's memory.
        host: what Windows said, fresh.
        shares: what part came back on this machine before.
        busy: who keeps the idle gate shut.
        finding: the worst finding's id, of this ``severity``.
        why: why there is no figure of Windows, where there is none.
    """
    expected = ledger if isinstance(ledger, Unavailable) else ledger.expected_host
    lent = expected if isinstance(host, Unavailable) else host.working_set
    fields = {
        "lent": tell(lent),
        "how": "expected" if isinstance(host, Unavailable) else "lent",
        "why": why if isinstance(host, Unavailable) else "",
        "used": UNKNOWN if isinstance(ledger, Unavailable) else format_size(ledger.used),
        "available": UNKNOWN if isinstance(ledger, Unavailable) else format_size(ledger.available),
        "back": UNKNOWN if isinstance(ledger, Unavailable) else format_size(could_return(ledger, shares)),
        "busy": clean(busy),
        "windows_available": UNKNOWN if isinstance(host, Unavailable) else tell(host.available),
        "windows_total": UNKNOWN if isinstance(host, Unavailable) else tell(host.total),
        "finding": finding,
    }
    return Line(fields, severity)


def tell(reading: Reading[int]) -> str:
    """A size, or that it is not known."""
    return UNKNOWN if isinstance(reading, Unavailable) else format_size(reading)


def could_return(ledger: Ledger, shares: Shares | None) -> int:
    """Bytes that the better of a cache drop and a compaction would probably give back."""
    predicted = (predict_drop(ledger, shares), predict_compaction(ledger, shares))
    return max((one.likely for one in predicted if not isinstance(one, Unavailable)), default=0)


def default_line(line: Line) -> str:
    """``WSL 8.3 GiB lent · 2.2 GiB used · 5.4 GiB could come back · busy: node``.

    Where Windows was not read: ``WSL 8.3 GiB expected (Windows not asked) · …``.
    """
    fields = line.fields
    why = f" ({fields['why']})" if fields["why"] else ""
    parts = [
        f"WSL {fields['lent']} {fields['how']}{why}",
        f"{fields['used']} used",
        f"{fields['back']} could come back",
    ]
    if fields["busy"]:
        parts.append(f"busy: {fields['busy']}")
    return " · ".join(parts)


def check_format(text: str) -> str:
    """The format itself, if every field in it is one.

    Raises:
        UsageError: names what is none, and those that there are.
    """
    for match in FIELD.finditer(text):
        if match[0] not in ("{{", "}}") and match[1] not in FIELDS:
            names = ", ".join(FIELDS)
            near = did_you_mean(match[1] or "", FIELDS)
            raise UsageError(f"--format: {clean(match[0])} is no field.{near} The fields are {names}; {{{{ is a {{")
    return text


def fill(text: str, line: Line) -> str:
    """A format with its fields filled in."""

    def put(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else line.fields[match[1]]

    return FIELD.sub(put, text)


def for_tmux(text: str, line: Line) -> str:
    """Text in a status line of tmux, which takes ``#`` for the start of a style or a command."""
    del line
    return text.replace("#", "##")


def for_waybar(text: str, line: Line) -> str:
    """One line of JSON for a custom module of waybar, which takes the text for Pango markup."""
    tooltip = "\n".join(f"{name}: {value}" for name, value in line.fields.items() if value)
    module = {"text": escape(text), "tooltip": escape(tooltip), "class": line.severity, "alt": line.severity}
    return msgspec.json.encode(module).decode()


def for_starship(text: str, line: Line) -> str:
    """Text for a custom command of starship, which shows it as it is."""
    del line
    return text


BARS: Final[dict[str, Callable[[str, Line], str]]] = {
    "tmux": for_tmux,
    "waybar": for_waybar,
    "starship": for_starship,
}
