"""What a scenario found: a line of the table, with what was expected and what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MIB: Final = 1 << 20
TOLERANCE: Final = 16 * MIB
"""How far the host's figure may be from the expected one at a settled point; or 1 %, where that is more."""

MOST: Final = 0.75
"""Share of a gain that must be seen: what is taken lands in pieces that the host holds already, and leaves new ones."""


class Finding(NamedTuple):
    """One line."""

    what: str
    expected: str
    measured: str
    ok: bool
    known: bool = False
    """Whether it is known that this may not hold: what the README says about it; such a one fails no check."""

    @property
    def fails(self) -> bool:
        """Whether it does not hold, and is not known not to."""
        return not self.ok and not self.known

    @property
    def mark(self) -> str:
        """How the table says it."""
        return "ok" if self.ok else "no, known" if self.known else "**no**"


def compare(what: str, expected: int, measured: int, untouched: int = 0) -> Finding:
    """The claim of the program: the host holds what is expected. Bytes.

    ``untouched``: what the kernel may have allocated and never written to, which the host does not hold.
    """
    bound = max(TOLERANCE, measured // 100)
    ok = -bound - untouched <= measured - expected <= bound
    return Finding(f"{what}: host", f"{mib(expected)}", f"{mib(measured)} ({difference(measured - expected)})", ok)


def compare_sizes(what: str, own: int, told: int) -> Finding:
    """A size that the host saw, and what the program says of it; within the same bound. Bytes."""
    ok = abs(told - own) <= max(TOLERANCE, abs(own) // 100)
    return Finding(what, mib(own), f"{mib(told)} ({difference(told - own)})", ok)


def foretold(what: str, predicted: int, came: int, *, known: bool = False) -> Finding:
    """A prediction, and what came of it; within 64 MiB or 5 %. Bytes."""
    ok = abs(came - predicted) <= max(64 * MIB, abs(came) // 20)
    return Finding(f"{what}: predicted", mib(predicted), f"{mib(came)} ({difference(came - predicted)})", ok, known)


def at_least(what: str, least: float, measured: float) -> Finding:
    """A lower bound, in bytes."""
    return Finding(what, f"≥ {mib(least)}", mib(measured), measured >= least)


def at_most(what: str, most: float, measured: float) -> Finding:
    """An upper bound, in bytes."""
    return Finding(what, f"≤ {mib(most)}", mib(measured), measured <= most)


def note(what: str, measured: str) -> Finding:
    """A figure that is printed and not checked."""
    return Finding(what, "", measured, True)


def mib(size: float) -> str:
    """A size in MiB."""
    return f"{size / MIB:.0f}"


def difference(size: int) -> str:
    """A signed size in MiB."""
    return f"{size / MIB:+.1f}"


def table(rows: Iterable[tuple[str, Finding]]) -> str:
    """The table in Markdown."""
    lines = ["| scenario | what (MiB) | expected | measured | |", "|---|---|---|---|---|"]
    last = ""
    for name, finding in rows:
        shown = "" if name == last else name
        last = name
        lines.append(f"| {shown} | {finding.what} | {finding.expected} | {finding.measured} | {finding.mark} |")
    return "\n".join(lines) + "\n"
