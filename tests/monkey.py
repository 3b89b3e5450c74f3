"""Types at random into the real program until something breaks: ``python -m tests.monkey --keys 20000 --seed 1``.

Keys, mouse events, pastes, torn and bad bytes, bursts, resizes and suspensions go into the screen, its cards, the
palette and a replay, with and without hogs. The machine is the simulated laptop, so that nothing of this one is
compacted, dropped or signaled; hogs are real, and a limit of addresses keeps them small. After a crash the last keys
stand in the message, and the same seed types them again.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fcntl import ioctl
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tests.bench.cpu import resident
from tests.bench.pty_program import PtyProgram, drain, drain_for
from tests.faults.place import VARIABLE, Place, wait_until
from tests.laptop.scenarios import SCENARIOS
from tests.laptop.simulator import Laptop
from tests.terminal.harness import command, environment
from wsltop.model.text import MIB

LEAST, MOST = 0.004, 0.03
"""Seconds between two keys; sometimes none, which makes a burst."""
CHECK: Final = 250
"""Keys between two looks at whether the program still answers."""
PATIENCE: Final = 20.0
MOST_RESIDENT: Final = 128 * MIB
ADDRESSES: Final = 500 * MIB
"""The limit of addresses of the screen and of each hog."""
KEPT: Final = 40
"""Keys that stand in the message of a failure."""

SAFE: Final = "xX<=-+0jkf[]{}vbpcdDmznhswo,.?/123456GJlm \t\r"
HOGS: Final = "aaAtXXeu"
"""Keys that make or end hogs, for a monkey that may."""
SEQUENCES: Final = (
    *(f"\x1b[{end}".encode() for end in "ABCDHFZ"),
    *(f"\x1b[{number}~".encode() for number in (2, 3, 5, 6, 11, 15, 20)),
    *(b"\x1b", b"\x1b", b"\x0c", b"\x10", b"\x1a", b"\x1bOP", b"\x1b[I", b"\x1b[O", b"\x1b[57414u", b"\x1b[97;5u"),
)
BAD: Final = (b"\xe9", b"\xff", b"\x80\xbf", b"\0", b"\x1b[12;", b"\x1b]11;rgb:ff", b"\x1bP>|t\x1b\\", b"\x1b[M \x84 0")
WORDS: Final = ("theme", "nord", "record", "screen", "py", "12:00", "50%", "-10s", "end", "", "zzz", "漢字é", "[bold]")
SIZES: Final = ((80, 24), (100, 30), (160, 48), (40, 8), (39, 7), (1, 1), (300, 90), (132, 12), (60, 60))

Step: TypeAlias = "bytes | float | tuple[int, int]"
"""What is typed at once, a pause in seconds, or a new size."""


class Mood(NamedTuple):
    """What a monkey types into."""

    name: str
    arguments: tuple[str, ...]
    hogs: bool = False


MOODS: Final = (
    Mood("screen", ("--every", "0.3")),
    Mood("hogs", ("--every", "0.3"), hogs=True),
    Mood("replay", ("replay", "--sample")),
)


def phrases(chance: random.Random, *, hogs: bool) -> Iterator[Step]:
    """Yield what a monkey does, without end."""
    letters = SAFE + HOGS * hogs + "ry" * (chance.random() < 0.5)
    acts: dict[Callable[[], Iterator[Step]], int] = {
        lambda: iter((chance.choice(letters).encode(),)): 55,
        lambda: iter((chance.choice(SEQUENCES),)): 15,
        lambda: mouse(chance): 12,
        lambda: iter(("".join(chance.choices(letters, k=chance.randrange(2, 12))).encode(),)): 3,
        lambda: iter((chance.choice(letters).encode() * chance.randrange(2, 40),)): 2,
        lambda: iter((chance.choice(BAD),)): 2,
        lambda: iter((chance.choice(SIZES),)): 2,
        lambda: iter((b"\x1b[200~" + chance.choice(WORDS).encode() * chance.randrange(1, 300) + b"\x1b[201~",)): 2,
        lambda: palette(chance): 4,
        lambda: answered(chance): 2,
        lambda: iter((chance.choice((b"q", b"\x1b", b"\x1b\x1b", b"\r\r", b"\x10\x10\x10")),)): 1,
    }
    while True:
        (act,) = chance.choices(list(acts), weights=list(acts.values()))
        yield from act()


def mouse(chance: random.Random) -> Iterator[Step]:
    """Yield a click, a drag or turns of the wheel."""
    column, row = chance.randrange(1, 100), chance.randrange(1, 40)
    button = chance.choice((0, 0, 0, 2, 64, 65))
    yield f"\x1b[<{button};{column};{row}M".encode()
    if button < 3:
        for _ in range(chance.choice((0, 0, 3, 10))):
            column, row = max(1, column + chance.randrange(-9, 10)), max(1, row + chance.randrange(-2, 3))
            yield f"\x1b[<{button + 32};{column};{row}M".encode()
        yield f"\x1b[<{button};{column};{row}m".encode()


def palette(chance: random.Random) -> Iterator[Step]:
    """Yield a use of a text box: the palette, the filter or the place in time."""
    yield chance.choice((b"\x10", b"/", b"g"))
    yield chance.choice((0.0, 0.05, 0.3))
    yield chance.choice(WORDS).encode() or b"\x1b[B"
    yield chance.choice((0.0, 0.05, 0.4))
    yield chance.choice((b"\r", b"\r\r", b"\r\n\r", b"\x1b", b"\x1b[B\r"))


def answered(chance: random.Random) -> Iterator[Step]:
    """Yield a plan or a question that is read, and answered."""
    yield chance.choice((b"c", b"d", b"D", b"m", b"px"))
    yield 0.65
    yield chance.choice((b"y", b"y", b"n", b"\x1b", b"<", b"w"))


class Monkey:
    """One run of the program after another in a terminal, until so many keys are typed."""

    def __init__(self, place: Place, mood: Mood, seed: int) -> None:
        self.place, self.mood = place, mood
        self.chance = random.Random(f"{seed} {mood.name}")
        self.last: deque[Step] = deque(maxlen=KEPT)
        self.typed = 0
        self.starts = 0
        self.largest = 0
        """Bytes that were resident at most."""

    def run(self, keys: int) -> None:
        """Type so many keys.

        Raises:
            AssertionError: something broke.
        """
        with Laptop(self.place.folder / "root", SCENARIOS["laptop"]) as laptop:
            # What goes through wsl.exe runs on this machine, and not below the root.
            (self.place.folder / "root/mnt/c/Windows/System32/wsl.exe").write_text("#!/bin/sh\nexit 1\n")
            while self.typed < keys:
                with self.start() as program:
                    laptop.watched = program.pid
                    if self.type(program, keys):
                        self.leave(program)
                    self.check_end(program)

    def start(self) -> PtyProgram:
        """The program, with its first frame drawn."""
        root = self.place.folder / "root"
        before = () if self.mood.arguments[0] == "replay" else ("--root", str(root))
        settings = self.place.home / "config/wsltop/config.toml"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text('hog_size = "64M"\n')
        environ = environment(self.place.home) | {VARIABLE: self.place.token}
        program = PtyProgram(command((*before, *self.mood.arguments)), (80, 24), environ)
        resource.prlimit(program.pid, resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        program.wait_for(b"quit", PATIENCE)
        self.starts += 1
        return program

    def type(self, program: PtyProgram, keys: int) -> bool:
        """Type until there are enough keys; whether the program still runs then."""
        for step in phrases(self.chance, hogs=self.mood.hogs):
            self.last.append(step)
            if isinstance(step, float):
                drain_for([program], step)
            elif isinstance(step, tuple):
                resize(program, step)
            else:
                self.send(program, step)
                self.typed += 1
                if self.typed % CHECK == 0:
                    self.check(program)
            if self.chance.random() < 0.9:
                drain_for([program], self.chance.uniform(LEAST, MOST))
            go_on(program)
            if program.process.poll() is not None:
                return False
            if self.typed >= keys:
                return True
        return True

    def send(self, program: PtyProgram, data: bytes) -> None:
        """Write to the terminal, as fast as the program reads."""
        deadline = time.monotonic() + PATIENCE
        while data and program.process.poll() is None:
            try:
                data = data[os.write(program.master, data) :]
            except BlockingIOError:
                assert time.monotonic() < deadline, self.tell("it does not read its keys")
                drain([program], 0.05)
                go_on(program)

    def check(self, program: PtyProgram) -> None:
        """Fail unless it draws when the window changes, and is no larger than it may be."""
        drain_for([program], 0.3)
        program.forget()
        resize(program, (110 + self.typed // CHECK % 7, 31))
        deadline = time.monotonic() + PATIENCE
        while not program.unread and program.process.poll() is None:
            assert time.monotonic() < deadline, self.tell("it draws nothing")
            drain([program], 0.1)
            go_on(program)
        if program.process.poll() is None:
            self.largest = max(self.largest, resident(program.pid))
            assert self.largest < MOST_RESIDENT, self.tell(f"{self.largest / MIB:.0f} MiB resident")

    def leave(self, program: PtyProgram) -> None:
        """Close what is open, and quit."""
        deadline = time.monotonic() + PATIENCE
        resize(program, (100, 30))
        while program.process.poll() is None:
            assert time.monotonic() < deadline, self.tell(f"q does not end it; it draws {plain(program.unread)}")
            self.send(program, b"\x1b")
            drain_for([program], 0.3)
            self.send(program, b"q")
            drain_for([program], 0.5)
            go_on(program)

    def check_end(self, program: PtyProgram) -> None:
        """Fail unless it ended as by q, and nothing of it is left."""
        drain_for([program], 0.1)
        status = program.process.wait(PATIENCE)
        crashes = [path.read_text()[-3000:] for path in self.place.home.rglob("crash-*.txt")]
        assert not crashes, self.tell(f"it crashed: {crashes[0]}")
        assert b"Traceback" not in program.unread, self.tell(program.unread[-3000:].decode(errors="replace"))
        assert status == 0, self.tell(f"status {status}: {program.unread[-500:]!r}")
        wait_until(lambda: not self.place.processes(), 5.0, self.tell("its hogs gone"))

    def tell(self, what: str) -> str:
        """Say what broke, after which keys."""
        return f"{what}\nmood {self.mood.name}, after {self.typed} keys; the last: {shown(self.last)}"


def go_on(program: PtyProgram) -> None:
    """Have it go on after ctrl+z, whenever it got to that: the shell that would do so is this one."""
    try:
        state = Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return
    if state == "T":
        os.kill(program.pid, signal.SIGCONT)


def plain(drawn: bytes) -> str:
    """The end of what was drawn, without the sequences."""
    return re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]|\s+", " ", drawn.decode(errors="replace"))[-1500:]


def shown(steps: Iterable[Step]) -> str:
    """The steps, none of them longer than a line."""
    return " ".join(text if len(text) < 60 else f"{text[:50]}...({len(text)})" for text in map(repr, steps))


def resize(program: PtyProgram, size: tuple[int, int]) -> None:
    """Change the size of the terminal."""
    ioctl(program.master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))


def run(mood: Mood, keys: int, seed: int) -> Monkey:
    """Let a monkey type so many keys.

    Raises:
        AssertionError: something broke; says after which keys.
    """
    folder = Path(tempfile.mkdtemp(prefix="monkey-"))
    try:
        with Place(folder) as place:
            monkey = Monkey(place, mood, seed)
            monkey.run(keys)
            return monkey
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Type what was asked for; 1 where something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.monkey", description=__doc__)
    parser.add_argument("--keys", type=int, default=20_000, help="how many keys, among all moods [20000]")
    parser.add_argument("--seed", type=int, default=1, help="types the same keys again [1]")
    parser.add_argument("--mood", choices=[mood.name for mood in MOODS], action="append", help="into what; all")
    chosen = parser.parse_args(arguments)
    moods = [mood for mood in MOODS if not chosen.mood or mood.name in chosen.mood]
    broken = 0
    for mood in moods:
        began = time.monotonic()
        try:
            monkey = run(mood, chosen.keys // len(moods), chosen.seed)
        except AssertionError as error:
            broken += 1
            print(f"{mood.name}: BROKE: {error}", flush=True)
            continue
        print(
            f"{mood.name}: {monkey.typed} keys in {monkey.starts} runs of the program, "
            f"{time.monotonic() - began:.0f} s; at most {monkey.largest / MIB:.1f} MiB resident",
            flush=True,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
