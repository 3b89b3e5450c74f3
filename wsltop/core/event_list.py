"""The rows of the list of events: what log and counters say of one act is one row, and so are its repeats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from wsltop.core.event_log import EACH_MINUTE, first_text, is_line, merge
from wsltop.core.events import plural, times
from wsltop.model.sample import Event
from wsltop.model.text import format_duration, format_size

TOLD_TWICE: Final = frozenset({"compaction", "cache drop", "oom kill"})
"""Kinds of acts that the kernel both logs and counts."""
KILLED: Final = re.compile(r".*\bKilled process \d+ ")
"""The line of a kill that names the process; the lines around it say what led to it."""
ROUTINE: Final = frozenset({"compaction", "proactive reclaim", "return"})
"""Kinds of events that WSL's own cleaning consists of."""
Row: TypeAlias = list[Event]
"""The events of one row, the first one first."""


class EventGroup(Event, frozen=True, kw_only=True):
    """Several events as one; it has the time of the first."""

    parts: tuple[Event, ...]
    """In time order."""


def parts_of(event: Event) -> tuple[Event, ...]:
    """The events that an act or a row of the list stands for."""
    return event.parts if isinstance(event, EventGroup) else (event,)


def join_signs(events: Iterable[Event], apart: float) -> tuple[Event, ...]:
    """The acts that events in time order tell of: the lines of the log and the counts of one act are one.

    Most of two thousand events pass here untouched, at each second in which one comes.

    Args:
        events: the events.
        apart: seconds between a line of the log and the count of the same act at most.
    """
    rows: list[Row | Event] = []
    open_rows: dict[str, Row] = {}
    for event in events:
        if event.kind in TOLD_TWICE:
            row = open_rows.get(event.kind)
            if row is not None and event.start - row[-1].start <= apart and is_sign_of(event, row):
                row.append(event)
                continue
            open_rows[event.kind] = row = [event]
            rows.append(row)
        else:
            rows.append(event)
    return close(rows, apart)


def close(rows: Iterable[Row | Event], apart: float) -> tuple[Event, ...]:
    """Each row as one event; what stands alone stays as it is."""
    return tuple(row if isinstance(row, Event) else row[0] if len(row) == 1 else group(row, apart) for row in rows)


def is_sign_of(event: Event, row: Row) -> bool:
    """Whether an event tells of the act of a row: one line and one count do; of a kill the kernel writes many lines."""
    return (event.kind == "oom kill" and is_line(event)) or is_line(event) not in map(is_line, row)


def fold_rounds(acts: Iterable[Event], apart: float) -> tuple[Event, ...]:
    """The rows of the list: a round of WSL's own cleaning is in those of the round before, if nothing came between.

    WSL compacts each 30 s or each minute for hours, and in the mode gradual reclaims a part before; each gives
    something back.

    Args:
        acts: what ``join_signs`` returns.
        apart: seconds, as there.
    """
    folded: list[Row | Event] = []
    cycle: dict[tuple[str, str, bool], Row] = {}
    for act in acts:
        if act.kind not in ROUTINE:
            cycle = {}
            folded.append(act)
            continue
        key = routine(act)
        last = None if key is None else cycle.get(key)
        if last is not None and act.start - max(event.end for event in last) <= EACH_MINUTE:
            last.append(act)
            continue
        if key is None or (key[0] == "return" and any(kind == "return" for kind, _, _ in cycle)):
            cycle = {}
        if key is not None:
            cycle[key] = row = [act]
            folded.append(row)
        else:
            folded.append(act)
    return close(folded, apart)


def routine(act: Event) -> tuple[str, str, bool] | None:
    """What a round of cleaning has in common with the next; None for what interrupts it."""
    match act.kind:
        case "proactive reclaim":
            return act.kind, "", False
        case "return":
            return act.kind, cause_told(act), is_measured(act)
        case "compaction" if any(is_line(event) or event.amounts.get("requested") for event in parts_of(act)):
            return act.kind, "", False
    return None


def is_measured(event: Event) -> bool:
    """Whether what came back was read from Windows, as the text of a return says, or only expected."""
    return event.text.startswith("Windows")


def cause_told(event: Event) -> str:
    """What the text of a return names as its cause."""
    return event.text.partition(";")[0].rpartition(": ")[2]


def group(row: Row, apart: float) -> EventGroup:
    """Several events or acts as one."""
    parts = tuple(sorted((part for one in row for part in parts_of(one)), key=lambda event: event.start))
    first = parts[0]
    counts = [event for event in parts if not is_line(event)]
    amounts: dict[str, int] = {}
    for event in counts:
        for name, amount in event.amounts.items():
            if not name.startswith(("predicted", "within")):  # not each of them has these
                amounts[name] = amounts.get(name, 0) + amount
    return EventGroup(
        kind=first.kind,
        origin=first.origin,
        time=first.time,
        start=first.start,
        end=max(event.end for event in parts),
        text=tell_group(parts, counts, apart),
        memory=any(event.memory for event in parts),
        level=min(event.level for event in parts),
        amounts=amounts,
        parts=parts,
    )


def tell_group(parts: Sequence[Event], counts: Sequence[Event], apart: float) -> str:
    """The text of a row: what was counted, then what the log says."""
    lines = [event for event in parts if is_line(event)]
    if parts[0].kind == "oom kill":
        return tell_kills(lines, counts)
    if parts[0].kind == "return":
        return tell_returns(counts)
    return "; ".join(filter(None, [tell_counts(counts, apart), *tell_lines(lines)]))


def tell_counts(counts: Sequence[Event], apart: float) -> str:
    """The text of what was counted, all rounds together."""
    if not counts:
        return ""
    whole = counts[0]
    for event in counts[1:]:
        whole = merge(whole, event, apart=apart)
    if len(counts) > 1 and whole.kind == "proactive reclaim":
        return f"{times(len(counts))}: {whole.text}"
    return whole.text


def tell_lines(lines: Sequence[Event]) -> Iterable[str]:
    """Yield each text of the log once, and how often it was repeated."""
    repeats: dict[str, int] = {}
    for line in lines:
        text = first_text(line)
        repeats[text] = repeats.get(text, -1) + 1 + line.amounts.get("repeats", 0)
    for text, more in repeats.items():
        yield f"{text} (repeated {times(more)})" if more else text


def tell_kills(lines: Sequence[Event], counts: Sequence[Event]) -> str:
    """``Out of memory: Killed process 5017 (cc1plus) …``: the victims first, then the lines that led to it."""
    victims = [line for line in lines if KILLED.match(line.text)]
    killed = max(len(victims), sum(event.amounts.get("killed", 0) for event in counts))
    told = [] if victims and killed == 1 else [f"{plural(killed, 'process', 'processes')} killed: out of memory"]
    rest = [line for line in lines if line not in victims]
    return "; ".join([*(told if killed else ()), *tell_lines(victims), *tell_lines(rest)])


def tell_returns(returns: Sequence[Event]) -> str:
    """``Windows got 657 MiB back, 2 times over 33 s: memory was compacted``."""
    first, got = returns[0], format_size(sum(event.amounts.get("got", 0) for event in returns))
    seconds = max(event.end for event in returns) - first.start
    what = (
        f"Windows got {got} back"
        if is_measured(first)
        else f"Linux has {got} more free for Windows (Windows was not read)"
    )
    return f"{what}, {times(len(returns))} over {format_duration(seconds)}: {cause_told(first)}"
