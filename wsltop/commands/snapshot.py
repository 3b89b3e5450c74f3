"""``wsltop snapshot``: one sample, or one each so many seconds."""

from __future__ import annotations

import itertools
from typing import Any

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
from wsltop.core.moment import Moment
from wsltop.core.prediction import Outcomes
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
    with sampling(settings, every or 1.0) as sampler:
        clock = system_of(settings).clock
        session = Session(every or 1.0)
        first = watch(sampler, session, clock, wait=wait)
        if every is None:
            show(first, None, as_json=as_json, indent=True)
            return
        for number in itertools.count(1):
            if session.moment is not None:
                show(session.moment, session.outcomes, as_json=as_json, indent=False)
            if number == count:
                return
            clock.sleep(every)
            session.take(sampler.sample())


def show(moment: Moment, outcomes: Outcomes | None, *, as_json: bool, indent: bool) -> None:
    """Print one moment."""
    if as_json:
        say((encode(moment, outcomes, indent=indent) + "\n").encode())  # JSON is UTF-8, whatever the locale
    else:
        from wsltop.report.text import report

        say_text(report(moment))
