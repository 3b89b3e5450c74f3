"""wsltop: shows, explains and proves where the memory of WSL2 goes."""

from __future__ import annotations

__version__ = "0.2.0"
