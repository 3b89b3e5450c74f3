"""Leaves out of what Textual imports what a screen never uses.

Textual runs on asyncio, which imports OpenSSL where it can: 4 MiB resident and some milliseconds at each start, for
connections that wsltop never opens. Python without it is a supported build, so asyncio is imported as in one.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def import_without_tls(name: str = "asyncio") -> None:
    """Import a module that makes do without ``ssl``, unless somebody has imported either before."""
    modules: dict[str, Any] = sys.modules
    if name in modules or "ssl" in modules:
        return
    modules["ssl"] = None  # an import of it fails; so the reference of Python's import system says
    try:
        importlib.import_module(name)
    finally:
        del modules["ssl"]
