"""One thing to tell about ``.wslconfig``, and how to quote the file safely."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wsltop.core.text import clean

Severity = Literal["error", "warning", "note"]
"""``error``: WSL does not do what the line says; ``warning``: it does, and that is rarely meant;
``note``: good to know."""


class ConfigFinding(Struct, frozen=True, kw_only=True):
    """What is wrong, where, and what to do."""

    id: str
    """Stable, for scripts: ``config-unknown-key``."""
    line: int | None = None
    """In ``.wslconfig``, from 1; ``None`` when it is about no single line."""
    severity: Severity
    text: str
    """A sentence, safe to show."""
    remedy: str = ""
    """What to do, as a sentence; empty when there is nothing to do."""


def quote(text: str, limit: int = 60) -> str:
    """Return text from the file, made safe and cut to fit into a sentence."""
    text = clean(text).strip()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
