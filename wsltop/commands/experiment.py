"""``wsltop experiment``: load the guest, let go, and measure on both sides what comes back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from wsltop.charts.glyphs import choose_glyphs
from wsltop.commands.experiment_loop import heard, run
from wsltop.commands.experiment_options import plan_from, read_size
from wsltop.commands.output import say, say_text
from wsltop.commands.sampling import Seconds, drive_of, host_options, merge, settled_moment
from wsltop.config import Settings
from wsltop.control.acting import Acting
from wsltop.control.actions import ACTIONS
from wsltop.control.experiment import Experiment, prepare
from wsltop.control.hog_options import ABOUT
from wsltop.control.hogs import HogPool
from wsltop.control.plan import tell_plan
from wsltop.control.root import find_root_access
from wsltop.core.experiment import measure_all
from wsltop.core.text import clean
from wsltop.core.units import format_duration
from wsltop.errors import ExitCode, UsageError
from wsltop.host.choose import open_host
from wsltop.record import experiment_files
from wsltop.record.experiment_json import encode
from wsltop.record.experiment_table import plan_facts
from wsltop.record.experiment_text import report
from wsltop.sampler import Sampler

PATIENCE: Final = 8.0
"""Seconds for Windows to answer before the baseline begins."""
WAYS: Final = ("sudo", "wsl")


@click.command("experiment", context_settings={"allow_interspersed_args": False})
@click.option("--hogs", type=click.IntRange(1, 256), default=4, show_default=True, help="How many hogs.")
@click.option("--size", default="1G", show_default=True, callback=read_size, metavar="SIZE", help="Of each hog.")
@click.option("--kind", type=click.Choice(list(ABOUT)), default="anonymous", show_default=True, help="Of the hogs.")
@click.option("--incompressible", is_flag=True, help="Fill the hogs with noise: Windows compresses idle memory.")
@click.option("--hold", type=Seconds(0, 86400), help="Seconds to hold, 10 for hogs; a command is ended after them.")
@click.option("--baseline", type=Seconds(0.5, 3600), default=5.0, show_default=True, help="Seconds before the load.")
@click.option("--settle", type=Seconds(1, 3600), default=60.0, show_default=True, help="Most seconds to wait for rest.")
@click.option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help="How many trials.")
@click.option("--then", metavar="ACTION", help=f"Try it after the release: {', '.join(ACTIONS)}; reclaim:1G sizes it.")
@click.option("--way", type=click.Choice(WAYS), help="How ACTION becomes root: sudo -n, or wsl.exe.")
@click.option("--control", is_flag=True, help="Each trial also without ACTION, to see what comes back anyway.")
@click.option("--interval", type=Seconds(0.1, 5), default=0.25, show_default=True, help="Seconds between samples.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names, for programs.")
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Write a report too: FILE.md, .html, .svg or .json; may be given again.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@host_options
@click.argument("load", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
@click.pass_obj
def command(
    settings: Settings, /, interval: float, as_json: bool, reports: tuple[Path, ...], dry_run: bool, **options: Any
) -> None:
    """Load the guest, let go, and measure on both sides how much comes back, and how fast.

    \b
    wsltop experiment                                      4 hogs of 1 GiB, held for 10 s
    wsltop experiment --kind fragment --then compact --repeat 3 --control
    wsltop experiment -- stress --vm 4 --vm-bytes 1G --vm-keep --timeout 20
    wsltop experiment -- make -j8                          what a build does to vmmem

    Hogs of the kinds fragment and cache stay until ACTION has been measured: their end alone would give all back.

    Exit status: 0 measured, 1 failed or refused, 2 wrong usage, 130 interrupted (the report is printed all the same).
    """
    settings = merge(settings, {name: options.pop(name) for name in ("host", "drive")})
    way = options.pop("way")
    plan = plan_from(**options)
    if way and not plan.action:
        raise UsageError("--way says how --then ACTION becomes root: give both")
    for path in reports:
        experiment_files.check(path)
    with opened(settings, interval) as (sampler, pool):
        acting = Acting(plan, find_root_access(drive=drive_of(settings)), way) if plan.action else None
        experiment = prepare(plan, pool, interval=interval, acting=acting)
        moment = settled_moment(sampler, 0.0 if dry_run else PATIENCE)
        if dry_run:
            say_text(tell_dry_run(experiment, None if acting is None else tell_plan(acting.plan(moment.ledger))))
            return
        if acting is not None:
            acting.check(moment.ledger)
        for remark in experiment.result().remarks:
            click.echo(f"wsltop: {remark}", err=True)
        with heard() as interruption:
            run(experiment, sampler, interval, interruption)
            status = conclude(experiment, settings, reports, as_json=as_json)
    raise SystemExit(status)


@contextlib.contextmanager
def opened(settings: Settings, interval: float) -> Iterator[tuple[Sampler, HogPool]]:
    """A sampler that knows the hogs, with its host source started; all ended afterwards, the hogs first."""
    with HogPool() as pool:
        drive = drive_of(settings)
        host = open_host(settings.host, interval=interval, drive=drive)
        host.start()
        sampler = Sampler(host, pool, drive=drive)
        try:
            yield sampler, pool
        finally:
            pool.close()
            sampler.close()
            host.close()


def conclude(experiment: Experiment, settings: Settings, reports: Sequence[Path], *, as_json: bool) -> ExitCode:
    """Write and print what was measured; how the program ends."""
    result = experiment.result()
    measures = measure_all(result)
    for path in reports:  # first: standard output may be gone
        experiment_files.write(path, result, measures)
    if as_json:
        say((encode(result, measures) + "\n").encode())
    else:
        glyphs = choose_glyphs(settings.glyphs, encoding=getattr(sys.stdout, "encoding", None) or "utf-8")
        say_text(report(result, measures, glyphs))
    if experiment.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILURE if experiment.failed else ExitCode.OK


def tell_dry_run(experiment: Experiment, action: Sequence[tuple[str, str]] | None) -> str:
    """What would be done, as text."""
    plan = experiment.plan
    lines = [*plan_facts(plan), *(action or ())]
    if plan.seconds is not None:
        lines.append(("takes", f"at most {format_duration(plan.seconds)}, filling and ending aside"))
    lines += [("remark", remark) for remark in experiment.result().remarks]
    lines.append(("order", ", ".join("control" if control else "trial" for control in plan.trials)))
    return "".join(f"{name:<8} {clean(text)}\n" for name, text in lines)
