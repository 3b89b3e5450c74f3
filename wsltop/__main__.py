"""``python -m wsltop``."""

from wsltop.cli import main

main()
