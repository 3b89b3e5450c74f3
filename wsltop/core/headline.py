"""The headline: the explanation of a moment in sentences, the answer first."""

from __future__ import annotations

from wsltop.core.explanation import NOISE, NOISE_SHARE, Explanation, Outlook, Way
from wsltop.model.units import format_duration, format_size


def say_lent(explanation: Explanation) -> str:
    """How much is lent and to what: ``Windows lends 22.0 GiB; Linux uses 3.0 GiB. 19.0 GiB is file cache.``"""
    lent, cause = explanation.lent, explanation.lent.cause
    who = explanation.host_name
    lends = f"{who[0].upper()}{who[1:]} {'lends' if lent.measured else 'is expected to lend'} {format_size(lent.size)}"
    uses = f"{lends}; Linux uses {format_size(lent.used)}."
    if lent["trimmed"] <= -max(NOISE, int(lent.size * NOISE_SHARE)):
        return f"{uses} {who[0].upper()}{who[1:]} has trimmed or compressed {format_size(-lent['trimmed'])}."
    if cause.id == "programs":
        return f"{uses} Programs hold {format_size(cause.size)}."
    return f"{uses} {format_size(cause.size)} is {cause.name}."


def say_way(way: Way) -> str:
    """What to press or run, what it gives, and what it costs."""
    start = f"press {way.key} to {way.does}" if way.key else way.does
    if way.id == "wait":
        left = "" if way.seconds is None else f", about {format_duration(way.seconds)} to go"
        return f"Wait: {format_size(way.gives)} is on its way back{left}."
    cost = f" ({way.cost})" if way.cost else ""
    return f"{start[0].upper()}{start[1:]}: gives back about {format_size(way.gives)}{cost}."


def say_outlook(outlook: Outlook) -> str:
    """Whether WSL does it without help, and when or why not."""
    if outlook.answer == "yes":
        when = "" if outlook.latest is None else f" within {format_duration(outlook.latest)}"
        return f"WSL gives memory back{when} if the VM stays idle."
    if outlook.answer == "unknown":
        when = "" if outlook.known_in is None else f" (known in {format_duration(outlook.known_in)})"
        return f"Whether WSL does it is not known yet: {outlook.reason}{when}."
    who = ", ".join(f"{name} {share * 100:.2g} %" for name, share in outlook.by)
    rest = "" if outlook.latest is None else f"; after {format_duration(outlook.latest)} of rest it does"
    return f"WSL will not do it now: {outlook.reason}{f' ({who})' if who else ''}{rest}."


def say_matter(explanation: Explanation) -> str:
    """What Windows has left, and whether WSL is the reason that it is short."""
    matter, who = explanation.matter, explanation.host_name
    if matter.available is None or matter.total is None:
        return f"What {who} has left is not known."
    left = f"{who[0].upper()}{who[1:]} has {format_size(matter.available)} of {format_size(matter.total)} left"
    if matter.id == "windows-short-elsewhere":
        return f"{left}, and it is not WSL, which has {format_size(explanation.lent.size)}."
    return f"{left}."


def headline(explanation: Explanation) -> tuple[str, ...]:
    """The answer in up to four sentences: what is lent and why, what is left, what to press, what WSL does."""
    lines = [say_lent(explanation), say_matter(explanation)]
    best, cause = explanation.best, explanation.lent.cause
    if best is not None and explanation.matter.id != "windows-short-elsewhere" and cause.id != "on-its-way":
        lines.append(say_way(best))
    if explanation.outlook is not None and explanation.matter.id != "windows-short-elsewhere":
        lines.append(say_outlook(explanation.outlook))
    return tuple(lines)
