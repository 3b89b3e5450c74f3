"""``wsltop replay``: a recording on the screen, or one moment of it as text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import click

from wsltop.commands.common import complete_times, say, say_text
from wsltop.config import Settings, state_folder
from wsltop.errors import UsageError, WsltopError
from wsltop.model.text import clean
from wsltop.recording.player import Player
from wsltop.recording.reader import Recording
from wsltop.report.snapshot import encode
from wsltop.report.text import report

SAMPLE = "sample.wsltop"
"""The recording that comes with the package, in ``wsltop.recording``."""
SAMPLE_TITLE = "sample.txt"
"""One line about it: what it shows, and where it was taken."""


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--sample", is_flag=True, help="Replay the recording that comes with wsltop instead of FILE.")
@click.option(
    "--at",
    metavar="TIME",
    shell_complete=complete_times,
    help="Print that moment: -5m (before the end), 90s, 50%, 14:03, start, end.",
)
@click.option("--json", "as_json", is_flag=True, help="With --at, print JSON with stable names, for programs.")
@click.option("--text", "as_text", is_flag=True, help="With --at, print text for people; that is the default.")
@click.pass_obj
def command(
    settings: Settings,
    /,
    file: Path | None,
    sample: bool,
    at: str | None,
    as_json: bool,
    as_text: bool,
) -> None:
    """Show a recording on the screen, with the keys of the live screen; or with --at one moment of it.

    Keys: space pause, [ ] step, { } previous and next event, g go to a time, comma and period speed.
    """
    if sample == (file is not None):
        raise UsageError("say what to replay: either FILE or --sample")
    if as_json and as_text:
        raise UsageError("--json and --text exclude each other")
    if at is None and (as_json or as_text):
        raise UsageError("--json and --text print one moment: say which one with --at TIME")
    with opened(file) as (recording, title):
        if at is not None:
            print_moment(recording, at, as_json=as_json)
            return
        raise SystemExit(show(recording, title, settings))


@contextmanager
def opened(file: Path | None) -> Iterator[tuple[Recording, str]]:
    """The recording, or the packaged one without ``file``, and its title. At the end it says what is damaged."""
    with ExitStack() as stack:
        title = "" if file is None else file.name
        if file is None:
            file = stack.enter_context(as_file(files("wsltop.recording") / SAMPLE))
            if not file.is_file():
                raise WsltopError("this installation of wsltop has no sample recording: make one with wsltop record")
            title = (files("wsltop.recording") / SAMPLE_TITLE).read_text(encoding="utf-8").strip()
        recording = stack.enter_context(Recording.open(file))
        yield recording, title
        if recording.note:
            click.echo(f"wsltop: {clean(str(file))}: {recording.note}", err=True)


def play(recording: Recording, at: str) -> Player:
    """A player that stands still at a place.

    Raises:
        UsageError: there is no such place.
    """
    try:
        return Player(recording, at, paused=True)
    except ValueError as error:
        raise UsageError(f"--at {error}") from None


def print_moment(recording: Recording, at: str, *, as_json: bool) -> None:
    """Print what the screen would say at a place."""
    player = play(recording, at)
    if as_json:
        say((encode(player.session, player.session.journal.events()) + "\n").encode())
    else:
        say_text(report(player.session, player.session.journal.events()))


def show(recording: Recording, title: str, settings: Settings, *, demo: bool = False) -> int:
    """Open the screen, or print the end of the recording where there is no terminal to open it on.

    With ``demo`` the result of the demo in the recording is shown too.
    """
    from wsltop.ui.terminal import why_no_screen

    why = why_no_screen(sys.stdin, sys.stdout, sys.stderr, os.environ)
    if why is not None:
        click.echo(f"wsltop: {why}, so this is the end of the recording; see --at", err=True)
        print_moment(recording, "end", as_json=False)
        return 0
    from wsltop.ui.terminal import prepare_start

    prepare_start()
    from wsltop.ui.launch import replay

    return replay(recording, settings, state_folder(), title=title, demo=demo)
