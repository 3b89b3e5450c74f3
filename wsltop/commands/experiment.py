"""``wsltop experiment``: load the guest, let go, and measure on both sides what comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from wsltop.charts.cells import choose_glyphs
from wsltop.clock import SystemClock
from wsltop.commands.common import (
    Interruption,
    Seconds,
    host_options,
    merge,
    noted_signals,
    say,
    say_text,
    system_of,
    watch,
)
from wsltop.commands.reclaim import SMALL, check_size
from wsltop.config import LEAST_HOG, Settings
from wsltop.core.ledger import keep_ledger
from wsltop.core.moment import Moment
from wsltop.core.session import Session
from wsltop.errors import ExitCode, UsageError, WsltopError, did_you_mean
from wsltop.experiment.limits import Limit, help_lines, judge, parse_limit, tell_verdict
from wsltop.experiment.limits import Verdict as LimitVerdict
from wsltop.experiment.load import resolve, tell_left_on_host
from wsltop.experiment.measure import Measures, measure_all, tell_result
from wsltop.experiment.run import Experiment, Standing, TrialAction, prepare
from wsltop.experiment.trial import ExperimentPlan, Result, Trial
from wsltop.hogs.kinds import KINDS, PLAIN
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import Sample, Unavailable
from wsltop.model.text import MIB, clean, format_duration, format_size, parse_size
from wsltop.reclaim.actions import ACTIONS
from wsltop.reclaim.plan import Plan, tell_plan
from wsltop.reclaim.root import find_root_access
from wsltop.report.experiment import check_output, encode, plan_facts, report, write_output
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
    if size < LEAST_HOG:
        raise click.BadParameter(f"{format_size(size)} is too small: {SMALL}")
    return size


def read_limits(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> tuple[Limit, ...]:
    """The limits of ``--fail-if``."""
    return tuple(parse_limit(text) for text in texts)


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
        raise UsageError(f"--then {clean(then)!r} is none of {', '.join(ACTIONS)}.{did_you_mean(action, ACTIONS)}")
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
    """Bytes for an action that takes a size: what was given, or as much as the load takes.

    Raises:
        UsageError: it is no size, or too small.
    """
    if not amount and load:
        return load
    try:
        size = parse_size(amount)
    except ValueError as error:
        raise UsageError(f"--then {action} needs a size: --then {action}:1G") from error
    check_size(action, size, f"--then {action}:{clean(amount)}")
    return size


def complete_actions(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """The values of ``--then`` that a shell offers."""
    return [name for name in ACTIONS if name.startswith(incomplete)]


LINE: Final = 100
"""Columns of the progress line at most: a longer one would wrap and could not be overwritten."""


def run(
    experiment: Experiment, sampler: Sampler, clock: SystemClock, interval: float, interruption: Interruption
) -> None:
    """Run an experiment to its end or to the first signal; its processes are gone then.

    A Ctrl+C while the command runs is the command's: the experiment ends only where that ended it.
    """
    line = ProgressLine()
    asked = False
    try:
        due = clock.monotonic()
        while not experiment.finished:
            if interruption.number == signal.SIGINT and experiment.command_runs:
                if not on_our_terminal():
                    experiment.interrupt()  # a terminal would have sent it to the command too
                asked = True
                interruption.forget()
            elif interruption.number:
                experiment.stop(interruption.name, clock.monotonic())
                break
            sample = sampler.sample()
            experiment.take(sample)
            if experiment.plan.command and experiment.phase == "baseline":
                line.end()  # the command may begin to write now
            experiment.step(clock.monotonic())
            if asked and not experiment.command_runs:
                asked = False
                if experiment.exit_code in ENDED_BY_CTRL_C:
                    experiment.stop("SIGINT", clock.monotonic())
                    break
            experiment.events()
            if not experiment.command_runs:
                line.show(experiment.standing(clock.monotonic()), experiment.plan, sample)
            due = max(due + interval, clock.monotonic())  # what was missed is not made up for
            interruption.sleep(due - clock.monotonic())
    finally:
        experiment.close()
        line.end()


ENDED_BY_CTRL_C: Final = (-signal.SIGINT, ExitCode.INTERRUPTED)


def on_our_terminal() -> bool:
    """Whether we run in the foreground of a terminal, so that its Ctrl+C reaches the command without us."""
    for fd in range(3):
        with contextlib.suppress(OSError):
            return os.tcgetpgrp(fd) == os.getpgrp()
    return False


class ProgressLine:
    """One line on standard error: rewritten on a terminal, elsewhere a line for each phase."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._phase: tuple[int, str] | None = None
        self._width = 0

    def show(self, standing: Standing, plan: ExperimentPlan, sample: Sample) -> None:
        """Write how far it is."""
        phase = (standing.trial, standing.phase)
        if not self._terminal:
            if phase != self._phase and standing.phase != "done":
                self._write(f"wsltop: {tell_phase(standing, plan)}\n")
            self._phase = phase
            return
        if plan.command and standing.phase == "release":
            return  # what is left of the command may still write
        text = f"{tell_phase(standing, plan)} {tell_time(standing)}  {tell_memory(sample)}"[:LINE]
        self._write(f"\r{text.ljust(self._width)}")
        self._width = len(text)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal and self._width:
            self._write(f"\r{' ' * self._width}\r")
        self._width = 0

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone; the signal that says so is on its way
            click.echo(text, nl=False, err=True)


def tell_phase(standing: Standing, plan: ExperimentPlan) -> str:
    """``trial 2 of 3: hold``."""
    which = f"trial {standing.trial} of {standing.trials}" if standing.trials > 1 else "experiment"
    control = f" (without {plan.action})" if standing.control else ""
    return f"{which}{control}: {standing.phase}"


def tell_time(standing: Standing) -> str:
    """Seconds of the phase, and how many it may take."""
    most = "" if standing.most is None else f" of {format_duration(standing.most)}"
    return f"{format_duration(standing.seconds)}{most}"


def tell_memory(sample: Sample) -> str:
    """The memory of both sides, in short."""
    ledger = keep_ledger(sample)
    guest = "?" if isinstance(ledger, Unavailable) else format_size(ledger.used)
    host = "?" if isinstance(sample.host, Unavailable) else format_size(sample.host.working_set)
    return f"guest used {guest}, host {host}"


PATIENCE: Final = 8.0
"""Seconds for Windows to answer before the baseline begins."""
WAYS: Final = ("sudo", "wsl")
HELP: Final = """\
Load the guest, release it, and measure in the guest and in Windows how much comes back, and how fast.

\b
wsltop experiment                                      4 hogs of 1 GiB, held for 10 s
wsltop experiment --kind fragment --then compact --repeat 3 --control
wsltop experiment -- make -j8                          what a build takes of Windows
wsltop experiment --fail-if 'host.peak>6GiB' -- npm test

COMMAND keeps standard input, the terminal and Ctrl+C; its output passes through, and wsltop's report goes to standard
error or to --output. Once it has started, its status is wsltop's: 128 + n for a signal n, 124 where --hold ended it.
Before that, 126 means that it cannot be run, 127 that there is no such program, and 125 that wsltop failed.

In a terminal it says first what hogs will take, and asks. COMMAND and --yes are your yes.

Hogs of the kinds fragment and cache stay until ACTION has been measured: their end alone would give all back. Without
COMMAND, Ctrl+C ends the experiment with status 130, and prints the report all the same.

\b
--fail-if 'FIGURE<VALUE', 'FIGURE>VALUE', also <= and >=, ends with 1 where that is true, and 125 where the
figure is not known. Quote it: a shell takes < and > for itself. Of several trials, the median counts.
Units: K, M, G, T (G is GiB), s, min, h; % for returned. Without guest., host. or expected. it is the host's.

\b
"""


class ExperimentCommand(click.Command):
    """Tells ``experiment`` from ``experiment --``, whose command an empty variable may have swallowed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; refuse a ``--`` with nothing after it."""
        if args[-1:] == ["--"]:
            ctx.fail("there is no command after --. Give one, or leave -- out to load with hogs.")
        return super().parse_args(ctx, args)


@click.command(
    "experiment",
    cls=ExperimentCommand,
    context_settings={"allow_interspersed_args": False},
    help=HELP + "\n".join(help_lines()),
)
@click.option("--hogs", type=click.IntRange(1, 256), default=4, show_default=True, help="How many hogs.")
@click.option("--size", default="1G", show_default=True, callback=read_size, metavar="SIZE", help="Size of each hog.")
@click.option("--kind", type=click.Choice(list(KINDS)), default=PLAIN, show_default=True, help="Kind of the hogs.")
@click.option("--incompressible", is_flag=True, help="Fill the hogs with noise: Windows compresses idle memory.")
@click.option("--hold", type=Seconds(0, 86400), help="Seconds to hold, 10 for hogs; a command is ended after them.")
@click.option("--baseline", type=Seconds(0.5, 3600), default=5.0, show_default=True, help="Seconds before the load.")
@click.option("--settle", type=Seconds(1, 3600), default=60.0, show_default=True, help="Most seconds to wait for rest.")
@click.option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help="How many trials.")
@click.option(
    "--then",
    metavar="ACTION",
    shell_complete=complete_actions,
    help=f"Action after the release: {', '.join(ACTIONS)}. reclaim:1G gives its size.",
)
@click.option("--way", type=click.Choice(WAYS), help="How ACTION becomes root: sudo -n, or wsl.exe.")
@click.option("--control", is_flag=True, help="Each trial also without ACTION, to see what comes back anyway.")
@click.option(
    "--fail-if", "limits", multiple=True, callback=read_limits, metavar="EXPR", help="End with 1 where EXPR is true."
)
@click.option("--every", "interval", type=Seconds(0.1, 5), default=0.25, show_default=True, help="Seconds a sample.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names, for programs.")
@click.option(
    "--output",
    "outputs",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Write the report to FILE instead of printing it: .txt, .json, .md, .html, .svg. May be given again.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before the hogs are started, in a terminal.")
@host_options
@click.argument("load", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
@click.pass_obj
def command(settings: Settings, /, **options: Any) -> None:
    """Load the guest, release it, and measure on both sides what comes back."""
    load = options["load"]
    try:
        status = perform(settings, options)
    except WsltopError as error:
        if load and error.exit_code == ExitCode.FAILURE:
            error.exit_code = ExitCode.OWN_FAILURE
        raise
    raise SystemExit(status)


def perform(settings: Settings, options: dict[str, Any]) -> int:
    """Do what the options say; the status to end with."""
    settings = merge(settings, {name: options.pop(name) for name in ("host", "drive")})
    way, limits, interval, dry_run = (options.pop(name) for name in ("way", "limits", "interval", "dry_run"))
    as_json, outputs, yes = (options.pop(name) for name in ("as_json", "outputs", "yes"))
    plan = plan_from(**options)
    if way and not plan.action:
        raise UsageError("--way says how --then ACTION becomes root: give both")
    for path in outputs:
        check_output(path)
    system = system_of(settings)
    with opened(system, settings, interval) as (sampler, pool):
        access = find_root_access(system.root, system.environ, system.drive)
        acting = TrialAction(plan, access, way, system.root) if plan.action else None
        moment = watch(sampler, Session(interval), system.clock, wait=PATIENCE)
        experiment = prepare(plan, pool, interval=interval, acting=acting, moment=moment)
        check_load(plan, experiment.plan, moment)
        if dry_run:
            say_text(tell_experiment(experiment, moment, None if acting is None else acting.plan(moment.ledger)))
            return ExitCode.OK
        planned = None if acting is None else acting.check(moment.ledger)
        if not plan.command:
            click.echo(tell_experiment(experiment, moment, planned), nl=False, err=True)
            taken = format_size(experiment.plan.hogs * experiment.plan.size)
            if not yes and in_terminal() and not click.confirm(f"Take {taken} for it?", err=True):
                click.echo("wsltop: nothing was loaded", err=True)
                return ExitCode.FAILURE
        with noted_signals(signal.SIGQUIT) as interruption:
            run(experiment, sampler, system.clock, interval, interruption)
            result = experiment.result()
            measures = measure_all(result)
            verdicts = judge(limits, result, measures)
            write_reports(settings, result, measures, verdicts, outputs, as_json=as_json)
            for verdict in verdicts:
                click.echo(f"wsltop: {tell_verdict(verdict)}", err=True)
    return status_of(result, verdicts, interruption.number, failed=experiment.failed)


def check_load(asked: ExperimentPlan, fitting: ExperimentPlan, moment: Moment) -> None:
    """Refuse a size that no shrinking can have been meant for.

    Raises:
        UsageError: a hog of the given size would be larger than the VM's RAM.
    """
    ledger, given = moment.ledger, click.get_current_context().get_parameter_source("size")
    if asked.command or isinstance(ledger, Unavailable) or given is not click.core.ParameterSource.COMMANDLINE:
        return
    if asked.size > ledger.total:
        raise UsageError(
            f"--size {format_size(asked.size)} is more than all RAM here, {format_size(ledger.total)}: "
            f"--hogs {asked.hogs} --size {fitting.size // MIB}M fits now"
        )


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


def write_reports(
    settings: Settings,
    result: Result,
    measures: Sequence[Measures],
    verdicts: Sequence[LimitVerdict],
    outputs: Sequence[Path],
    *,
    as_json: bool,
) -> None:
    """Write what was measured to the files, or print it: where a command has standard output, to standard error."""
    glyphs = choose_glyphs(settings.glyphs, encoding=getattr(sys.stdout, "encoding", None) or "utf-8")
    for path in outputs:
        write_output(path, result, measures, verdicts, glyphs, json=as_json)
    if outputs:
        click.echo(f"wsltop: {tell_result(result, measures)}", err=True)
        return
    text = encode(result, measures, verdicts) + "\n" if as_json else report(result, measures, glyphs)
    if result.plan.command:
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        with contextlib.suppress(OSError):  # its reader is gone; the status is still the command's
            click.echo(text.encode("utf-8" if as_json else encoding, "replace"), nl=False, err=True)
    elif as_json:
        say(text.encode())
    else:
        say_text(text)


def status_of(result: Result, verdicts: Sequence[LimitVerdict], signaled: int, *, failed: bool) -> int:
    """The status to end with; the command's own goes before all but a signal that ended wsltop."""
    theirs = next((status for status in map(command_status, result.trials) if status), 0)
    if signaled and (signaled != signal.SIGINT or not theirs):
        return 128 + signaled
    if theirs:
        return theirs
    if failed:
        return ExitCode.OWN_FAILURE if result.plan.command else ExitCode.FAILURE
    if any(verdict.failed for verdict in verdicts):
        return ExitCode.FAILURE
    return ExitCode.OWN_FAILURE if any(isinstance(one.value, Unavailable) for one in verdicts) else ExitCode.OK


def command_status(trial: Trial) -> int:
    """The status of the command of one trial, as a shell tells it; 0 where it has none."""
    if trial.timed_out:
        return ExitCode.TIMED_OUT
    code = trial.exit_code or 0
    return code if code >= 0 else 128 - code


def in_terminal() -> bool:
    """Whether somebody can be asked: the question goes to standard error, the answer comes from standard input."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def tell_experiment(experiment: Experiment, moment: Moment, action: Plan | None) -> str:
    """What will be done, how long it takes and what is left meanwhile, as text."""
    plan = experiment.plan
    lines = [*plan_facts(plan), *(() if action is None else tell_plan(action))]
    if not plan.command:
        lines += left_facts(moment, plan.hogs * plan.size)
    if plan.seconds is not None:
        lines.append(("takes", f"at most {format_duration(plan.seconds)}, and the time to fill and to end"))
    lines += [("remark", remark) for remark in experiment.result().remarks]
    if len(plan.trials) > 1:
        lines.append(("order", ", ".join("control" if control else "trial" for control in plan.trials)))
    return "".join(f"{name:<8} {clean(text)}\n" for name, text in lines)


def left_facts(moment: Moment, size: int) -> Iterator[tuple[str, str]]:
    """Yield what each side has available now, and at least while ``size`` bytes are held."""
    ledger = moment.ledger
    if not isinstance(ledger, Unavailable):
        left = max(0, ledger.available - size)
        yield ("Linux", f"has {format_size(ledger.available)} available now, about {format_size(left)} then")
    unknown = ("host", f"lends about {format_size(size)} more then; what it has left is not known")
    yield tell_left_on_host(moment, size) or unknown
