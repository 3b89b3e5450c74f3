"""The names of all styles that a line may use; ``wsltop.tcss`` gives each its look as ``cell--NAME``."""

from __future__ import annotations

from typing import Final

from wsltop.charts.timeline import STYLES as TIMELINE_STYLES

SEGMENT_STYLES: Final = (
    "anonymous",
    "shared",
    "kernel",
    "slab",
    "cache",
    "fragmented",
    "reportable",
    "host",
    "expected",
)
"""The parts of the bars."""

TEXT_STYLES: Final = (
    "title",
    "title-focused",
    "rule",
    "note",
    "label",
    "value",
    "muted",
    "good",
    "warning",
    "error",
    "key",
    "selected",
    "badge",
)

STYLES: Final = tuple(dict.fromkeys((*TIMELINE_STYLES, *SEGMENT_STYLES, *TEXT_STYLES)))
