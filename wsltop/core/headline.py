"""The headline: the explanation of a moment in sentences, the answer first."""

from __future__ import annotations

from typing import Final

from wsltop.core.explanation import Explanation, Outlook, Way
from wsltop.core.ledger import NOISE, NOISE_SHARE, Lent
from wsltop.model.units import MIB, format_duration, format_size

SMALL: Final = 32 * MIB
"""Parts below this are added up into one."""


def say_parts(lent: Lent) -> str:
    """The parts of what is lent, largest first: ``19.0 GiB file cache, 2.0 GiB memory of programs``."""
    told = sorted((part for part in lent.parts if part.size >= SMALL), key=lambda part: -part.size)
    texts = [f"{format_size(part.size)} {part.name}" for part in told]
    rest = lent.size - sum(part.size for part in told)
    if trimmed(lent):
        texts.append(f"less {format_size(-lent['trimmed'])} trimmed or compressed by Windows")
        rest -= lent["trimmed"]
    return ", ".join((*texts, f"{format_size(rest)} other") if abs(rest) >= MIB else texts)


def trimmed(lent: Lent) -> bool:
    """Whether Windows holds less than it should by more than the error of two clocks and two kernels."""
    return lent["trimmed"] <= -max(NOISE, int(lent.size * NOISE_SHARE))


def say_rest(lent: Lent) -> str:
    """What differs from what Linux should hold: on its way back, the VM itself, or trimmed."""
    rest = [part for part in lent.parts if part.id in ("on-its-way", "vm-itself", "trimmed", "not-known")]
    return ", ".join(f"{format_size(abs(part.size))} {part.name}" for part in rest)


def say_lent(explanation: Explanation) -> str:
    """How much is lent and to what: ``Windows lends 22.0 GiB; Linux uses 3.0 GiB. 19.0 GiB is file cache.``"""
    lent, cause = explanation.lent, explanation.lent.cause
    who = explanation.host_name
    lends = f"{who[0].upper()}{who[1:]} {'lends' if lent.measured else 'is expected to lend'} {format_size(lent.size)}"
    uses = f"{lends}; Linux uses {format_size(lent.used)}."
    if trimmed(lent):
        return f"{uses} {who[0].upper()}{who[1:]} has trimmed or compressed {format_size(-lent['trimmed'])}."
    if cause.id == "programs":
        return f"{uses} Programs hold {format_size(cause.size)}."
    return f"{uses} {format_size(cause.size)} is {cause.name}."


def say_way(way: Way, *, screen: bool = True) -> str:
    """What to press on the screen, or else to run; what it gives, and what it costs."""
    if way.id == "wait":
        left = "" if way.seconds is None else f", about {format_duration(way.seconds)} to go"
        return f"Wait: {format_size(way.gives)} is on its way back{left}."
    start = f"press {way.key} to {way.does}" if screen and way.key else way.does
    cost = f" ({way.cost})" if way.cost else ""
    run = "" if screen or not way.command or "\n" in way.command else f" Run: {way.command}"
    return f"{start[0].upper()}{start[1:]}: gives back about {format_size(way.gives)}{cost}.{run}"


def say_outlook(outlook: Outlook) -> str:
    """Whether WSL does it without help, and when or why not."""
    if outlook.answer == "yes":
        when = "" if outlook.latest is None else f" within {format_duration(outlook.latest)}"
        return f"WSL gives memory back{when} if the VM stays idle."
    if outlook.answer == "unknown":
        when = "is not known" if outlook.known_in is None else f"can be said in {format_duration(outlook.known_in)}"
        return f"Whether WSL gives it back without help {when}: {outlook.reason}."
    who = ", ".join(f"{name} {share * 100:.2g} %" for name, share in outlook.by)
    rest = "" if outlook.latest is None else f"; after {format_duration(outlook.latest)} of rest it does"
    return f"WSL gives nothing back by itself now: {outlook.reason}{f' ({who})' if who else ''}{rest}."


def say_matter(explanation: Explanation) -> str:
    """What Windows has left, and whether WSL is the reason that it is short."""
    matter, who = explanation.matter, explanation.host_name
    if matter.available is None or matter.total is None:
        return f"What {who} has left is not known."
    left = f"{who[0].upper()}{who[1:]} has {format_size(matter.available)} of {format_size(matter.total)} left"
    if matter.runs_out is not None:
        left += f", and will have a tenth of it left in {format_duration(matter.runs_out)} at this pace"
    if matter.id == "windows-short-elsewhere":
        return f"{left}, and it is not WSL, which has {format_size(explanation.lent.size)}."
    return f"{left}."


def headline(explanation: Explanation, *, screen: bool = True) -> tuple[str, ...]:
    """The answer in up to four sentences: what is lent and why, what is left, what to press, what WSL does.

    Where there is no screen, commands stand in place of keys.
    """
    lines = [say_lent(explanation), say_matter(explanation)]
    best, cause = explanation.best, explanation.lent.cause
    if best is not None and explanation.matter.id != "windows-short-elsewhere" and cause.id != "on-its-way":
        lines.append(say_way(best, screen=screen))
    if explanation.outlook is not None and explanation.matter.id != "windows-short-elsewhere":
        lines.append(say_outlook(explanation.outlook))
    return tuple(lines)
