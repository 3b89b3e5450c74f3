"""``wsltop doctor``: what is the matter with the memory, and what to do."""

from __future__ import annotations

import os
from typing import Any, TextIO

import click

from wsltop.commands.common import (
    Seconds,
    host_options,
    merge,
    refuse_without_windows,
    sampling,
    say,
    say_text,
    system_of,
)
from wsltop.commands.common import watch as watch_machine
from wsltop.config import Settings
from wsltop.core.diagnosis.finding import Severity
from wsltop.core.diagnosis.rules import catalogue, diagnose
from wsltop.core.session import Session
from wsltop.errors import ExitCode, UsageError
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
@click.option("--self-test", is_flag=True, help="Ask Windows what wsltop assumes of it, as a block to paste (20 s).")
@click.option(
    "--read",
    type=click.File(encoding="utf-8", errors="replace"),
    metavar="FILE",
    help="With --self-test: say what a pasted block means, - for standard input.",
)
@host_options
@click.pass_obj
def command(
    settings: Settings,
    /,
    as_json: bool,
    fail_on: Severity,
    list_all: bool,
    watch: float,
    wait: float,
    self_test: bool,
    read: TextIO | None,
    **options: Any,
) -> None:
    """Say why Windows lends so much, what gets it back, and what is wrong with the memory.

    Exit status: 0 when nothing is as bad as --fail-on says, else 1.

    What takes time to see, such as the idle gate's windows or slow growth, needs a longer --watch, or the screen.
    """
    if list_all:
        say_text("".join(f"{name:<22} {severity:<8} {meaning}\n" for name, severity, meaning in catalogue()))
        return
    settings = merge(settings, options)
    if self_test or read is not None:
        raise SystemExit(run_self_test(settings) if read is None else explain_block(read.read()))
    with sampling(settings, STEP) as sampler:
        session = Session(STEP, frozenset(settings.silence))
        moment = watch_machine(sampler, session, system_of(settings).clock, wait=wait, seconds=watch)
        findings = diagnose(session.evidence(moment))
    if as_json:
        say((encode(findings, session.explanation) + "\n").encode())
    else:
        say_text(doctor(findings, session.explanation))
    raise SystemExit(exit_code(findings, fail_on))


def run_self_test(settings: Settings) -> int:
    """Ask Windows and print the block; the exit status.

    Raises:
        WsltopError: this is not WSL, so there is no Windows to ask.
    """
    from wsltop.host.interop import Windows
    from wsltop.report.redact import this_machine
    from wsltop.report.selftest import SelfTest, judge, names_to_hide, tell

    system = system_of(settings)
    refuse_without_windows(system, "processes, a tasklist and a wsl.exe to ask")
    windows = Windows(root=system.root, environ=system.environ, drive=system.drive)
    mounts = windows.mounts()
    names = names_to_hide(system.environ, os.uname().nodename, mounts[0] if mounts else None)

    def note(what: str) -> None:
        click.echo(f"asking: {what}", err=True)

    block = SelfTest(windows, names, this_machine(system.environ), note).run()
    say_text(tell(block))
    return ExitCode.OK if all(verdict.holds for verdict in judge(block)) else ExitCode.FAILURE


def explain_block(text: str) -> int:
    """Say what a pasted block means; the exit status.

    Raises:
        UsageError: there is no block in the text.
    """
    from wsltop.report.selftest import explain, judge, read_block

    block = read_block(text)
    if block is None:
        raise UsageError("there is no block of a self-test in it: paste all from its BEGIN to its END line")
    say_text(explain(block))
    return ExitCode.OK if all(verdict.holds for verdict in judge(block)) else ExitCode.FAILURE
