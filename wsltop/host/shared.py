"""One wsltop of a user asks Windows, the others use its answers: five PowerShells would cost 600 MiB.

For each source and drive there is a lock in ``RuntimeFolder``. Who holds it asks, as often as the reader with the
shortest interval wants, and leaves each answer and each failure in a file; the others read the file. When the holder
ends, however it ends, the kernel releases the lock and another takes it. When the answers stop although the lock is
held (a stopped process keeps it), the next one takes a second lock and asks until the first is back.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from wsltop.clock import Clock
from wsltop.host.interop import Windows
from wsltop.host.runtime import RuntimeFolder, open_runtime
from wsltop.host.source import LARGEST, AskingSource, Publisher
from wsltop.model.sample import WAITING, HostMemory, Reading, SeveralVms, Unavailable, VmProcess
from wsltop.model.text import clean

FORMAT: Final = 1
"""Of the file; an answer in another format is not believed."""
SLACK: Final = 10.0
"""Seconds that an answer may be late before the one who asks counts as stopped."""
MOST_PATIENCE: Final = 120.0
"""Seconds of silence that the one who asks can announce at most."""
GRACE: Final = 1.0
"""Seconds for which an answer must have been found late: who has just taken the lock says so only then."""
FIRST_ANSWER: Final = 20.0
"""Seconds within which the first answer of a program is to come."""
FAILURE_COUNTS: Final = 60.0
"""Seconds for which others do not ask again what has just failed."""
BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"


class Left(Struct, frozen=True, kw_only=True):
    """One answer or failure as it is left for the others."""

    format: int
    boot_id: str
    source: str
    drive: str
    asker: str
    """A random word for the source that asked."""
    at: float
    """CLOCK_BOOTTIME when the answer came: the time that goes on while the PC sleeps."""
    patience: float
    """Seconds within which the next is to come."""
    failing: bool
    reading: HostMemory | SeveralVms | Unavailable


MOST_VMS: Final = 32
DECODER: Final = msgspec.json.Decoder(Left)


class SharedSource:
    """A source that asks Windows if no other wsltop of the user does, and uses the other's answers if one does.

    Args:
        name: the source's name in ``HostMemory.source``.
        make: makes the source that asks; given the period and a publisher.
        folder: where locks and answers are; closed with the source.
        drive: where the system drive is mounted: other drives are other Windows.
        period: seconds between two answers that this reader wants.
        slack: seconds that an answer may be late.
        asks: False: only the answers of others are used, and no program is started.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[float, Publisher], AskingSource],
        folder: RuntimeFolder,
        *,
        drive: Path,
        period: float,
        silence: float,
        clock: Clock,
        slack: float = SLACK,
        asks: bool = True,
    ) -> None:
        self._name, self._make, self._folder, self._drive = name, make, folder, str(drive)
        self._period, self._silence, self._clock, self._slack = period, silence, clock, slack
        self._asks = asks
        self._base = f"{name}-{zlib.crc32(os.fsencode(self._drive)):08x}"
        self._word = os.urandom(8).hex()
        self._boot_id = read_boot_id()
        self._own: AskingSource | None = None
        self._retired: list[AskingSource] = []
        self._lock = self._wish = -1
        self._second = self._closed = self._done = False
        self._began = boot_time()
        self._late_since: float | None = None
        """When this one first found that the lock is held and the answer late."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The relay, if it is this one that asks."""
        return () if self._own is None else self._own.pids

    @property
    def failing(self) -> bool:
        """Whether the source has failed often enough for another to be worth a try."""
        if self._own is not None:
            return self._own.failing
        left = self._load()
        return left is not None and left.failing

    def start(self) -> None:
        """Say how often answers are wanted, and begin to ask if no other does."""
        if self._closed or self._wish >= 0 or not self._asks:
            return
        try:
            self._wish = self._folder.lock(self._wish_name)
            os.write(self._wish, f"{self._period:g}\n".encode())
        except OSError:
            pass  # then the others ask as often as they want themselves
        self._ask_if_free(self._load())

    def read(self) -> Reading[HostMemory]:
        """The newest answer, this one's or another's; never waits."""
        if self._closed:
            return Unavailable("the host is not asked any more")
        own = WAITING if self._own is None else self._own.read()
        if own != WAITING and not self._second:
            return own
        left = self._load()
        if self._own is None:
            self._ask_if_free(left)
        elif self._second and left is not None and left.asker != self._word and not self._is_late(left):
            self._yield()
        return own if left is None or own != WAITING else self._reading_of(left)

    @property
    def stopped(self) -> bool:
        """True when no thread runs: ``close`` will not wait."""
        return all(source.stopped for source in self._asking())

    def stop(self) -> None:
        """Stop asking; another may begin as soon as ``close`` has been called."""
        self._closed = True
        for source in self._asking():
            source.stop()

    def close(self) -> None:
        """Stop asking and let another wsltop do it; may be called again."""
        self.stop()
        for source in self._asking():
            source.close()
        self._own = None
        self._retired.clear()
        if self._done:
            return
        self._done = True
        self._folder.remove(self._wish_name)
        for descriptor in (self._lock, self._wish):
            if descriptor >= 0:
                os.close(descriptor)
        self._folder.close()

    @property
    def _wish_name(self) -> str:
        return f"{self._base}.wish-{self._word}"

    def _asking(self) -> list[AskingSource]:
        return [*self._retired, *([] if self._own is None else [self._own])]

    def _is_late(self, left: Left | None) -> bool:
        """Whether the one who asks should have answered by now."""
        at, patience = (self._began, 0.0) if left is None else (left.at, left.patience)
        return boot_time() - at > min(patience, MOST_PATIENCE) + self._slack

    def _is_answered(self, left: Left | None) -> bool:
        """Whether the last answer is as new as a next one would be, or has just failed for another."""
        if left is None or left.reading == WAITING:
            return False
        return boot_time() - left.at < (FAILURE_COUNTS if left.failing else self._period)

    def _ask_if_free(self, left: Left | None) -> None:
        """Ask, if no other does: take the lock, or the second one where the first is held and its answer stays late."""
        if not self._asks or self._is_answered(left):
            return
        late = self._is_late(left)
        self._late_since = None if not late else self._late_since or boot_time()
        stays = self._late_since is not None and boot_time() - self._late_since >= min(GRACE, self._slack)
        for name in (".asker", ".asker2")[: 1 + stays]:
            try:
                lock = self._folder.lock(self._base + name)
            except BlockingIOError:
                continue
            except OSError:
                lock = -1  # there is no place for locks any more: each asks for itself
            second = name == ".asker2"
            left = self._load()  # another may have asked, answered and ended since it was read
            if lock >= 0 and (self._is_answered(left) or (second and not self._is_late(left))):
                os.close(lock)
                return
            self._lock, self._second = lock, second
            self._announce(left)
            self._own = self._make(self._shortest_wish(), self._publish)
            self._own.start()
            return

    def _announce(self, left: Left | None) -> None:
        """Tell the others, as soon as the lock is held, to wait for the first answer; the last one stays meanwhile."""
        age = 0.0 if left is None else boot_time() - left.at
        if left is None or isinstance(left.reading, Unavailable) or age > self._silence:
            self._leave(WAITING, failing=False, patience=FIRST_ANSWER)
        else:
            self._leave(left.reading, failing=False, patience=age + FIRST_ANSWER, at=left.at)

    def _yield(self) -> None:
        """Stop asking: the first asker is back."""
        if self._own is not None:
            self._own.stop()
            self._retired.append(self._own)
            self._own = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        self._second = False

    def _publish(self, reading: Reading[HostMemory], failing: bool, pause: float) -> None:
        """Leave an answer or a failure for the others, and ask as often as they want from now on."""
        own = self._own
        if self._closed or own is None:
            return
        own.period = self._shortest_wish()
        self._leave(reading, failing=failing, patience=pause + 3 * own.period)

    def _leave(self, reading: Reading[HostMemory], *, failing: bool, patience: float, at: float | None = None) -> None:
        """Write an answer for the others; ``at``: when it came, if that is not now."""
        left = Left(
            format=FORMAT,
            boot_id=self._boot_id,
            source=self._name,
            drive=self._drive,
            asker=self._word,
            at=boot_time() if at is None else at,
            patience=patience,
            failing=failing,
            reading=reading,
        )
        try:
            self._folder.write(self._base + ".answer", msgspec.json.encode(left))
        except OSError:
            return  # a full or vanished folder: the others will ask for themselves

    def _shortest_wish(self) -> float:
        """Seconds between answers that the reader with the shortest interval wants; removes the wishes of the dead."""
        shortest = self._period
        for name in self._folder.names():
            if not name.startswith(f"{self._base}.wish-") or name == self._wish_name:
                continue
            try:
                descriptor = self._folder.lock(name)
            except BlockingIOError:
                shortest = min(shortest, parse_period(self._folder.read(name)) or shortest)
            except OSError:
                continue
            else:
                self._folder.remove(name)
                os.close(descriptor)
        return shortest

    def _load(self) -> Left | None:
        """What the one who asks has left, if it can be believed."""
        data = self._folder.read(self._base + ".answer")
        if data is None:
            return None
        try:
            left = DECODER.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        age = boot_time() - left.at
        same = (left.format, left.boot_id, left.source, left.drive) == (FORMAT, self._boot_id, self._name, self._drive)
        if not same or not 0 <= age < 2 * MOST_PATIENCE or not is_plausible(left.reading):
            return None
        return left

    def _reading_of(self, left: Left) -> Reading[HostMemory]:
        """The reading of an answer, its time on this machine's monotonic clock; or that it is too old."""
        age = boot_time() - left.at
        if isinstance(left.reading, Unavailable):
            return WAITING if left.reading == WAITING else clean_reason(left.reading)
        if age > self._silence:
            return Unavailable(
                f"timed out: no answer from {self._name} in {age:.0f} s",
                "Another wsltop asks Windows; this one will when the other has ended.",
            )
        return msgspec.structs.replace(
            left.reading,
            process=clean(left.reading.process),
            read_at=self._clock.monotonic() - age,
            **{
                name: clean_reason(value)
                for name in ("private_bytes", "total", "available")
                if isinstance(value := getattr(left.reading, name), Unavailable)
            },
        )


NOBODY_ASKS: Final = Unavailable("no wsltop asks Windows now", "Open wsltop, or run wsltop line --every 5.")


def read_answer(windows: Windows, clock: Clock, silence: float = FAILURE_COUNTS) -> Reading[HostMemory]:
    """The newest answer that a running wsltop of the user has left; starts no program and never waits.

    Args:
        windows: where answers are, and which drive they must be about.
        clock: of ``HostMemory.read_at``.
        silence: seconds after which an answer is too old.
    """
    mounts = windows.mounts()
    newest: Reading[HostMemory] = NOBODY_ASKS
    for name in ("powershell", "tasklist"):
        folder = open_runtime(windows.runtime) if mounts else None
        if folder is None:
            break
        source = SharedSource(
            name, no_source, folder, drive=mounts[0], period=1.0, silence=silence, clock=clock, asks=False
        )
        reading = source.read()
        source.close()
        if isinstance(reading, HostMemory):
            return reading
        if reading != WAITING:
            newest = reading
    return newest


def no_source(_period: float, _publish: Publisher) -> AskingSource:
    """Stand for a source where nothing is to be asked."""
    raise AssertionError("a reader that does not ask needs no source")


def boot_time() -> float:
    """Seconds since boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_boot_id() -> str:
    """The random id of this boot; empty where the kernel does not tell it."""
    try:
        return Path(BOOT_ID).read_text().strip()
    except OSError:
        return ""


def parse_period(text: bytes | None) -> float | None:
    """The seconds that a wish names; ``None`` for what is none."""
    try:
        period = float(text or b"")
    except ValueError:
        return None
    return period if 0.1 <= period <= 3600 else None


def is_plausible(reading: Reading[HostMemory]) -> bool:
    """Whether figures can be true; what Windows said was checked when it came, a file may hold anything."""
    if isinstance(reading, Unavailable):
        return True
    sizes = [reading.working_set, reading.private_bytes, reading.total, reading.available]
    known = [size for size in sizes if not isinstance(size, Unavailable)]
    total, available = reading.total, reading.available
    more = not isinstance(total, Unavailable) and not isinstance(available, Unavailable) and available > total
    return all(0 < size < LARGEST for size in known) and not more


def clean_reason(why: Unavailable) -> Unavailable:
    """A reason that another process wrote, safe to show."""
    reason, hint = clean(why.reason)[:300], clean(why.hint)[:300]
    if isinstance(why, SeveralVms):
        vms = tuple(VmProcess(name=clean(vm.name)[:40], working_set=vm.working_set) for vm in why.vms[:MOST_VMS])
        total, available = why.total or 0, why.available or 0
        known = 0 < available <= total < LARGEST
        return SeveralVms(reason, hint, vms=vms, total=total if known else None, available=available if known else None)
    return Unavailable(reason, hint)
