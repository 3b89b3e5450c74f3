"""Takes the pictures in ``screenshots/``: ``python -m tests.screenshots``.

The app, its sampler and its hogs are the real ones. What stands around them is not WSL2 but this Linux machine: of its
memory all but ``GUEST`` is left out, so that the charts are those of a usual guest; its free memory is laid out in
blocks as on a machine that has not run for long; its kernel log, which may hold anything, is empty; and a stand-in for
Windows answers that holds what the guest has touched and gets it back some seconds after it was freed, in steps.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from wsltop.charts.glyphs import choose_glyphs
from wsltop.control.hogs import HogPool
from wsltop.core.sample import Sample
from wsltop.core.session import Session
from wsltop.core.units import GIB, MIB
from wsltop.host.choose import open_host
from wsltop.host.drives import POWERSHELL
from wsltop.host.source import HostSource
from wsltop.sampler import PAGE_SIZE, Sampler
from wsltop.ui.app import WsltopApp
from wsltop.ui.exporting import ScreenOptions

FOLDER = Path(__file__).parents[1] / "screenshots"
SMALL, LARGE = (80, 24), (160, 48)
GUEST = 6 * GIB
"""RAM of the guest that is shown; a smaller machine is shown as it is."""
RESERVED = 96 * MIB
"""What the kernel keeps from the start: present, but not in MemTotal."""
OTHER = 100 * MIB
"""What the kernel has taken since, and no field tells."""
USED = ("AnonPages", "Cached", "Buffers", "Slab", "PageTables", "KernelStack")
SCATTERED = (900, 700, 500, 300, 150, 80, 40, 20, 10)
"""Free blocks below the reporting order, by order."""
ORDER = len(SCATTERED)
LARGEST = 10
INTERVAL = 0.5
HOG_SIZE = 512 * MIB

ZONEINFO = """\
Node 0, zone   Normal
  pages free     {free}
        boost    0
        min      4096
        low      5120
        high     6144
        spanned  {present}
        present  {present}
        managed  {managed}
"""

STAND_IN = """\
#!{python} -I
import select, sys, time
def used():
    sizes = {{line.split()[0]: 1024 * int(line.split()[1]) for line in open({meminfo!r})}}
    return sizes["MemTotal:"] - sizes["MemFree:"] + {reserved}
lent, fell = used(), time.monotonic()
while True:
    wanted, now = used(), time.monotonic()
    if wanted >= lent:
        lent, fell = wanted, now
    elif now - fell >= 2:
        lent, fell = max(wanted, lent - max(64 << 20, int(0.4 * (lent - wanted)))), now
    print('{{"wsltop":1,"mode":"FullLanguage","processes":[{{"name":"vmmemWSL","pid":"9448","working_set":"%d",'
          '"private":"%d"}}],"total":"%d","available":"%d"}}'
          % (lent + (70 << 20), lent + (90 << 20), 16 << 30, (10 << 30) - lent), flush=True)
    if select.select([sys.stdin], [], [], 0.5)[0]:
        break
"""
"""Answers as wsltop's script does, twice a second, until its stdin ends."""


class Guest:
    """The files of a guest below ``root``, made from those of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("proc/sys/kernel", "proc/self", "sys/module/page_reporting/parameters", "etc", "dev"):
            (root / folder).mkdir(parents=True)
        (root / "proc/sys/kernel/osrelease").write_text(platform.release().partition("-")[0] + "\n")
        (root / "sys/module/page_reporting/parameters/page_reporting_order").write_text(f"{ORDER}\n")
        (root / "dev/kmsg").write_text("")
        (root / "proc/self/mountinfo").write_text("22 1 8:1 / / rw,relatime - ext4 /dev/sda rw\n")
        for name in (
            "proc/vmstat",
            "proc/self/statm",
            "proc/self/status",
            "proc/self/ns",
            "proc/stat",
            "proc/pressure",
            "proc/uptime",
            "etc/os-release",
        ):
            (root / name).symlink_to(Path("/") / name)
        self.refresh()

    def refresh(self) -> None:
        """Write what changes anew."""
        text = Path("/proc/meminfo").read_text()
        total = min(GUEST, size_of("MemTotal", text))
        free = max(0, total - OTHER - sum(size_of(name, text) for name in USED))
        available = min(total, free + size_of("Cached", text) - size_of("Shmem", text))
        for name, size in (("MemTotal", total), ("MemFree", free), ("MemAvailable", available)):
            text = re.sub(rf"^{name}: .*$", f"{name}: {size // 1024} kB", text, flags=re.MULTILINE)
        (self.root / "proc/meminfo").write_text(text)
        free, managed = free // PAGE_SIZE, total // PAGE_SIZE
        counts = " ".join(map(str, lay_out(free)))
        (self.root / "proc/buddyinfo").write_text(f"Node 0, zone   Normal {counts} \n")
        present = managed + RESERVED // PAGE_SIZE
        (self.root / "proc/zoneinfo").write_text(ZONEINFO.format(free=free, present=present, managed=managed))


def size_of(name: str, meminfo: str) -> int:
    """A field of ``/proc/meminfo`` in bytes."""
    match = re.search(rf"^{name}: +([0-9]+) kB$", meminfo, re.MULTILINE)
    if match is None:
        raise ValueError(f"/proc/meminfo has no {name}")
    return 1024 * int(match[1])


def lay_out(free: int) -> list[int]:
    """Count the free blocks of each order that ``free`` pages are: some small ones, the rest as large as can be."""
    counts = [*SCATTERED, *(0 for _ in range(ORDER, LARGEST + 1))]
    rest = free - sum(count << order for order, count in enumerate(SCATTERED))
    for order in range(LARGEST, -1, -1):
        counts[order] += max(0, rest) >> order
        rest -= (max(0, rest) >> order) << order
    return counts


class GuestSampler(Sampler):
    """Samples a guest whose files are written just before."""

    def __init__(self, guest: Guest, host: HostSource, pool: HogPool) -> None:
        super().__init__(host, pool, root=guest.root)
        self.guest = guest

    def sample(self) -> Sample:
        """Write the files, and read them."""
        self.guest.refresh()
        return super().sample()


def put_windows(drive: Path, guest: Guest) -> None:
    """Install the stand-in for Windows on ``drive``."""
    program = drive / POWERSHELL
    program.parent.mkdir(parents=True)
    meminfo = str(guest.root / "proc/meminfo")
    program.write_text(STAND_IN.format(python=sys.executable, meminfo=meminfo, reserved=RESERVED))
    program.chmod(0o755)


class Camera:
    """Saves pictures of a running app."""

    def __init__(self, pilot: Pilot[None], folder: Path) -> None:
        self.pilot = pilot
        self.folder = folder

    async def take(self, name: str, *sizes: tuple[int, int]) -> None:
        """Save ``name`` at each size, and go back to the large one."""
        for width, height in sizes:
            await self.pilot.resize_terminal(width, height)
            await self.pilot.pause()
            await asyncio.sleep(3 * INTERVAL)  # what wsltop used for the new size is no longer in its own figure
            picture = self.pilot.app.export_screenshot(title="wsltop")
            picture = picture.replace("<svg ", '<svg xml:space="preserve" ', 1)  # some viewers drop blanks otherwise
            (self.folder / f"{name}-{width}x{height}.svg").write_text(picture)
        await self.pilot.resize_terminal(*LARGE)


async def tell_story(app: WsltopApp, folder: Path) -> None:
    """Idle, four hogs, all killed; then the other colors, and the help."""
    app.main.state.window = 60.0
    async with app.run_test(size=LARGE) as pilot:
        camera = Camera(pilot, folder)
        await asyncio.sleep(12)
        await camera.take("idle", SMALL, LARGE)
        await pilot.press("A")
        await asyncio.sleep(10)
        await camera.take("hogs", SMALL, LARGE)
        await pilot.press("X")
        await asyncio.sleep(15)
        await camera.take("killed", SMALL, LARGE)
        app.theme = "textual-light"
        await camera.take("light", LARGE)
        app.theme = "textual-dark"
        await pilot.press("question_mark")
        await camera.take("help", SMALL)


def main() -> None:
    """Set the stage, take the pictures, clear away."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description="Take the pictures of the README.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go [screenshots/]")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("NO_COLOR", "WSL_DISTRO_NAME"):  # no names of the user's in a picture
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as place, HogPool() as pool:
        guest = Guest(Path(place) / "root")
        drive = Path(place) / "c"
        put_windows(drive, guest)
        host = open_host("powershell", interval=INTERVAL, drive=drive)
        options = ScreenOptions(
            glyphs=choose_glyphs("auto", encoding="UTF-8"),
            color=True,
            theme="textual-dark",
            hog_size=HOG_SIZE,
            state_folder=Path(place) / "state",
        )
        sampler = GuestSampler(guest, host, pool)
        try:
            host.start()
            asyncio.run(tell_story(WsltopApp(sampler, Session(INTERVAL), pool, options), folder))
        finally:
            sampler.close()
            host.close()
    for path in sorted(folder.glob("*.svg")):
        print(path.name)


if __name__ == "__main__":
    main()
