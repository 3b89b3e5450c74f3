"""A value that may be missing: the one way in wsltop to say "unknown".

Nothing stands in for a missing value: no 0, no empty string, no ``None`` by luck. Imports only msgspec.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar, Union

from msgspec import Struct

T = TypeVar("T")


class Unavailable(Struct, frozen=True, tag="unavailable"):
    """Why a value is missing, and what the user can do about it."""

    reason: str
    """What is wrong, as a short clause: ``interop is disabled``."""
    hint: str = ""
    """What to do, as an imperative sentence; empty when there is nothing to do."""


def tell_why(reason: str, hint: str) -> str:
    """A reason and what to do about it, as sentences."""
    return f"{reason}. {hint}".strip()


Reading: TypeAlias = Union[T, Unavailable]
"""A value of type ``T``, or the reason why there is none."""
