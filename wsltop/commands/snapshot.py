"""``wsltop snapshot``: one sample, or one each so many seconds."""

from __future__ import annotations

import itertools
from typing import Any, TypeAlias

import click

from wsltop.commands.common import (
    INTERVAL,
    Seconds,
    host_options,
    merge,
    sampling,
    say,
    say_text,
    system_of,
    watch,
)
from wsltop.config import Settings
from wsltop.core.session import Session
from wsltop.errors import UsageError
from wsltop.report.snapshot import encode


@click.command("snapshot")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names, for programs.")
@click.option("--every", type=INTERVAL, help="Go on, one sample each so many seconds; with --json one line each.")
@click.option("--count", type=click.IntRange(1), help="With --every, end after so many samples.")
@click.option("--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Seconds for Windows to answer.")
@host_options
@click.pass_obj
def command(
    settings: Settings, /, as_json: bool, every: float | None, count: int | None, wait: float, **options: Any
) -> None:
    """Print one sample: for people, or with --json for programs."""
    settings = merge(settings, options)
    if count is not None and every is None:
        raise UsageError("--count says how often, so it needs --every SECONDS")
    interval = every or 1.0
    with sampling(settings, interval) as sampler:
        clock = system_of(settings).clock
        session = Session(interval, frozenset(settings.silence))
        watch(sampler, session, clock, wait=wait)
        shown: frozenset[Seen] = frozenset()
        for number in itertools.count(1):
            shown = show(session, shown, as_json=as_json, indent=every is None)
            if every is None or number == count:
                return
            clock.sleep(every)
            session.take(sampler.sample())


Seen: TypeAlias = "tuple[str, str, float, float]"
"""What tells an event from another, and from itself when it has gone on since."""


def show(session: Session, shown: frozenset[Seen], *, as_json: bool, indent: bool) -> frozenset[Seen]:
    """Print a session's newest moment with the events that are not in ``shown``; all events that are shown now."""
    events = {(event.kind, event.origin, event.start, event.end): event for event in session.journal.events()}
    new = tuple(event for seen, event in events.items() if seen not in shown)
    if session.moment is None:
        return frozenset(events)
    if as_json:
        say((encode(session, new, indent=indent) + "\n").encode())  # JSON is UTF-8, whatever the locale
    else:
        from wsltop.report.text import report

        say_text(report(session, new))
    return frozenset(events)
