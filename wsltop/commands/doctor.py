"""``wsltop doctor``: what is the matter with the memory, and what to do."""

from __future__ import annotations

from typing import Any

import click

from wsltop.commands.common import Seconds, host_options, merge, sampling, say, say_text, system_of
from wsltop.commands.common import watch as watch_machine
from wsltop.config import Settings
from wsltop.core.diagnosis.finding import Severity
from wsltop.core.diagnosis.rules import catalogue, diagnose
from wsltop.core.session import Session
from wsltop.report.doctor import doctor, encode, exit_code

STEP = 0.5
"""Seconds between two samples while it watches."""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with stable ids, for programs.")
@click.option("--watch", type=Seconds(0, 3600), default=3.0, show_default=True, help="Seconds to watch before judging.")
@click.option("--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Seconds for Windows to answer.")
@click.option(
    "--fail-on",
    type=click.Choice(["note", "warning", "problem"]),
    default="warning",
    show_default=True,
    help="End with status 1 from this severity on.",
)
@click.option("--list", "list_all", is_flag=True, help="List everything that can be found, and look at nothing.")
@host_options
@click.pass_obj
def command(
    settings: Settings, /, as_json: bool, fail_on: Severity, list_all: bool, watch: float, wait: float, **options: Any
) -> None:
    """Say why Windows lends so much, what gets it back, and what is wrong with the memory.

    Exit status: 0 when nothing is as bad as --fail-on says, else 1.

    What takes time to see, such as the idle gate's windows or slow growth, needs a longer --watch, or the screen.
    """
    if list_all:
        say_text("".join(f"{name:<22} {severity:<8} {meaning}\n" for name, severity, meaning in catalogue()))
        return
    settings = merge(settings, options)
    with sampling(settings, STEP) as sampler:
        session = Session(STEP, frozenset(settings.silence))
        moment = watch_machine(sampler, session, system_of(settings).clock, wait=wait, seconds=watch)
        findings = diagnose(session.evidence(moment))
    if as_json:
        say((encode(findings, session.explanation) + "\n").encode())
    else:
        say_text(doctor(findings, session.explanation))
    raise SystemExit(exit_code(findings, fail_on))
