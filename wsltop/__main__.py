"""The program ``wsltop``, also as ``python -m wsltop``; on Windows it says where it runs instead."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

ON_WINDOWS = "wsltop runs inside WSL, not on Windows. Install it there: wsl pipx install wsltop; then: wsl wsltop\n"
NOT_WSL = 3
"""``ExitCode.NOT_WSL``: nothing of wsltop is imported before it is known that this is no Windows."""


def main() -> NoReturn:
    """Run the program."""
    if os.name != "posix":
        sys.stderr.write(ON_WINDOWS)
        raise SystemExit(NOT_WSL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it can say so itself, Ctrl+C ends it without a word
    from wsltop import cli  # imports what only POSIX has

    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()


if __name__ == "__main__":
    main()
