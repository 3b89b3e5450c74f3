"""Why there can be no virtual machine here."""

from __future__ import annotations


class PartsMissing(Exception):
    """A part cannot be had; the message says which, and what to do. The check is skipped, not failed."""


class MachineFailed(Exception):
    """The virtual machine did not do what it should; the message says what."""
