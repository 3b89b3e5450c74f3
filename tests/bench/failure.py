"""What a benchmark says when it cannot say anything."""

from __future__ import annotations


class CannotMeasure(Exception):
    """This machine does not let itself be measured in this way; the message says why."""
