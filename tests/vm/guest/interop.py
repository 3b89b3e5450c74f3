"""Stands in for WSL's ``/init`` where it starts programs of Windows: ``interop.py PATH ARGV0 ARGUMENT …``.

``binfmt_misc`` hands it every file that begins with ``MZ``. It knows two programs, and answers as they do, with the
figures of the host in ``C:\\vm\\figures.json``, which the host rewrites several times a second.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
from pathlib import Path

FIGURES = Path("/mnt/c/vm/figures.json")
WAIT = re.compile(r"\.Wait\((\d+)\)")
PID = 9448


def read_figures() -> dict[str, int]:
    """Bytes: ``working_set``, ``total``, ``available``."""
    found: dict[str, int] = json.loads(FIGURES.read_text())
    return found


def tasklist() -> None:
    """One row, as ``tasklist /FO CSV /NH`` prints it in English."""
    kib = read_figures()["working_set"] // 1024
    sys.stdout.write(f'"vmmemWSL","{PID}","Services","0","{kib:,} K"\r\n')


def powershell(script: str) -> None:
    """One line per period, which is in the script, until standard input ends: what the script of wsltop prints."""
    period = WAIT.search(script)
    seconds = int(period[1]) / 1000 if period else 1.0
    while True:
        figures = read_figures()
        size = str(figures["working_set"])
        line = {
            "wsltop": 1,
            "mode": "FullLanguage",
            "processes": [{"name": "vmmemWSL", "pid": str(PID), "working_set": size, "private": size}],
            "total": str(figures["total"]),
            "available": str(figures["available"]),
        }
        os.write(1, json.dumps(line).encode() + b"\r\n")
        if select.select([0], [], [], seconds)[0]:
            return


def main() -> int:
    """Be the program that was asked for."""
    program = sys.argv[1].rsplit("/", 1)[-1].lower()
    if program == "tasklist.exe":
        tasklist()
    elif program == "powershell.exe":
        powershell(sys.argv[-1])
    else:
        print(f"{program}: no such stand-in", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
