"""How far an action is."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Running(Struct, frozen=True, kw_only=True):
    """It goes on."""

    seconds: float
    note: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """It did what was asked; what came of it shows in the next samples."""

    seconds: float
    note: str = ""
    """What was different from the plan, as a clause."""


class Failed(Struct, frozen=True, kw_only=True):
    """It did not."""

    reason: str
    hint: str = ""


Progress: TypeAlias = Running | Done | Failed
