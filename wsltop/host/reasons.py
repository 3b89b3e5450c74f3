"""Why a program of Windows gave no answer, told from what it left behind. Pure.

WSL's own messages are English and carry function names; those of Windows are in its user's language, so only codes
and identifiers count, and the rest of the text is shown as it is.
"""

from __future__ import annotations

import re
from typing import Final

from wsltop.core.reading import Unavailable
from wsltop.core.text import clean
from wsltop.host.decoding import decode_text
from wsltop.host.wsl import BINFMT_LOST, INTEROP_DISABLED

STALE_SOCKET: Final = Unavailable(
    "the WSL_INTEROP of this shell is stale: its session is gone",
    "Open a new WSL terminal, or run: unset WSL_INTEROP",
)
NO_ANSWER: Final = Unavailable(
    "timed out: Windows does not answer interop",
    "Wait for Windows to be less busy; if it lasts, run from Windows: wsl.exe --shutdown",
)
BLOCKED: Final = Unavailable(
    "blocked by policy: Windows denies access to the program",
    "Ask the administrator to allow powershell.exe or tasklist.exe, or use --host none.",
)
CONSTRAINED: Final = Unavailable(
    "blocked by policy: PowerShell's language mode does not let the script run",
    "Use --host tasklist, or ask the administrator for Constrained Language Mode instead of a stricter one.",
)
FLOODED: Final = Unavailable(
    "it prints far more than an answer, and was ended", "Try --host tasklist or --host powershell."
)

SIGNS: Final = (
    (re.compile(r"Exec format error|\[Errno 8\]|MZ\S*: not found|cannot execute binary file"), BINFMT_LOST),
    (re.compile(r"accept4? failed 110|connect failed 110|Accept\w* failed 110|timed out", re.I), NO_ANSWER),
    (re.compile(r"UtilConnect\w*:\d+: |connect failed (?:2|104|111)\b", re.I), STALE_SOCKET),
    (re.compile(r"\w+InConstrainedLanguage|InDataSection|ScriptsNotAllowed|language mode", re.I), CONSTRAINED),
    (
        re.compile(
            r"\[Errno 13\]|\[Errno 1\] |Permission denied|Access is denied|0x80070005|failed 5\b|error 1260\b"
            r"|group policy|system administrator|UnauthorizedAccess",
            re.I,
        ),
        BLOCKED,
    ),
)
NOISE: Final = re.compile(r"^\s*(?:<\d>)?.*(?:Failed to translate|CLIXML|UNC paths are not supported).*$", re.M)


def explain_end(program: str, code: int | None, errors: bytes, fault: Unavailable | None = None) -> Unavailable:
    """Why ``program`` ended.

    Args:
        program: its file name.
        code: its exit code, negative for a signal, ``None`` if it could not be ended.
        errors: the end of what it wrote to standard error.
        fault: what is visibly wrong with interop, if anything.
    """
    text = NOISE.sub("", decode_text(errors))
    for sign, reason in SIGNS:
        if sign.search(text):
            return reason
    if fault is not None:
        return fault
    last = telling_line(text)
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return Unavailable(f"{program} {how}" + (f": {last}" if last else ""), "Try to run it by hand from this shell.")


def suspect_interop(code: int | None, errors: bytes) -> Unavailable | None:
    """Interop is likely disabled when a program that never answered ends as WSL's init does then: 1, silently."""
    return INTEROP_DISABLED if code == 1 and not errors.strip(b"\0\r\n ") else None


def telling_line(text: str) -> str:
    """The first line that says something, of a Python traceback the last; safe to show, 120 characters at most."""
    lines = [line for line in (clean(line).strip() for line in text.splitlines()) if line]
    if not lines:
        return ""
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return line if len(line) <= 120 else line[:119] + "…"
