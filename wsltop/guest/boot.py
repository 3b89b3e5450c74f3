"""How this kernel was started: ``/proc/cmdline`` and ``/proc/uptime``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.text import clean
from wsltop.guest.files import KernelFileSource

PARAMETER: Final = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
"""Words, as next_arg in lib/cmdline.c cuts them: quotes keep blanks together."""
SECONDS: Final = re.compile(r"([0-9]{1,12}\.[0-9]{2}) [0-9]{1,15}\.[0-9]{2}\n", re.ASCII)


def parse_cmdline(text: str) -> Reading[dict[str, str]]:
    """Parse the kernel's command line: value by parameter, ``""`` for a parameter without one, the last one counts.

    What follows ``--`` is for init. ``-`` and ``_`` mean the same in a name (kernel/params.c), so names are told with
    ``_``.
    """
    parameters: dict[str, str] = {}
    for word in PARAMETER.findall(text):
        if word == "--":
            break
        name, _, value = clean(word).replace('"', "").partition("=")
        parameters[name.replace("-", "_")] = value
    return parameters


def parse_uptime(text: str) -> Reading[float]:
    """Parse ``/proc/uptime``: seconds since the VM started, the first number."""
    match = SECONDS.fullmatch(text)
    return Unavailable("/proc/uptime is not what Linux writes") if match is None else float(match[1])


class CmdlineSource(KernelFileSource[dict[str, str]]):
    """Reads ``/proc/cmdline``, which is the VM's in every distro."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/cmdline", parse_cmdline)


class UptimeSource(KernelFileSource[float]):
    """Reads ``/proc/uptime``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/uptime", parse_uptime)
