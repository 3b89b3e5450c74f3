"""A value that may be missing: the one way in wsltop to say "unknown".

A missing value is never shown as 0, an empty string or a bare ``None``. Imports only msgspec.
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

    def __str__(self) -> str:
        """The reason, and the hint where there is one: ``interop is disabled. Run wsl --shutdown on Windows.``"""
        return f"{self.reason}. {self.hint}" if self.hint else self.reason


Reading: TypeAlias = Union[T, Unavailable]
"""A value of type ``T``, or the reason why there is none."""


def known(reading: Reading[T]) -> T | None:
    """The value, or ``None`` where there is none: for code that does not care why."""
    return None if isinstance(reading, Unavailable) else reading
