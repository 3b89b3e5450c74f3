"""One wsltop of a user asks Windows: who asks, who takes over, and what is not believed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from tests.host.interop import Interop, needs_interop
from tests.host.stand_ins import GIB, fake_wsl, wait_for
from wsltop.clock import SYSTEM_CLOCK
from wsltop.host import shared
from wsltop.host.choose import open_host
from wsltop.host.runtime import open_runtime, runtime_base
from wsltop.host.shared import Left, SharedSource, boot_time, read_boot_id
from wsltop.host.source import AskingSource, Pace, Publisher
from wsltop.model.sample import WAITING, HostMemory, Unavailable

DRIVE = Path("/mnt/c")


def memory(working_set: int = 11 * GIB, **changes: object) -> HostMemory:
    plain = HostMemory(
        source="powershell",
        process="vmmemWSL",
        pid=9448,
        working_set=working_set,
        private_bytes=12 * GIB,
        total=32 * GIB,
        available=4 * GIB,
        read_at=0.0,
    )
    return msgspec.structs.replace(plain, **changes)


class Asks(AskingSource):
    """A source that answers when the test says so."""

    def __init__(self, period: float, publish: Publisher) -> None:
        super().__init__(
            "powershell.exe",
            lambda *_: WAITING,
            lambda: None,
            period=period,
            pace=Pace(),
            clock=SYSTEM_CLOCK,
            publish=publish,
        )

    def start(self) -> None:
        """Start nothing."""

    def answer(self, size: int) -> None:
        self._accept(memory(size, read_at=SYSTEM_CLOCK.monotonic()))

    def fail(self, why: Unavailable) -> None:
        self._misses = 2
        self._fail(why, 1.0)

    def _converse(self, launch: object) -> tuple[Unavailable | None, int]:
        raise NotImplementedError


class User:
    """The wsltops of one user."""

    def __init__(self, base: Path) -> None:
        base.mkdir(mode=0o700)
        self.base = base
        self.asking: list[Asks] = []
        self.made: list[SharedSource] = []

    def open(self, period: float = 1.0, slack: float = 10.0, drive: Path = DRIVE) -> SharedSource:
        def make(period: float, publish: Publisher) -> AskingSource:
            self.asking.append(Asks(period, publish))
            return self.asking[-1]

        folder = open_runtime(str(self.base))
        assert folder is not None
        source = SharedSource(
            "powershell", make, folder, drive=drive, period=period, silence=30.0, clock=SYSTEM_CLOCK, slack=slack
        )
        self.made.append(source)
        source.start()
        return source

    def write(self, **changes: object) -> None:
        """Leave an answer as another wsltop would, but for ``changes``."""
        left = Left(
            format=shared.FORMAT,
            boot_id=read_boot_id(),
            source="powershell",
            drive=str(DRIVE),
            asker="another",
            at=boot_time(),
            patience=3.0,
            failing=False,
            reading=memory(),
        )
        folder = open_runtime(str(self.base))
        assert folder is not None
        (name,) = {name.split(".")[0] for name in folder.names() if name.startswith("powershell-")}
        folder.write(f"{name}.answer", msgspec.json.encode(msgspec.structs.replace(left, **changes)))
        folder.close()


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    made = User(tmp_path / "runtime")
    yield made
    for source in made.made:
        source.close()


def size_of(source: SharedSource) -> int | None:
    reading = source.read()
    return reading.working_set if isinstance(reading, HostMemory) else None


def test_one_asks_and_the_others_read_its_answers(user: User) -> None:
    sources = [user.open() for _ in range(4)]
    assert len(user.asking) == 1
    assert [source.read() for source in sources] == [WAITING] * 4
    user.asking[0].answer(3 * GIB)
    assert [size_of(source) for source in sources] == [3 * GIB] * 4
    age = SYSTEM_CLOCK.monotonic() - sources[3].read().read_at  # type: ignore[union-attr]
    assert 0 <= age < 1


def test_a_failure_is_passed_on_and_not_tried_again_at_once(user: User) -> None:
    first, second = user.open(), user.open()
    user.asking[0].fail(Unavailable("blocked by policy\x1b[31m", "Ask."))
    reading = second.read()
    assert isinstance(reading, Unavailable)
    assert reading.reason == "blocked by policy"
    assert second.failing
    first.close()
    second.read()
    assert len(user.asking) == 1


def test_it_is_asked_as_often_as_the_most_demanding_wants(user: User) -> None:
    user.open(period=5.0)
    assert user.asking[0].period == 5.0
    demanding = user.open(period=0.5)
    user.asking[0].answer(GIB)
    assert user.asking[0].period == 0.5
    demanding.close()
    user.asking[0].answer(GIB)
    assert user.asking[0].period == 5.0


def test_another_takes_over_when_the_first_ends(user: User) -> None:
    first, second = user.open(period=0.2), user.open(period=0.2)
    user.asking[0].answer(2 * GIB)
    first.close()
    wait_for(lambda: second.read() is not None and len(user.asking) == 2)
    assert size_of(second) == 2 * GIB  # until its own first answer
    user.asking[1].answer(3 * GIB)
    assert size_of(second) == 3 * GIB


def test_a_stopped_one_is_replaced_until_it_is_back(user: User) -> None:
    """A stopped process keeps its lock: the next takes a second one."""
    user.open(period=0.1, slack=0.3)
    second, third = user.open(period=0.1, slack=0.3), user.open(period=0.1, slack=0.3)
    user.asking[0].answer(2 * GIB)
    time.sleep(0.2)
    second.read()
    assert len(user.asking) == 1
    time.sleep(0.6)
    wait_for(lambda: all(source.read() for source in (second, third)) and len(user.asking) == 2)
    user.asking[1].answer(3 * GIB)
    assert size_of(third) == 3 * GIB
    user.asking[0].answer(4 * GIB)
    assert size_of(second) in (3 * GIB, 4 * GIB)
    assert size_of(second) == 4 * GIB
    assert user.asking[1].stopped


def test_who_has_just_taken_the_lock_is_not_late(user: User) -> None:
    """The answer of a wsltop that ended a minute ago was late, so a second PowerShell was started next to the first."""
    user.open().close()
    user.write(at=boot_time() - 100.0)
    first, second = user.open(), user.open()
    assert len(user.asking) == 2  # the one that ended, and one more
    for source in (first, second):
        source.read()
    time.sleep(1.2)
    assert second.read() == WAITING
    assert len(user.asking) == 2


def test_a_late_answer_of_before_stays_until_the_first_new_one(user: User) -> None:
    user.open().close()
    user.write(at=boot_time() - 20.0)
    first, second = user.open(), user.open()
    assert [size_of(source) for source in (first, second)] == [11 * GIB] * 2
    user.asking[1].answer(3 * GIB)
    assert [size_of(source) for source in (first, second)] == [3 * GIB] * 2


@pytest.mark.parametrize("age", [None, 5.0, 100.0])
def test_of_many_that_begin_at_once_one_asks(user: User, age: float | None) -> None:
    """One that had looked before the first answered took the lock after it had ended, and asked again."""
    user.open().close()
    for _ in range(20):
        user.asking.clear()
        (answer,) = (user.base / "wsltop").glob("*.answer")
        answer.unlink()
        if age is not None:
            user.write(at=boot_time() - age)
        assert len(race(user, 12)) == 12
        assert len(user.asking) == 1


def race(user: User, count: int) -> list[int]:
    """Let so many begin at once, each until it has the new answer, which comes after 5 ms; the answers."""
    barrier, seen = threading.Barrier(count), list[int]()

    def one() -> None:
        barrier.wait(10)
        source = user.open(period=3.0)
        if source._own is not None:
            time.sleep(0.005)
            user.asking[-1].answer(7 * GIB)
        until = time.monotonic() + 10
        while size_of(source) != 7 * GIB and time.monotonic() < until:
            time.sleep(0.001)
        seen.append(size_of(source) or 0)
        source.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return [size for size in seen if size == 7 * GIB]


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 99},
        {"boot_id": "another boot"},
        {"source": "tasklist"},
        {"drive": "/mnt/d"},
        {"at": 0.0},
        {"at": 1e12},
        {"reading": memory(working_set=1 << 60)},
        {"reading": memory(working_set=-1)},
        {"reading": memory(available=64 * GIB)},
    ],
    ids=str,
)
def test_a_forged_or_stale_answer_is_not_believed(user: User, changes: dict[str, object]) -> None:
    user.open()
    reader = user.open()
    user.write()
    assert size_of(reader) == 11 * GIB
    user.write(**changes)
    assert size_of(reader) is None


def test_a_link_a_foreign_mode_and_garbage_are_not_read(user: User, tmp_path: Path) -> None:
    user.open()
    reader = user.open()
    user.write()
    (answer,) = (user.base / "wsltop").glob("*.answer")
    text = answer.read_bytes()
    for data, mode in ((b"[" * 50000, 0o600), (text, 0o644), (text * 100, 0o600)):
        answer.write_bytes(data)
        answer.chmod(mode)
        assert size_of(reader) is None
        user.write()
        assert size_of(reader) == 11 * GIB
    other = tmp_path / "other"
    answer.rename(other)
    answer.symlink_to(other)
    assert size_of(reader) is None


def test_a_drive_of_its_own_is_another_windows(user: User) -> None:
    user.open()
    user.open(drive=Path("/mnt/d"))
    assert len(user.asking) == 2


def test_the_folder_is_private_and_must_be_ours(tmp_path: Path) -> None:
    base = tmp_path / "runtime"
    assert open_runtime(str(base)) is None
    base.mkdir()
    folder = open_runtime(str(base))
    assert folder is not None
    folder.close()
    assert (base / "wsltop").stat().st_mode & 0o777 == 0o700
    (base / "wsltop").chmod(0o755)
    assert open_runtime(str(base)) is None
    (base / "wsltop").rmdir()
    (base / "wsltop").symlink_to(tmp_path)
    assert open_runtime(str(base)) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_runtime_directory_of_another_user_is_not_used(tmp_path: Path) -> None:
    """WSL#10846: it belongs to another user of the distribution."""
    base = tmp_path / "runtime"
    base.mkdir()
    os.chown(base, 1234, 1234)
    assert open_runtime(str(base)) is None


@pytest.mark.parametrize("choice", ["none", "process:1"])
def test_sources_that_do_not_ask_windows_share_nothing(tmp_path: Path, choice: str) -> None:
    root = fake_wsl(tmp_path)
    source = open_host(choice, interval=1.0, root=root, environ={}, drive=tmp_path)
    source.start()
    source.read()
    source.close()
    assert not (root / "run/wsltop").exists()


def test_where_the_folder_is(tmp_path: Path) -> None:
    assert runtime_base(Path("/"), {"XDG_RUNTIME_DIR": "/run/user/1000"}) == "/run/user/1000"
    assert runtime_base(Path("/"), {"XDG_RUNTIME_DIR": "relative"}) == ""
    assert runtime_base(Path("/"), {}) == ""
    assert runtime_base(tmp_path, {"XDG_RUNTIME_DIR": "/run/user/1000"}) == str(tmp_path / "run")


def watch_screen(interop: Interop) -> tuple[subprocess.Popen[bytes], threading.Thread]:
    """The screen on a terminal that somebody reads."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        interop.wsltop("--host", "powershell"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=interop.environ(),
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    os.close(theirs)

    def drain() -> None:
        with suppress(OSError):  # the other side is closed
            while os.read(ours, 65536):
                pass
        os.close(ours)

    reader = threading.Thread(target=drain)
    reader.start()
    return process, reader


@needs_interop
@pytest.mark.slow
def test_five_wsltops_start_one_relay_and_another_asks_when_the_first_is_killed(tmp_path: Path) -> None:
    interop = Interop(tmp_path, 0.3)
    snapshot = ("snapshot", "--json", "--every", "1", "--host", "powershell")
    running = [interop.start(interop.wsltop(*snapshot))]
    screen = None
    try:
        interop.wait_log("first line", 20.0)
        for name in ("a", "b"):
            file = str(tmp_path / f"{name}.wsltop")
            running.append(interop.start(interop.wsltop("record", file, "--host", "powershell")))
        screen, reader = watch_screen(interop)
        running.append(interop.start(interop.wsltop(*snapshot)))
        time.sleep(8.0)
        assert [process.poll() for process in (*running, screen)] == [None] * 5
        assert len(interop.log("started")) == 1, interop.log()
        running[0].send_signal(signal.SIGKILL)
        interop.wait_log("relay gone", 3.0)
        interop.wait_log("started", 4.0, 2)
        assert len(interop.log("started")) == 2, interop.log()
    finally:
        for process in running:
            process.kill()
            process.communicate()
        if screen is not None:
            screen.kill()
            screen.wait()
            reader.join(5.0)
    interop.end_relays()
