"""The report for people as plain text, and the result of a reclaim."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from textwrap import wrap as wrap_text
from typing import Final

import msgspec

from wsltop.core.curve import Crossing
from wsltop.core.diagnosis.rules import answer
from wsltop.core.events import tell_kind
from wsltop.core.ledger import Ledger
from wsltop.core.moment import NOT_YET, ConfigView, Moment
from wsltop.core.reclaimed import Reclaimed, Returned
from wsltop.core.session import Session
from wsltop.core.wslconfig.effective import Comparison, Suggestion
from wsltop.core.wslconfig.lint import ConfigFinding
from wsltop.model.sample import Event, Hog, HostMemory, Reading, Unavailable, WslconfigFile
from wsltop.model.text import clean, format_clock, format_size
from wsltop.report.snapshot import Json

EVENTS: Final = 20
"""The newest events that a report lists."""
WIDTH: Final = 80
wrap = partial(wrap_text, width=WIDTH, break_on_hyphens=False)


def report(session: Session, events: Sequence[Event]) -> str:
    """All that the screen says at a session's newest moment, ending with a newline; the answer comes first."""
    return "" if session.moment is None else "\n".join(report_lines(session, session.moment, events)) + "\n"


def report_lines(session: Session, moment: Moment, events: Sequence[Event]) -> Iterator[str]:
    """Yield the report's lines."""
    sample = moment.sample
    identity = sample.identity
    yield f"wsltop {stamp(sample.time)}"
    yield f"distro  {tell(identity.distro)}"
    yield f"WSL     {tell(identity.wsl_version)}"
    yield f"kernel  {tell(identity.kernel)}"
    yield ""
    for sentence in answer(session.findings, session.explanation):
        yield from wrap(clean(sentence), subsequent_indent="  ")
    yield ""
    yield from host_lines(moment)
    yield ""
    yield from guest_lines(moment.ledger)
    yield ""
    yield from lent_lines(moment)
    if sample.hogs:
        yield ""
        yield "hogs"
        yield from (hog_line(hog) for hog in sample.hogs)
    if events:
        yield ""
        yield "events"
        yield from (event_line(event, sample.time) for event in events[-EVENTS:])


def host_lines(moment: Moment) -> Iterator[str]:
    """Yield what the host says, or why it does not."""
    host: Reading[HostMemory] = moment.sample.host
    if isinstance(host, Unavailable):
        yield f"host    unknown: {tell(host)}"
        ledger = moment.ledger
        if not isinstance(ledger, Unavailable) and not isinstance(ledger.expected_host, Unavailable):
            yield amount("expected", ledger.expected_host)
        return
    age = max(0.0, moment.sample.monotonic - host.read_at)
    yield f"host    {clean(host.process)} (pid {host.pid}), by {host.source}, {age:.1f} s ago"
    yield amount("working set", host.working_set)
    for name, reading in (("private bytes", host.private_bytes), ("total", host.total), ("available", host.available)):
        yield f"  {name:<34} {tell(reading):>10}" if isinstance(reading, Unavailable) else amount(name, reading)


def guest_lines(ledger: Reading[Ledger]) -> Iterator[str]:
    """Yield the guest's figures and buckets."""
    if isinstance(ledger, Unavailable):
        yield f"guest   unknown: {tell(ledger)}"
        return
    yield "guest"
    for name in ("total", "used", "free", "available"):
        yield amount(name, getattr(ledger, name))
    yield "of which"
    for name in ("anonymous", "shared", "cache", "slab_reclaimable", "slab_unreclaimable", "page_tables"):
        yield amount(name.replace("_", " "), getattr(ledger, name))
    yield amount("huge pages", ledger.huge_pages)
    yield amount("freed inside huge pages", ledger.freed_in_huge)
    yield amount("Windows and its programs" if ledger.of_windows else "other kernel", ledger.kernel_other)
    split = ledger.free_split
    if isinstance(split, Unavailable):
        yield f"  free memory is not split: {tell(split)}"
    else:
        yield amount("fragmented free", split.fragmented)
        yield amount("reportable free", split.reportable)
    if not isinstance(ledger.reporting, Unavailable):
        assumed = " (assumed)" if ledger.reporting.assumed else ""
        order = "never" if ledger.never_reported else str(ledger.reporting.order)
        yield f"  {'reporting order':<34} {order:>10}{assumed}"
    if ledger.swap_total:
        used = "unknown" if isinstance(ledger.swap_used, Unavailable) else format_size(ledger.swap_used)
        yield f"  {'swap':<34} {used:>10} of {format_size(ledger.swap_total)}"


def lent_lines(moment: Moment) -> Iterator[str]:
    """Yield how much is lent, and its parts."""
    lent = moment.lent
    if isinstance(lent, Unavailable):
        yield f"lent    unknown: {tell(lent)}"
        return
    kind = "" if lent.measured else " (expected, not measured)"
    yield f"lent    {format_size(lent.size)}{kind}"
    for part in sorted(lent.parts, key=lambda part: -part.size):
        yield amount(part.name, part.size)


def hog_line(hog: Hog) -> str:
    """One hog."""
    speed = "" if hog.speed is None else f", {format_size(hog.speed)}/s"
    kind = tell_kind(hog.kind, incompressible=hog.incompressible)
    return f"  {hog.pid:>7} {kind} {format_size(hog.resident)} of {format_size(hog.target)}{speed}, {hog.status}"


def event_line(event: Event, now: float) -> str:
    """One event, with its date where that is another day than ``now``."""
    return f"  {format_clock(event.time, now)} {event.kind:<17} {clean(event.text)} [{event.origin}]"


def stamp(wall_clock: float) -> str:
    """A date and a time, with how far its zone is from UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(wall_clock))


def amount(name: str, size: int) -> str:
    """A name and a size, aligned."""
    return f"  {name:<34} {format_size(size):>10}"


def tell(reading: Reading[str] | Reading[int]) -> str:
    """A value as text, or why there is none."""
    return clean(str(reading))


def reclaimed_lines(result: Reclaimed) -> Iterator[str]:
    """Yield what came back on each side, how fast, and how good the prediction was."""
    for name, returned in (("guest", result.expected), ("host", result.host)):
        if returned is None:
            yield f"{name:<10}not measured"
            continue
        size = returned.size
        text = f"{format_size(size)} given back" if size >= 0 else f"{format_size(-size)} more than before"
        if returned.half is None:  # what does not stand out of the noise has no time
            yield f"{name:<10}{text}{', within noise' if size > 0 else ''}"
            continue
        yield f"{name:<10}{text}, t50 {tell_crossing(returned.half)}, t90 {tell_crossing(returned.most)}"
    if result.outcome is not None:
        outcome = result.outcome
        yield (
            f"{'predicted':<10}{format_size(outcome.predicted.likely)}, came {format_size(outcome.gained)}, "
            f"error {format_size(outcome.error)}{f'; {outcome.miss}' if outcome.miss else ''}"
        )
    if not result.settled:
        yield f"{'':<10}it had not settled when the watch ended"


def tell_reclaimed(name: str, result: Reclaimed, note: str = "") -> str:
    """The result in a line: ``compact: returned 462 MiB, predicted 480 MiB, host 440 MiB, t50 1.0 s, t90 3.0 s``."""
    guest, host = result.expected, result.host
    parts = [] if guest is None else [f"returned {tell_amount(guest.size)}"]
    if result.outcome is not None:
        parts.append(result.outcome.miss or f"predicted {format_size(result.outcome.predicted.likely)}")
    if host is not None:
        parts.append(f"host {tell_amount(host.size)}")
    speed = () if guest is None else (("t50", guest.half), ("t90", guest.most))
    parts += [f"{word} {crossing.seconds:.1f} s" for word, crossing in speed if crossing is not None]
    parts += [] if result.settled else ["not settled"]
    parts += [note] if note else []
    return f"{name}: {', '.join(parts) or 'done, and not measured'}"


def say_reclaimed(result: Reclaimed) -> str:
    """The result for people, in the order in which it is cut: ``Windows got 440 MiB back in 3.0 s, Linux freed …``."""
    guest, host = result.expected, result.host
    parts = ["Windows was not read"]
    if host is not None:
        speed = "" if host.most is None else f" in {host.most.seconds:.1f} s"
        parts = [f"Windows got {format_size(host.size)} back{speed}" if host.size > 0 else "Windows got nothing back"]
    if guest is not None:
        parts.append(f"Linux freed {tell_amount(guest.size)} for it")
    if result.outcome is not None:
        parts.append(result.outcome.miss or f"predicted {format_size(result.outcome.predicted.likely)}")
    return ", ".join([*parts, *([] if result.settled else ["not settled"])])


def tell_amount(size: int) -> str:
    """What came back, or that it did not."""
    return format_size(size) if size >= 0 else f"nothing ({format_size(-size)} more than before)"


def tell_crossing(crossing: Crossing | None) -> str:
    """Seconds with their uncertainty."""
    return "never" if crossing is None else f"{crossing.seconds:.1f} s (±{crossing.uncertainty:.1f})"


def encode_reclaimed(action: str, result: Reclaimed) -> str:
    """The result as one JSON object."""
    outcome = result.outcome
    document: dict[str, Json] = {
        "schema": 1,
        "action": action,
        "guest": returned_part(result.expected),
        "host": returned_part(result.host),
        "predicted": None if outcome is None else outcome.predicted.likely,
        "predicted_low": None if outcome is None else outcome.predicted.low,
        "predicted_high": None if outcome is None else outcome.predicted.high,
        "gained": None if outcome is None else outcome.gained,
        "within": None if outcome is None else not outcome.miss,
        "error": None if outcome is None else outcome.error,
        "settled": result.settled,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def returned_part(returned: Returned | None) -> Json:
    """One side."""
    if returned is None:
        return {"unavailable": "it could not be measured", "hint": ""}
    return {
        "before": returned.before,
        "after": returned.after,
        "returned": returned.size,
        "t50": None if returned.half is None else returned.half.seconds,
        "t90": None if returned.most is None else returned.most.seconds,
    }


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
    file: WslconfigFile,
    config: Reading[ConfigView],
    comparisons: tuple[Comparison, ...],
    suggestion: Reading[Suggestion],
) -> str:
    """All of it, ending with a newline."""
    return "\n".join(settings_lines(file, config, comparisons, suggestion)) + "\n"


def settings_lines(
    file: WslconfigFile,
    config: Reading[ConfigView],
    comparisons: tuple[Comparison, ...],
    suggestion: Reading[Suggestion],
) -> Iterator[str]:
    """Yield file, mode, what is asked for and what is there, findings, suggestion."""
    state = "" if file.present else ": there is none, so WSL's defaults hold"
    yield f"{clean(file.path)}{state} ({CHOSEN[file.chosen_by]})"
    if not isinstance(config, Unavailable):
        mode = config.reclaim
        told = f"autoMemoryReclaim  {mode.mode} ({mode.certainty}: {clean(mode.source)})"
        yield from wrap(told, subsequent_indent="  ")
    yield from comparison_lines(comparisons)
    if not isinstance(config, Unavailable):
        yield ""
        if not config.findings:
            yield "Nothing is wrong with it."
        for finding in config.findings:
            yield from wrap(tell_finding(finding), subsequent_indent="  ")
            if finding.remedy:
                yield from wrap(clean(finding.remedy), initial_indent="  -> ", subsequent_indent="     ")
    if isinstance(suggestion, Unavailable):
        if suggestion is not NOT_YET:
            yield ""
            yield from wrap(f"{clean(suggestion.reason)}.", subsequent_indent="  ")
    else:
        yield ""
        yield f"For what was seen now, this would do under [wsl2]: {clean(suggestion.line)}"
        for reason in suggestion.reasons:
            yield from wrap(clean(reason), initial_indent="  - ", subsequent_indent="    ")


def comparison_lines(comparisons: tuple[Comparison, ...]) -> Iterator[str]:
    """Yield a table of what the file asks for and what the VM has; nothing where there is nothing to compare."""
    if comparisons:
        yield ""
        yield f"{'setting':<26}{'asked for':<26}in force"
    for comparison in comparisons:
        sign = {True: "", False: "  differs", None: "  cannot tell"}[comparison.agrees]
        asked, there = clean(comparison.configured), clean(comparison.actual)
        yield f"{clean(comparison.key):<26}{asked:<26}{there}{sign}"


def tell_finding(finding: ConfigFinding) -> str:
    """What is wrong with a setting, and in which line."""
    where = "" if finding.line is None else f"line {finding.line}: "
    return f"{finding.severity} {where}{clean(finding.text)} [{finding.id}]"
