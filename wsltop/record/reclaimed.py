"""The result of a reclaim, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from wsltop.core.experiment.curve import Crossing
from wsltop.core.reclaimed import Reclaimed, Returned
from wsltop.core.units import format_size
from wsltop.record.snapshot import Json


def reclaimed_lines(result: Reclaimed) -> Iterator[str]:
    """Yield what came back on each side, how fast, and how good the prediction was."""
    for name, returned in (("guest", result.expected), ("host", result.host)):
        if returned is None:
            yield f"{name:<10}not measured"
            continue
        size = returned.size
        text = f"{format_size(size)} given back" if size >= 0 else f"{format_size(-size)} more than before"
        yield f"{name:<10}{text}, t50 {tell_crossing(returned.half)}, t90 {tell_crossing(returned.most)}"
    if result.outcome is not None:
        outcome = result.outcome
        yield (
            f"{'predicted':<10}{format_size(outcome.predicted.estimate)}, came {format_size(outcome.gained)}, "
            f"error {format_size(outcome.error)}"
        )
    if not result.settled:
        yield f"{'':<10}it had not settled when the watch ended"


def tell_reclaimed(name: str, result: Reclaimed, note: str = "") -> str:
    """The result in a line: ``compact: returned 462 MiB, predicted 480 MiB, host 440 MiB, t50 1.0 s, t90 3.0 s``."""
    guest, host = result.expected, result.host
    parts = [] if guest is None else [f"returned {tell_amount(guest.size)}"]
    if result.outcome is not None:
        parts.append(f"predicted {format_size(result.outcome.predicted.estimate)}")
    if host is not None:
        parts.append(f"host {tell_amount(host.size)}")
    speed = () if guest is None else (("t50", guest.half), ("t90", guest.most))
    parts += [f"{word} {crossing.seconds:.1f} s" for word, crossing in speed if crossing is not None]
    parts += [] if result.settled else ["not settled"]
    parts += [note] if note else []
    return f"{name}: {', '.join(parts) or 'done, and not measured'}"


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
        "predicted": None if outcome is None else outcome.predicted.estimate,
        "gained": None if outcome is None else outcome.gained,
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
