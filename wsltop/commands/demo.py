"""``wsltop demo``: the screen, opened with the plan of the demo; or the shipped recording of one."""

from __future__ import annotations

import os
import sys

import click

from wsltop.commands.common import system_of
from wsltop.commands.replay import opened, show
from wsltop.config import Settings, state_folder
from wsltop.errors import WsltopError


@click.command("demo")
@click.option("--replay", is_flag=True, help="Show the recording that comes with wsltop, on any machine.")
@click.pass_obj
def command(settings: Settings, /, replay: bool) -> None:
    """Show live how Windows gets memory back: four hogs fill, hold and end, then memory is compacted; all is measured.

    Opens the screen with a plan: what will be loaded, how long, and what Windows will have left. Nothing runs before y.
    Without a way to root the compaction is left out.
    """
    if replay:
        with opened(None) as (recording, title):
            raise SystemExit(show(recording, title, settings, demo=True))
    from wsltop.ui.terminal import prepare_start, why_no_screen

    why = why_no_screen(sys.stdin, sys.stdout, sys.stderr, os.environ)
    if why is not None:
        raise WsltopError(f"{why}: a demo needs one; wsltop experiment runs the same without a screen")
    prepare_start()
    from wsltop.ui.launch import launch

    raise SystemExit(launch(settings, system_of(settings), state_folder(), demo=True))
