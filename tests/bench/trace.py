"""How much code a reader meets: the files and functions that a tick and a key enter, and the modules of a start.

``python -m tests.bench trace`` prints the figures, ``python -m tests.bench.trace`` the files too. With ``--tree`` it
looks at another checkout, with ``--python`` by the interpreter of that checkout's environment, so that two compare.

A function is entered when it is called in the main thread, or in a thread that starts meanwhile. A move is a call from
one file into another, Textual in between or not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.failure import CannotMeasure
from tests.bench.measurement import Limit, Measurement
from tests.bench.programs import ROOT, SIZE, environment
from tests.bench.pty_program import PtyProgram, drain_for
from tests.bench.traced import KEY

PROGRAM = Path(__file__).with_name("traced.py")
SETTINGS = 'interval = 60.0\nhog_size = "64M"\n'
"""The screen's own timer does not fire while it is watched."""
PATIENCE = 60


def measure_trace(runs: int, _seconds: float) -> Iterator[Measurement]:
    """Files, functions and moves of a tick and of a key, and the modules of a start."""
    found = [trace() for _ in range(runs)]
    for what, pick, most in (("one tick", ticks_of, 35), (f"key {KEY}", keys_of, 14)):
        for figure, limit in (("files", Limit(value=most)), ("functions", None), ("moves", None)):
            figures = [median_of(pick(one), figure) for one in found]
            name = f"files that {what} enters" if figure == "files" else f"  {figure}"
            yield Measurement(what=name, unit="", digits=0, runs=figures, target=limit)
    modules = [float(len(one["modules"])) for one in found]
    yield Measurement(what="modules loaded before the first frame", unit="", digits=0, runs=modules)


def ticks_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What each of the ticks entered."""
    ticks: list[dict[str, Any]] = found["ticks"]
    return ticks


def keys_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What the key entered."""
    return [found["key"]]


def trace(python: str = sys.executable, tree: Path = ROOT) -> dict[str, Any]:
    """What a checkout enters: ``ticks`` and ``key`` as in ``Trace.figures``, ``modules`` before the first frame.

    Raises:
        CannotMeasure: its screen did not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        settings = Path(folder, "wsltop/config.toml")
        settings.parent.mkdir()
        settings.write_text(SETTINGS, encoding="utf-8")
        environ = environment() | {"PYTHONPATH": str(tree), "XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
        with PtyProgram((python, str(PROGRAM), str(out)), SIZE, environ) as program:
            for _ in range(PATIENCE):
                drain_for([program], 1.0)
                if program.process.poll() is not None:
                    break
        try:
            found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
            found["key"], found["modules"]
        except (OSError, ValueError, KeyError):
            said = program.unread[-600:].decode(errors="replace")
            raise CannotMeasure(f"the screen of {tree} did not run to its end: {said}") from None
    return found


def median_of(ticks: list[dict[str, Any]], what: str) -> float:
    """The middle of what the ticks entered; of ``files`` their number."""
    return statistics.median(len(one[what]) if what == "files" else one[what] for one in ticks)


def print_files(found: dict[str, Any]) -> None:
    """The figures, and below each the files: behind those that not every tick enters, how many do."""
    ticks, key = found["ticks"], found["key"]
    often = Counter(file for one in ticks for file in one["files"])
    print(f"modules before the first frame: {len(found['modules'])}")
    print(f"tick: {median_of(ticks, 'files'):g} files, {median_of(ticks, 'functions'):g} functions, ", end="")
    print(f"{median_of(ticks, 'moves'):g} moves")
    for file, count in sorted(often.items()):
        print(f"  {file}" + (f"  ({count} of {len(ticks)} ticks)" if count < len(ticks) else ""))
    print(f"key {KEY}: {len(key['files'])} files, {key['functions']} functions, {key['moves']} moves")
    for file in key["files"]:
        print(f"  {file}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.trace", description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the dependencies")
    parser.add_argument("--tree", type=Path, default=ROOT, help="a checkout [this one]")
    options = parser.parse_args()
    print_files(trace(options.python, options.tree))
