"""``wsltop reclaim``: one action that gives memory back, shown before it runs and measured afterwards."""

from __future__ import annotations

from typing import Any, cast

import click

from wsltop.clock import SystemClock
from wsltop.commands.common import host_options, merge, sampling, say, say_text, system_of, watch
from wsltop.config import LEAST_HOG, Settings
from wsltop.core.moment import interpret
from wsltop.core.reclaimed import ReclaimWatch
from wsltop.core.session import Session
from wsltop.errors import UsageError, WsltopError
from wsltop.model.text import clean, format_size, parse_size
from wsltop.reclaim.actions import ACTIONS, ActionName
from wsltop.reclaim.perform import Done, Failed, ReclaimAction, perform
from wsltop.reclaim.plan import Plan, find_pages, plan, tell_plan
from wsltop.reclaim.root import Way, find_root_access
from wsltop.report.text import encode_reclaimed, reclaimed_lines
from wsltop.sampler import Sampler

STEP = 0.25
"""Seconds between two samples."""
BASELINE = 2.0
"""Seconds that are watched before the action."""
SMALL = f"the least is {format_size(LEAST_HOG)}, since less does not stand out of the noise. G is GiB, M is MiB"


@click.command("reclaim")
@click.argument("action", type=click.Choice(sorted(ACTIONS)))
@click.argument("size", required=False)
@click.option("--dry-run", is_flag=True, help="Print what would run, as whom, and what it should return; run nothing.")
@click.option("--way", type=click.Choice(["sudo", "wsl"]), help="How to become root: sudo -n, or wsl.exe.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@host_options
@click.pass_obj
def command(
    settings: Settings, /, action: str, size: str | None, dry_run: bool, way: str | None, as_json: bool, **options: Any
) -> None:
    """Give memory back by one action, and measure what came of it.

    compact, drop-cache, drop-all; reclaim SIZE asks a control group; pressure SIZE needs no root. What will run and as
    whom is printed first. Root is used only because this command names the action: as root, by sudo -n, or with
    --way wsl through wsl.exe.
    """
    settings = merge(settings, options)
    wanted = read_size(action, size)
    with sampling(settings, STEP) as sampler:
        system = system_of(settings)
        name, access = cast("ActionName", action), find_root_access(system.root, system.environ, system.drive)
        planned = plan(
            name,
            ledger=watch(sampler, Session(STEP), system.clock, wait=8.0).ledger,
            access=access,
            size=wanted,
            way=cast("Way | None", way),
            root=system.root,
            pages=find_pages(name, access, system.root),
        )
        tell(planned, as_json=as_json)
        if dry_run:
            return
        if planned.blocked is not None:
            raise WsltopError(f"{action}: {planned.blocked}")
        if planned.start is None and not planned.hog:
            instead = "Add --way wsl to go through wsl.exe, or run" if planned.by_wsl else "Run"
            raise WsltopError(
                f"{action} needs root, and no way to it is open here. {instead} by hand: {planned.command}"
            )
        reclaimed = ReclaimWatch(planned.predicted)
        run(planned, sampler, reclaimed, system.clock)
    result = reclaimed.result()
    if as_json:
        say((encode_reclaimed(action, result) + "\n").encode())
    else:
        say_text("\n".join(reclaimed_lines(result)) + "\n")


def read_size(action: str, text: str | None) -> int | None:
    """Bytes from the argument, for the actions that take a size.

    Raises:
        UsageError: it is no size, too small, missing, or not wanted.
    """
    if not ACTIONS[cast("ActionName", action)].takes_size:
        if text is not None:
            raise UsageError(f"{action} takes no size")
        return None
    if text is None:
        raise UsageError(f"{action} needs a size: wsltop reclaim {action} 1G")
    try:
        size = parse_size(text)
    except ValueError as error:
        raise UsageError(f"SIZE: {error}") from error
    check_size(action, size, f"SIZE {clean(text)}")
    return size


def check_size(action: str, size: int, name: str) -> None:
    """Refuse a size of which nothing could be seen.

    Raises:
        UsageError: says so, with the least size and the units.
    """
    least = LEAST_HOG if action == "pressure" else 1
    if size < least:
        why = SMALL if least > 1 else "a size is above zero"
        raise UsageError(f"{name}: {format_size(size)} is too small: {why}")


def tell(planned: Plan, *, as_json: bool) -> None:
    """Say what will run before it does; with JSON on standard output, to standard error."""
    for heading, text in tell_plan(planned):
        click.echo(f"{heading:<10}{text}", err=as_json)


def run(planned: Plan, sampler: Sampler, reclaimed: ReclaimWatch, clock: SystemClock) -> None:
    """Watch, act, and watch until it rests.

    Raises:
        WsltopError: the action failed; says why and what to do.
    """
    follow(sampler, reclaimed, clock, BASELINE)
    reclaimed.begin(clock.monotonic())
    performance = perform(planned)
    performance.start()
    try:
        done_at = wait(performance, sampler, reclaimed, clock)
        if planned.way == "wsl":
            reclaimed.begin(done_at)  # Windows takes seconds to make a session for root: the write was at the end
        while not reclaimed.rests(done_at, clock.monotonic()):
            follow(sampler, reclaimed, clock, STEP)
    finally:
        performance.close()


def wait(performance: ReclaimAction, sampler: Sampler, reclaimed: ReclaimWatch, clock: SystemClock) -> float:
    """Watch until the action is done; when that was."""
    while True:
        progress = performance.poll()
        if isinstance(progress, Failed):
            raise WsltopError(str(progress))
        if isinstance(progress, Done):
            if progress.note:
                click.echo(progress.note, err=True)
            return clock.monotonic()
        follow(sampler, reclaimed, clock, STEP)


def follow(sampler: Sampler, reclaimed: ReclaimWatch, clock: SystemClock, seconds: float) -> None:
    """Watch for some seconds."""
    end = clock.monotonic() + seconds
    while True:
        reclaimed.take(interpret(sampler.sample(), STEP))
        left = end - clock.monotonic()
        if left <= 0:
            return
        clock.sleep(min(STEP, left))
