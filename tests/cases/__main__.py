"""``python -m tests.cases NAME [-- wsltop ARGUMENTS]``: wsltop on a reported case; without a name, the list."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cases.case import NAMES, lay_out, load


def main() -> int:
    """Lay the case out, run wsltop on it until it ends, and return its status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("name", nargs="?", help="A case, or how its name begins.")
    parser.add_argument("arguments", nargs="*", help="Arguments of wsltop, after --; none opens the screen.")
    chosen = parser.parse_args()
    names = [name for name in NAMES if chosen.name is not None and name.startswith(chosen.name)]
    if len(names) != 1:
        print("\n".join(names or NAMES))
        return 0 if chosen.name is None else 2
    with tempfile.TemporaryDirectory(prefix="wsltop-case-") as folder:
        root = lay_out(load(names[0]), Path(folder))
        return subprocess.call([sys.executable, "-m", "wsltop", "--root", str(root), *chosen.arguments])


if __name__ == "__main__":
    sys.exit(main())
