"""``wsltop report``: what an issue needs, as Markdown, of now or of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from wsltop.commands.common import Seconds, complete_times, host_options, merge, sampling, say_text, system_of
from wsltop.commands.common import watch as watch_machine
from wsltop.commands.replay import opened, play
from wsltop.config import Settings
from wsltop.core.diagnosis.rules import diagnose
from wsltop.core.session import Session
from wsltop.errors import UsageError, WsltopError
from wsltop.host.distros import ask_distros
from wsltop.model.sample import NOT_RECORDED, Distros
from wsltop.model.text import clean
from wsltop.private import write_private
from wsltop.recording.player import Player
from wsltop.recording.reader import Recording
from wsltop.report.issue import IssueInput, issue
from wsltop.report.redact import this_machine

AT_HELP = "With FILE, the moment to report: -5m, 90s, 14:03.  [default: end]"
AROUND: Final = {
    "oom": "oom kill",
    "compaction": "compaction",
    "drop": "cache drop",
    "swap": "swap",
    "stall": "stall",
    "balloon": "balloon",
    "hog": "hog",
    "mark": "mark",
    "gap": "gap",
}
"""Kinds of events by the names that ``--around`` takes."""
STEP = 0.5
"""Seconds between two samples while it watches."""


@click.command("report")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--at", metavar="TIME", shell_complete=complete_times, help=AT_HELP)
@click.option("--around", type=click.Choice(AROUND), help="With FILE, report its last event of that kind.")
@click.option("--redact/--no-redact", default=True, show_default=True, help="Take out names, paths, addresses, ids.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="Write to a file.")
@click.option("--watch", type=Seconds(0, 3600), default=3.0, show_default=True, help="Live: seconds to watch before.")
@click.option(
    "--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Live: seconds for Windows to answer."
)
@host_options
@click.pass_obj
def command(
    settings: Settings,
    /,
    file: Path | None,
    at: str | None,
    around: str | None,
    redact: bool,
    output: Path | None,
    watch: float,
    wait: float,
    **options: Any,
) -> None:
    """Print a report for an issue, as Markdown: of now, or of the recording FILE."""
    settings = merge(settings, options)
    if at is not None and around is not None:
        raise UsageError("--at and --around exclude each other")
    if file is None:
        if at is not None or around is not None:
            raise UsageError("--at and --around are about a recording: give its FILE")
        case = look(settings, watch, wait)
    else:
        with opened(file) as (recording, title):
            player = play(recording, at or "end") if around is None else play_around(recording, around)
            case = case_of(player.session, f"from the recording {title}", NOT_RECORDED)
    text = issue(case, this_machine() if redact else None)
    if output is None:
        say_text(text)
        return
    try:
        write_private(output, text)
    except OSError as error:
        raise WsltopError(f"cannot write {clean(str(output))}: {error.strerror or error}") from error


def play_around(recording: Recording, name: str) -> Player:
    """A player that stands still at the last event of a kind.

    Raises:
        WsltopError: the recording has none.
    """
    kind = AROUND[name]
    number = recording.index_of_event(kind)
    if number is None:
        others = [one for one, other in AROUND.items() if other in recording.event_kinds()]
        there = f"; --around finds {', '.join(others)} there" if others else ""
        raise WsltopError(f"{clean(str(recording.path))} has no event of the kind {kind}{there}")
    return Player(recording, number, paused=True)


def look(settings: Settings, watch: float, wait: float) -> IssueInput:
    """Watch this machine until ``watch`` seconds are over and Windows has answered; processes and all."""
    session = Session(STEP, frozenset(settings.silence))
    system = system_of(settings)
    with sampling(settings, STEP) as sampler:
        sampler.survey.attentive = True
        # Two samples at least: the second tells what moves.
        watch_machine(sampler, session, system.clock, wait=wait, seconds=max(watch, STEP))
    # Only now: a program of Windows costs both sides a little.
    roster = ask_distros(system.windows)
    return case_of(session, "taken live", roster)


def case_of(session: Session, origin: str, roster: Distros) -> IssueInput:
    """What a session knows of its newest moment."""
    if session.moment is None:
        raise WsltopError("there is nothing to report")
    return IssueInput(
        moment=session.moment,
        findings=diagnose(session.evidence(session.moment)),
        events=session.journal.events(),
        config=session.insight.config,
        roster=roster,
        origin=origin,
    )
