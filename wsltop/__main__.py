"""``python -m wsltop``."""

from __future__ import annotations

from wsltop.cli import main

main()
