"""Which of Windows' processes is this virtual machine. Pure.

WSL names it ``vmmemWSL`` on Windows 11 and ``vmmem`` before (WSL src/windows/common/helpers.cpp). Any other Hyper-V
machine is a ``vmmem`` too, and WSL containers and other products add names of their own that begin alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import VmProcess

NOT_FOUND: Final = Unavailable(
    "Windows shows no vmmemWSL or vmmem process",
    "Look for vmmemWSL in Task Manager's Details; if it is there, try --host tasklist.",
)
LARGEST: Final = 1 << 50
"""No Windows machine has a pebibyte of RAM: a larger size is a misread one."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A process of Windows whose name begins with ``vmmem``; sizes in bytes."""

    name: str
    pid: int
    working_set: int
    private: int | None = None


def list_vms(candidates: Sequence[Candidate]) -> tuple[VmProcess, ...]:
    """All of them, for whoever wants to know which other virtual machines hold memory."""
    return tuple(VmProcess(name=candidate.name, working_set=candidate.working_set) for candidate in candidates)


def choose_process(candidates: Sequence[Candidate]) -> Reading[Candidate]:
    """``vmmemWSL``, else the only ``vmmem``, else why none counts. The case of letters does not matter."""
    for name in ("vmmemwsl", "vmmem"):
        found = {one.pid: one for one in candidates if bare_name(one.name) == name}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            pids = ", ".join(str(pid) for pid in sorted(found))
            first = next(iter(found.values())).name
            return Unavailable(
                f"Windows runs {len(found)} processes named {first}: ambiguous",
                f"Stop the other virtual machines and look again; their process ids are {pids}.",
            )
    return NOT_FOUND


def bare_name(name: str) -> str:
    """The name to compare: lower case, without an ``.exe`` that Windows does not print but may one day."""
    return name.casefold().removesuffix(".exe")


def plausible_size(digits: str | int) -> int | None:
    """A size in bytes as a program of Windows printed it; ``None`` for one that cannot be true."""
    if isinstance(digits, str):
        if not digits.isdecimal() or len(digits) > 19:
            return None
        digits = int(digits)
    return digits if 0 < digits < LARGEST else None
