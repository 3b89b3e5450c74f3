"""``python -m tests.laptop [--scenario NAME] [-- wsltop ARGUMENTS]``: wsltop on a simulated laptop with WSL."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.laptop.scenarios import SCENARIOS
from tests.laptop.simulator import Laptop


def main() -> int:
    """Start the laptop, run wsltop on it until it ends, and return its status."""
    parser = argparse.ArgumentParser(prog="python -m tests.laptop", description=__doc__)
    parser.add_argument("--scenario", choices=SCENARIOS, default="laptop", help="What the laptop is like.")
    parser.add_argument("--list", action="store_true", help="Print the scenarios.")
    parser.add_argument("--root", type=Path, help="Lay the laptop out here, and keep it.")
    parser.add_argument("arguments", nargs="*", help="Arguments of wsltop, after --; none opens the screen.")
    chosen = parser.parse_args()
    if chosen.list:
        print("".join(f"{name:<10} {scenario.about}\n" for name, scenario in SCENARIOS.items()), end="")
        return 0
    with tempfile.TemporaryDirectory(prefix="wsltop-laptop-") as folder:
        root = Path(folder) if chosen.root is None else chosen.root.absolute()
        with Laptop(root, SCENARIOS[chosen.scenario]) as laptop:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is for wsltop
            program = subprocess.Popen([sys.executable, "-m", "wsltop", "--root", str(root), *chosen.arguments])
            laptop.watched = program.pid
            return program.wait()


if __name__ == "__main__":
    sys.exit(main())
