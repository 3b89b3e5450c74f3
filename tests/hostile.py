"""What strangers may write, and what of it must never reach a terminal."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

BIDI_CONTROLS = frozenset({"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


@cache
def controls() -> frozenset[int]:
    """The code points that must never reach a terminal raw: C0, C1, DEL and the bidirectional controls."""
    return frozenset(
        code
        for code in range(sys.maxunicode + 1)
        if code < 0x20 or 0x7F <= code < 0xA0 or unicodedata.bidirectional(chr(code)) in BIDI_CONTROLS
    )
