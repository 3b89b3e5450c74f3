"""Which keys the footer names, made from the table of keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wsltop.ui.bindings import KEYS, Key
from wsltop.ui.widgets.keybar import KeyBarView, KeyHint

FOOTER: Final = tuple(key for key in KEYS if key.footer)
"""The keys that the footer may name."""


def footer_view(works: Iterable[Key], *, frozen: bool, stepping: bool) -> KeyBarView:
    """The keys that work now, the most important first.

    Args:
        works: the keys that do something now.
        frozen: whether the view stands still while samples go on.
        stepping: whether one can go through time: then the keys for that come first.
    """

    def rank(key: Key) -> tuple[bool, int]:
        return stepping and key.group != "replay" and key.action != "pause", key.footer

    shown = sorted(works, key=rank)
    return KeyBarView(
        tuple(hint(key, frozen=frozen) for key in shown if not key.pinned),
        tuple(hint(key, frozen=frozen) for key in shown if key.pinned),
    )


def hint(key: Key, *, frozen: bool) -> KeyHint:
    """A key and its word."""
    name = key.shown if key.group == "replay" else key.shown.split()[0]
    return KeyHint(name, "resume" if key.action == "pause" and frozen else key.label)
