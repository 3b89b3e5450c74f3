"""What the command line of ``wsltop experiment`` asks for, as a plan."""

from __future__ import annotations

from typing import Any, Final

import click

from wsltop.control.actions import ACTIONS
from wsltop.control.command_load import resolve
from wsltop.core.experiment import ExperimentPlan
from wsltop.core.text import clean
from wsltop.core.units import parse_size
from wsltop.errors import UsageError

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
    if times["incompressible"] and (load or kind == "cache"):
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
