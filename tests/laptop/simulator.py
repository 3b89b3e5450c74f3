"""Runs a scenario below a root: steps its memory and writes what the guest and Windows show of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from tests.guest.texts import kernel_text
from tests.laptop.layout import lay_guest, lay_windows
from tests.laptop.memory import GIB, MIB
from tests.laptop.scenarios import CONTAINER, Scenario, memory
from tests.laptop.texts import (
    NORMAL,
    PAGE,
    GroupFigures,
    ProcessFigures,
    ZoneFigures,
    buddyinfo_text,
    group_texts,
    meminfo_text,
    pressure_text,
    process_texts,
    stat_text,
    vmstat_text,
    zoneinfo_text,
)
from wsltop.clock import SYSTEM_CLOCK, Clock

STEP: Final = 0.25
"""Seconds between two steps."""
WSL_LOOK: Final = 30.0
"""Seconds between two looks of WSL's init up to 2.9.4."""
IDLE: Final = {"dropCache": 600.0, "gradual": 180.0}
"""Seconds of rest after which WSL's init reclaims, by mode."""
QUIET: Final = 0.005
"""Share of all CPUs below which WSL takes the VM for idle."""
FLOOR: Final = int(1.1 * GIB)
"""``gradual`` stops at so much memory in use."""
INTERPRETER: Final = 9 * MIB
"""What a hog's interpreter holds by itself."""
READING: Final = 400 * MIB
"""Bytes a second that a hog reads from its file."""
ACTIONS: Final = ("proc/sys/vm/compact_memory", "proc/sys/vm/drop_caches", "sys/fs/cgroup/memory.reclaim")
INIT: Final = "mini_init (175)"


class Files:
    """Files that are written again and again below a root, without ever being empty for a reader."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, int] = {}

    def put(self, place: str, text: str | bytes) -> None:
        """Replace what a file holds."""
        data = text.encode() if isinstance(text, str) else text
        descriptor = self._open.get(place)
        if descriptor is None:
            path = self.root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = self._open[place] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.pwrite(descriptor, data, 0)
        if os.fstat(descriptor).st_size > len(data):
            os.ftruncate(descriptor, len(data))

    def drop(self, folder: str) -> None:
        """Delete a folder and its files."""
        for place in [place for place in self._open if place.startswith(f"{folder}/")]:
            os.close(self._open.pop(place))
        shutil.rmtree(self.root / folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of all files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()


class Laptop:
    """A laptop with WSL below ``root``; a context that runs it in the background.

    Args:
        root: an empty folder.
        scenario: what it is like.
        clock: its time; with one that a test steps, call ``step`` instead of entering the context.
    """

    def __init__(self, root: Path, scenario: Scenario, clock: Clock = SYSTEM_CLOCK) -> None:
        self.root = root
        self.scenario = scenario
        self.memory = memory(**scenario.start)
        self.programs = {one.pid: one for one in scenario.programs}
        self.watched: int | None = None
        """The process of wsltop: its hogs show in the VM."""
        self._files = Files(root)
        self._clock = clock
        self._began = clock.monotonic()
        self._boot = clock.time() - scenario.uptime
        self._sequence = 0
        self._ticks = {"user": 120_000.0, "idle": scenario.uptime * 100 * scenario.cpus}
        self._used: dict[int, float] = {}
        self._idle = scenario.idle
        self._looked = 0.0
        self._dropped = False
        self._filled: dict[str, int] = {}
        """Bytes of page cache by the pid of the hog that fills it."""
        self._seen: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="laptop", daemon=True)
        self._vmstat = kernel_text("6.6", "vmstat")
        self._lay()

    def __enter__(self) -> Laptop:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Close every file, where no context does it."""
        self._files.close()

    @property
    def now(self) -> float:
        """Seconds since the VM booted."""
        return self.scenario.uptime + self._clock.monotonic() - self._began

    @property
    def available(self) -> int:
        """What Windows has left, in bytes."""
        return max(200 * MIB, self.scenario.windows - self.scenario.others - self.memory.lent)

    def log(self, text: str, *, before: float = 0.0, level: int = 6) -> None:
        """Append a line to the kernel log, as of so many seconds ago."""
        self._sequence += 1
        with (self.root / "dev/kmsg").open("a") as file:
            file.write(f"{level},{self._sequence},{int((self.now - before) * 1e6)},-;{text}\n")

    def step(self, seconds: float = STEP) -> None:
        """Let time pass, and write all of it down."""
        self._act()
        self.memory.set_hogs(self._read_hogs(seconds))
        for one in list(self.programs.values()):
            self._live(one.pid, seconds)
        self.memory.cache += int(self.scenario.cache_growth * seconds)
        self._rest(seconds)
        self.memory.step(seconds)
        self._write()

    def _lay(self) -> None:
        scenario = self.scenario
        lay_guest(
            self.root,
            release=scenario.release,
            wsl_version=scenario.wsl_version,
            uptime=scenario.uptime,
            boot_time=self._boot,
        )
        written = self._boot - 3 * 86_400.0
        lay_windows(
            self.root,
            wsl_version=scenario.wsl_version,
            wslconfig=scenario.wslconfig.replace("\n", "\r\n").encode(),
            written=written,
        )
        (self.root / "dev/kmsg").write_text("")
        for before, text in ((scenario.uptime - 0.16, "Free page reporting enabled"), *scenario.log):
            self.log(text, before=before, level=3 if "Killed" in text else 6)
        for place in ACTIONS:
            self._seen[place] = (self.root / place).stat().st_mtime_ns
        self.step(0.0)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(STEP):
            now = time.monotonic()
            self.step(now - last)
            last = now

    # What happens

    def _act(self) -> None:
        """Do what was written to the files of the kernel since the last step."""
        for place in ACTIONS:
            path = self.root / place
            changed = path.stat().st_mtime_ns
            if changed == self._seen[place]:
                continue
            self._seen[place] = changed
            number = int((re.findall(r"\d+", path.read_text()) or ["0"])[0])
            if place.endswith("compact_memory"):
                self.memory.compact()
            elif place.endswith("drop_caches"):
                self.memory.drop(number)
                self.log(f"tee ({os.getpid()}): drop_caches: {number}")
            else:
                self.memory.reclaim(number)

    def _rest(self, seconds: float) -> None:
        """Do what WSL's init does when the VM is at rest: compact, and reclaim."""
        share = self.scenario.background + sum(one.busy for one in self.programs.values()) / self.scenario.cpus
        hundredths = seconds * 100 * self.scenario.cpus
        self._ticks["user"] += hundredths * share
        self._ticks["idle"] += hundredths * (1 - share)
        quiet = share < QUIET and not self.memory.hogs
        self._idle = self._idle + seconds if quiet else 0.0
        self._dropped = self._dropped and quiet
        self._looked += seconds
        if self._looked < WSL_LOOK or not quiet:
            return
        self._looked = 0.0
        mode = self.scenario.mode
        if mode == "dropCache" and self._idle >= IDLE[mode] and not self._dropped:
            self._dropped = True
            self.memory.drop(1)
            self.log(f"{INIT}: drop_caches: 1")
        if mode == "gradual" and self._idle >= IDLE[mode] and self.memory.used > FLOOR:
            self.memory.reclaim(int(self.memory.used * 0.03))
        self.memory.compact()
        if self.scenario.says_compaction:
            self.log("WSL2: Performing memory compaction.")

    def _live(self, pid: int, seconds: float) -> None:
        """Let a program grow, work, or end."""
        one = self.programs[pid]
        if one.ends is not None and self.now - self.scenario.uptime >= one.ends:
            self.memory.end(one.size)
            del self.programs[pid]
            self._files.drop(f"proc/{pid}")
            return
        self._used[pid] = self._used.get(pid, 150.0) + one.busy * seconds * 100
        grown = int(one.growth * seconds)
        if grown:
            self.memory.anonymous += grown
            self.programs[pid] = type(one)(**(vars(one) | {"size": one.size + grown}))

    def _read_hogs(self, seconds: float) -> dict[str, int]:
        """What the hogs of the watched wsltop hold, by kind; the page cache that one fills is no memory of its own."""
        found: dict[str, int] = {}
        filling: dict[str, int] = {}
        if self.watched is None:
            return found
        try:
            children = Path(f"/proc/{self.watched}/task/{self.watched}/children").read_text().split()
        except OSError:
            return found
        for pid in children:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (OSError, ValueError, IndexError):
                continue
            place = next((n for n, word in enumerate(words) if word.endswith(b"hogs/hog.py")), None)
            if place is not None and len(words) > place + 3:
                kind, target = words[place + 2].decode(), int(words[place + 3])
                if kind == "cache":
                    filling[pid] = min(target, self._filled.get(pid, 0) + int(READING * seconds))
                else:
                    found[kind] = found.get(kind, 0) + max(0, pages * PAGE - INTERPRETER)
        grown = sum(filling.values()) - sum(self._filled.values())
        self.memory.cache = max(0, self.memory.cache + grown)
        self._filled = filling
        return found

    # What it looks like

    def _write(self) -> None:
        put, mem = self._files.put, self.memory
        shared = mem.shared + mem.hogs.get("shared", 0)
        anonymous = mem.anonymous + mem.hog - mem.hogs.get("shared", 0)
        figures = {
            "MemTotal": mem.total,
            "MemFree": mem.free,
            "MemAvailable": mem.available,
            "Buffers": mem.cache // 25,
            "Cached": mem.cache - mem.cache // 25 + shared,
            "SwapTotal": mem.swap,
            "SwapFree": mem.swap - mem.swapped,
            "AnonPages": anonymous,
            "Shmem": shared,
            "Mapped": mem.held + shared // 2,
            "Active(file)": int(mem.cache * 0.6),
            "Inactive(file)": mem.cache - int(mem.cache * 0.6),
            "Dirty": 3 * MIB,
            "SReclaimable": mem.slab_reclaimable,
            "SUnreclaim": mem.slab_unreclaimable,
        }
        put("proc/meminfo", meminfo_text({name: size // 1024 for name, size in figures.items()}))
        pages = (mem.total + mem.beyond) // PAGE
        zones = (
            ZoneFigures("DMA32", NORMAL, [0] * 11),
            ZoneFigures("Normal", pages - NORMAL, mem.blocks),
        )
        put("proc/buddyinfo", buddyinfo_text(zones))
        put("proc/zoneinfo", zoneinfo_text(zones))
        put("proc/vmstat", vmstat_text(self._vmstat, mem.counters))
        user, idle = self._ticks["user"], self._ticks["idle"]
        put("proc/stat", stat_text(user, user / 4, idle, cpus=self.scenario.cpus, boot_time=self._boot))
        put("proc/uptime", f"{self.now:.2f} {self.now * self.scenario.cpus:.2f}\n")
        stalled = max(0.0, 1 - mem.available / (256 * MIB)) * 20
        put("proc/pressure/memory", pressure_text(stalled, stalled / 2))
        for one in self.programs.values():
            resident = one.size // PAGE
            command = tuple(word.encode() for word in one.command or (one.name,))
            process = ProcessFigures(
                pid=one.pid,
                name=one.name.encode(),
                rss=resident,
                shared=min(resident, 2048),
                command=command,
                parent=0 if one.pid == 1 else 1,
                user=int(self._used.get(one.pid, 0.0)),
                user_id=one.user_id,
                group=CONTAINER if one.contained else "",
            )
            for name, data in process_texts(process).items():
                put(f"proc/{one.pid}/{name}", data)
        self._write_groups(anonymous)
        self._write_windows()

    def _write_groups(self, anonymous: int) -> None:
        half, file = anonymous // 2, self.memory.cache
        groups = {
            "wsl-user/distro-12": GroupFigures(anonymous + file, anonymous, file),
            "wsl-user/distro-12/user.slice": GroupFigures(half + file // 2, half, file // 2),
            CONTAINER: GroupFigures(half // 2 + file // 4, half // 2, file // 4, limit=2 * GIB),
        }
        for path, group in groups.items():
            for name, text in group_texts(group).items():
                self._files.put(f"sys/fs/cgroup/{path}/{name}", text)

    def _write_windows(self) -> None:
        lent = self.memory.lent
        told = {
            "working_set": lent,
            "private": lent + 300 * MIB,
            "total": self.scenario.windows,
            "available": self.available,
        }
        self._files.put("host.json", json.dumps(told))
