"""``wsltop experiment``: load the guest, let go, and measure on both sides what comes back."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click

from wsltop.charts.glyphs import choose_glyphs
from wsltop.clock import SystemClock
from wsltop.commands.common import Seconds, host_options, merge, say, say_text, system_of, watch
from wsltop.config import Settings
from wsltop.core.ledger import keep_ledger
from wsltop.core.session import Session
from wsltop.errors import ExitCode, UsageError
from wsltop.experiment.load import resolve
from wsltop.experiment.measure import measure_all
from wsltop.experiment.run import Experiment, Standing, TrialAction, prepare
from wsltop.experiment.spec import ExperimentPlan
from wsltop.hogs.kinds import KINDS, PLAIN
from wsltop.hogs.pool import HogPool
from wsltop.model.reading import Unavailable
from wsltop.model.sample import Sample
from wsltop.model.text import clean
from wsltop.model.units import format_duration, format_size, parse_size
from wsltop.reclaim.actions import ACTIONS
from wsltop.reclaim.plan import tell_plan
from wsltop.reclaim.root import find_root_access
from wsltop.report import experiment_pages as experiment_files
from wsltop.report.experiment import encode, plan_facts, report
from wsltop.sampler import Sampler
from wsltop.system import System

HOLD: Final = 10.0
"""Seconds that hogs are held unless the user says otherwise; a command runs until it ends."""


def read_size(_context: click.Context, _option: click.Parameter, text: str) -> int:
    """Bytes from an option such as ``512M``."""
    try:
        size = parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if size < 1:
        raise click.BadParameter("a size is above zero")
    return size


def plan_from(
    load: tuple[str, ...],
    hogs: int,
    size: int,
    kind: str,
    hold: float | None,
    then: str | None,
    **times: Any,
) -> ExperimentPlan:
    """The plan from the options of the command line.

    Raises:
        UsageError: they do not go together.
    """
    if times["incompressible"] and (load or "incompressible" not in KINDS[kind].options):
        raise UsageError("--incompressible is for hogs with content of their own: not for a command, nor for cache")
    titles = {str(name): one for name, one in ACTIONS.items()}
    action, _, amount = (then or "").partition(":")
    if then is not None and action not in titles:
        raise UsageError(f"--then {clean(then)!r} is none of {', '.join(ACTIONS)}")
    if times["control"] and not action:
        raise UsageError("--control is a trial without the action, so it needs --then ACTION")
    action_size: int | None = None
    if action and titles[action].takes_size:
        action_size = size_of(action, amount, 0 if load else hogs * size)
    elif amount:
        raise UsageError(f"--then {action} takes no size")
    return ExperimentPlan(
        command=resolve(load) if load else (),
        hogs=hogs,
        size=size,
        kind=kind,
        hold=hold if load or hold is not None else HOLD,
        action=action,
        action_size=action_size,
        **times,
    )


def size_of(action: str, amount: str, load: int) -> int:
    """Bytes for an action that wants to know them: as it was told, or as much as the load takes.

    Raises:
        UsageError: there is no such size, or none at all.
    """
    if not amount and load:
        return load
    try:
        size = parse_size(amount)
    except ValueError as error:
        raise UsageError(f"--then {action} needs a size: --then {action}:1G") from error
    if size < 1:
        raise UsageError(f"--then {action}:{clean(amount)}: a size is above zero")
    return size


def complete_actions(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """The values of ``--then`` that a shell offers."""
    return [name for name in ACTIONS if name.startswith(incomplete)]


SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LINE: Final = 100
"""Columns of the progress line at the most: a longer one would wrap and could not be overwritten."""


class Interruption:
    """Notes the first signal that asks to end, and ends the sleep that it comes into."""

    def __init__(self) -> None:
        self.name = ""
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """A signal came."""
        self.name = self.name or signal.Signals(number).name
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b".")

    def sleep(self, seconds: float) -> None:
        """Wait, unless a signal has come or comes."""
        if not self.name:
            select.select([self._woken], [], [], max(0.0, seconds))

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._woken)
        os.close(self._wake)


@contextlib.contextmanager
def heard() -> Iterator[Interruption]:
    """Signals as notes instead of ends, for as long as it is open; a second one changes nothing.

    A hang-up that whoever started us has ignored stays ignored: that is how nohup works.
    """
    interruption = Interruption()
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    former = {number: signal.signal(number, interruption.hear) for number in SIGNALS if number not in ignored}
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        interruption.close()


def run(
    experiment: Experiment, sampler: Sampler, clock: SystemClock, interval: float, interruption: Interruption
) -> None:
    """Run an experiment to its end or to the first signal; its processes are gone then."""
    line = ProgressLine()
    try:
        due = clock.monotonic()
        while not experiment.finished:
            if interruption.name:
                experiment.stop(interruption.name, clock.monotonic())
                break
            sample = sampler.sample()
            experiment.take(sample)
            experiment.step(clock.monotonic())
            experiment.events()
            line.show(experiment.standing(clock.monotonic()), experiment.plan, sample)
            due = max(due + interval, clock.monotonic())  # what was missed is not made up for
            interruption.sleep(due - clock.monotonic())
    finally:
        experiment.close()
        line.end()


class ProgressLine:
    """One line on standard error: rewritten on a terminal, elsewhere a line for each phase."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._phase: tuple[int, str] | None = None
        self._width = 0

    def show(self, standing: Standing, plan: ExperimentPlan, sample: Sample) -> None:
        """Say how far it is."""
        phase = (standing.trial, standing.phase)
        if not self._terminal:
            if phase != self._phase and standing.phase != "done":
                self._say(f"wsltop: {tell_phase(standing, plan)}\n")
            self._phase = phase
            return
        text = f"{tell_phase(standing, plan)} {tell_time(standing)}  {tell_memory(sample)}"[:LINE]
        self._say(f"\r{text.ljust(self._width)}")
        self._width = len(text)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal and self._width:
            self._say(f"\r{' ' * self._width}\r")

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone; the signal that says so is on its way
            click.echo(text, nl=False, err=True)


def tell_phase(standing: Standing, plan: ExperimentPlan) -> str:
    """``trial 2 of 3: hold``."""
    which = f"trial {standing.trial} of {standing.trials}" if standing.trials > 1 else "experiment"
    control = f" (without {plan.action})" if standing.control else ""
    return f"{which}{control}: {standing.phase}"


def tell_time(standing: Standing) -> str:
    """Seconds of the phase, of how many at the most."""
    most = "" if standing.most is None else f" of {format_duration(standing.most)}"
    return f"{format_duration(standing.seconds)}{most}"


def tell_memory(sample: Sample) -> str:
    """Both sides in short."""
    ledger = keep_ledger(sample)
    guest = "?" if isinstance(ledger, Unavailable) else format_size(ledger.used)
    host = "?" if isinstance(sample.host, Unavailable) else format_size(sample.host.working_set)
    return f"guest used {guest}, host {host}"


PATIENCE: Final = 8.0
"""Seconds for Windows to answer before the baseline begins."""
WAYS: Final = ("sudo", "wsl")


@click.command("experiment", context_settings={"allow_interspersed_args": False})
@click.option("--hogs", type=click.IntRange(1, 256), default=4, show_default=True, help="How many hogs.")
@click.option("--size", default="1G", show_default=True, callback=read_size, metavar="SIZE", help="Of each hog.")
@click.option("--kind", type=click.Choice(list(KINDS)), default=PLAIN, show_default=True, help="Of the hogs.")
@click.option("--incompressible", is_flag=True, help="Fill the hogs with noise: Windows compresses idle memory.")
@click.option("--hold", type=Seconds(0, 86400), help="Seconds to hold, 10 for hogs; a command is ended after them.")
@click.option("--baseline", type=Seconds(0.5, 3600), default=5.0, show_default=True, help="Seconds before the load.")
@click.option("--settle", type=Seconds(1, 3600), default=60.0, show_default=True, help="Most seconds to wait for rest.")
@click.option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help="How many trials.")
@click.option(
    "--then",
    metavar="ACTION",
    shell_complete=complete_actions,
    help=f"Try it after the release: {', '.join(ACTIONS)}; reclaim:1G sizes it.",
)
@click.option("--way", type=click.Choice(WAYS), help="How ACTION becomes root: sudo -n, or wsl.exe.")
@click.option("--control", is_flag=True, help="Each trial also without ACTION, to see what comes back anyway.")
@click.option(
    "--every", "interval", type=Seconds(0.1, 5), default=0.25, show_default=True, help="Seconds between samples."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names, for programs.")
@click.option(
    "--output",
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
    system = system_of(settings)
    with opened(system, settings, interval) as (sampler, pool):
        access = find_root_access(system.root, system.environ, system.drive)
        acting = TrialAction(plan, access, way, system.root) if plan.action else None
        experiment = prepare(plan, pool, interval=interval, acting=acting)
        moment = watch(sampler, Session(interval), system.clock, wait=0.0 if dry_run else PATIENCE)
        if dry_run:
            say_text(tell_dry_run(experiment, None if acting is None else tell_plan(acting.plan(moment.ledger))))
            return
        if acting is not None:
            acting.check(moment.ledger)
        for remark in experiment.result().remarks:
            click.echo(f"wsltop: {remark}", err=True)
        with heard() as interruption:
            run(experiment, sampler, system.clock, interval, interruption)
            status = conclude(experiment, settings, reports, as_json=as_json)
    raise SystemExit(status)


@contextlib.contextmanager
def opened(system: System, settings: Settings, interval: float) -> Iterator[tuple[Sampler, HogPool]]:
    """A sampler that knows the hogs, with its host source started; all ended afterwards, the hogs first."""
    with HogPool(clock=system.clock) as pool:
        host = system.open_host(settings.host, interval)
        host.start()
        sampler = system.open_sampler(host, pool)
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
