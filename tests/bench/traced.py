"""The program of ``tests.bench.trace``: shows the screen without a terminal's picture, and writes what it entered.

It is started by its path, with the package of any checkout on the path of modules, so it imports nothing of the tests.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

ARGUMENTS = ("--host", "none", "--no-quiet")
SIZE = (160, 48)
WARM_UP, TICKS = 3, 5
KEY = "a"
KEY_SECONDS = 0.5
"""How long a key is followed: the hog that it starts is shown within."""


class Trace:
    """Counts the functions of one package while it is active.

    Args:
        package: the folder of the package.
    """

    def __init__(self, package: Path) -> None:
        self.package = f"{package}{os.sep}"
        self.functions: set[tuple[str, int]] = set()
        self.moves = 0

    def __enter__(self) -> Trace:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        file = self._file(frame)
        if event != "call" or file is None or frame.f_code.co_name.startswith("<"):  # a lambda, a module
            return
        self.functions.add((file, frame.f_code.co_firstlineno))
        caller = frame.f_back
        while caller is not None and self._file(caller) is None:
            caller = caller.f_back
        self.moves += caller is None or self._file(caller) != file

    def _file(self, frame: FrameType) -> str | None:
        name = frame.f_code.co_filename
        return name.removeprefix(self.package) if name.startswith(self.package) else None

    def figures(self) -> dict[str, Any]:
        """What was counted: ``files`` by name, the number of ``functions`` and of ``moves``."""
        return {
            "files": sorted({file for file, _ in self.functions}),
            "functions": len(self.functions),
            "moves": self.moves,
        }


def watch(out: Path) -> None:
    """Show the screen of the package on the path, and write what was counted."""
    import textual.app

    import wsltop

    package = Path(wsltop.__file__).parent
    found: dict[str, Any] = {"ticks": []}

    async def play(app: Any) -> None:
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            found["modules"] = sorted(name for name in sys.modules if name.split(".")[0] == "wsltop")
            for number in range(WARM_UP + TICKS):
                await asyncio.sleep(1.0)
                with Trace(package) as trace:
                    app.tick()
                    await pilot.pause()
                if number >= WARM_UP:
                    found["ticks"].append(trace.figures())
            await pilot.press(KEY)  # the first loads what it needs
            await asyncio.sleep(1.0)
            with Trace(package) as trace:
                await pilot.press(KEY)
                await asyncio.sleep(KEY_SECONDS)
            found["key"] = trace.figures()
            app.exit()

    def run(app: Any, *_: object, **__: object) -> None:
        asyncio.run(play(app))

    textual.app.App.run = run  # type: ignore[method-assign,assignment]
    from wsltop.cli import main

    sys.argv = ["wsltop", *ARGUMENTS]
    try:
        main()
    finally:
        out.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, whose modules are not to be found in place of others
    watch(Path(sys.argv[1]))
