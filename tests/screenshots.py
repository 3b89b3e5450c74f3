"""Takes the pictures in ``screenshots/``: ``python -m tests.screenshots``.

The screen is the live one. The samples that it shows are those of the recording that comes with the package, taken in a
guest under QEMU that gives memory back as WSL2's does (``python -m tests.vm record`` takes it anew), so the same
recording makes the same pictures. The guest's processor is emulated: wsltop's own share is some ten times what it is on
a real one, and the finding that wsltop itself keeps the idle gate shut is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from textual.pilot import Pilot

from tests.vm.guest.story import COMPACT, KILL, LOAD
from wsltop.charts.cells import choose_glyphs
from wsltop.commands.replay import opened
from wsltop.core.session import Session
from wsltop.hogs.pool import HogPool
from wsltop.host.choose import open_host
from wsltop.model.sample import Sample
from wsltop.model.text import MIB
from wsltop.sampler import Sampler
from wsltop.ui.app import WsltopApp
from wsltop.ui.context import ScreenOptions
from wsltop.ui.export import clean_picture
from wsltop.ui.sources import LiveSource, Samples

FOLDER: Final = Path(__file__).parents[1] / "screenshots"
SMALL, LARGE = (80, 24), (160, 48)
HOG_SIZE: Final = 384 * MIB
WINDOW: Final = 120.0
"""Seconds that the timeline shows: the recording is hardly longer."""
SILENCED: Final = frozenset({"wsltop-blocks"})


class Film(LiveSource):
    """A live source whose samples come when the camera wants them."""

    def __init__(self, sampler: Samples, session: Session) -> None:
        super().__init__(sampler, session)
        self.interval = 86400.0
        """The app's own timer does not fire while a picture is taken."""

    def tick(self) -> Sequence[Sample]:
        """Nothing by itself."""
        return ()


class Camera:
    """Saves pictures of an app that shows the samples of a recording."""

    def __init__(self, app: WsltopApp, pilot: Pilot[None], samples: Iterator[Sample], folder: Path) -> None:
        self.app, self.pilot, self.folder = app, pilot, folder
        self._samples = samples
        self._shown = 0

    async def go_on(self, second: int) -> None:
        """Show the samples up to a second of the story."""
        while self._shown < second:
            self.app.show_sample(next(self._samples))
            self._shown += 1
        await self.pilot.pause()

    async def take(self, name: str, *sizes: tuple[int, int]) -> None:
        """Save ``name`` at each size, and go back to the large one."""
        for width, height in sizes:
            await self.pilot.resize_terminal(width, height)
            await self.pilot.pause()
            await self.pilot.pause()
            picture = clean_picture(self.app.export_screenshot(title="wsltop"))
            (self.folder / f"{name}-{width}x{height}.svg").write_text(picture)
        await self.pilot.resize_terminal(*LARGE)


async def tell_story(app: WsltopApp, samples: Iterator[Sample], folder: Path) -> None:
    """Idle, four hogs, all killed; then the other colors, and the help."""
    async with app.run_test(size=LARGE) as pilot:
        camera = Camera(app, pilot, samples, folder)
        await camera.go_on(LOAD - 1)
        await camera.take("idle", SMALL, LARGE)
        await camera.go_on(KILL - 1)
        await camera.take("hogs", SMALL, LARGE)
        await camera.go_on(COMPACT - 1)
        await camera.take("killed", SMALL, LARGE)
        app.theme = "textual-light"
        await camera.take("light", LARGE)
        app.theme = "textual-dark"
        await pilot.press("question_mark")
        await camera.take("help", SMALL)


@contextmanager
def prepared(recording: Path | None, place: Path) -> Iterator[tuple[WsltopApp, Iterator[Sample]]]:
    """The app in the colors of the pictures, and the samples of a recording; clocks show UTC."""
    os.environ.pop("NO_COLOR", None)
    os.environ["TZ"] = "UTC"  # the events tell the time of day
    time.tzset()
    with HogPool() as pool, opened(recording) as (file, _):
        options = ScreenOptions(
            glyphs=choose_glyphs("auto", encoding="UTF-8"),
            color=True,
            theme="textual-dark",
            hog_size=HOG_SIZE,
            state_folder=place / "state",
        )
        app = WsltopApp(Film(Sampler(open_host("none", interval=1.0), pool), Session(1.0, SILENCED)), pool, options)
        app.context.state.window = WINDOW
        yield app, (file.sample(number) for number in range(file.count))


def main() -> None:
    """Take the pictures of a recording."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description="Take the pictures of the README.")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="of tests.vm record [the packaged one]")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go [screenshots/]")
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, prepared(chosen.recording, Path(place)) as (app, samples):
        asyncio.run(tell_story(app, samples, folder))
    for path in sorted(folder.glob("*.svg")):
        print(path.name)


if __name__ == "__main__":
    main()
