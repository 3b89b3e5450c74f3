"""``wsltop wslconfig``: what ``.wslconfig`` says, what is in force, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import click

from wsltop.commands.common import (
    Seconds,
    host_options,
    merge,
    refuse_without_windows,
    sampling,
    say_text,
    system_of,
    watch,
)
from wsltop.config import Settings
from wsltop.core.moment import compare_config
from wsltop.core.session import Session
from wsltop.errors import WsltopError
from wsltop.guest.identity import identify_guest
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean
from wsltop.report.text import settings_text


@click.command("wslconfig")
@click.option("--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Seconds for Windows to answer.")
@host_options
@click.pass_obj
def command(settings: Settings, /, wait: float, **options: Any) -> None:
    """Print the settings of WSL in .wslconfig, checked line by line and against the VM as it runs.

    Exit status: 0 when it was read, whatever is wrong with it, and on WSL 1, which has no use for it; 1 when it cannot
    be read; 3 where there is no Windows.
    """
    settings = merge(settings, options)
    system = system_of(settings)
    if identify_guest(system.root, system.environ).flavor == "wsl1" and system.drive is None:
        say_text("This is WSL 1: it has no virtual machine, and .wslconfig is for those of WSL 2 alone.\n")
        return
    refuse_without_windows(system, "a .wslconfig")
    with sampling(settings, 1.0) as sampler:
        session = Session(1.0)
        sample = watch(sampler, session, system.clock, wait=wait).sample
    insight = session.insight
    file = sample.surroundings.wslconfig
    if isinstance(file, Unavailable):
        raise WsltopError(f".wslconfig cannot be read: {clean(str(file))}")
    say_text(settings_text(file, insight.config, compare_config(sample), insight.suggestion))
