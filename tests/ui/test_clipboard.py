from __future__ import annotations

import stat
import sys
import threading
from pathlib import Path

import pyperclip
import pytest

from tests.host.interop import Interop, needs_interop
from wsltop.host.interop import Launch
from wsltop.ui import clipboard
from wsltop.ui.clipboard import copy_text

TEXT = "gap 4.1 GiB: Größe, 記憶\n"


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A clipboard of the desktop that takes everything."""
    taken: list[str] = []
    monkeypatch.setattr(pyperclip, "copy", taken.append)
    return taken


@pytest.fixture
def _no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_text: str) -> None:
        raise pyperclip.PyperclipException("there is no clipboard")

    monkeypatch.setattr(pyperclip, "copy", refuse)


def clip(folder: Path, body: str) -> Launch:
    """A stand-in for clip.exe."""
    program = folder / "clip.exe"
    program.write_text(f"#!{sys.executable} -I\nimport os, sys\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Launch(command=(str(program),), directory=str(folder), environment={})


def test_clip_gets_utf_16_in_its_own_folder(tmp_path: Path, desktop: list[str]) -> None:
    folder = tmp_path / "System32"
    folder.mkdir()
    program = clip(folder, "open('taken', 'wb').write(sys.stdin.buffer.read())")
    file = tmp_path / "report.txt"
    assert copy_text(TEXT, clip=program, terminal=None, file=file) == "copied to the Windows clipboard"
    assert (folder / "taken").read_bytes().decode("utf-16-le") == TEXT
    assert desktop == []
    assert not file.exists()


@pytest.mark.parametrize("body", ["sys.exit(1)", "os.kill(os.getpid(), 9)"])
def test_a_failing_clip_leaves_a_file(tmp_path: Path, desktop: list[str], body: str) -> None:
    file = tmp_path / "below" / "report.txt"
    where = copy_text(TEXT, clip=clip(tmp_path, body), terminal=None, file=file)
    assert str(file) in where
    assert file.read_text(encoding="utf-8") == TEXT


def test_a_clip_that_cannot_be_started_leaves_a_file(tmp_path: Path) -> None:
    clip = Launch(command=(str(tmp_path / "clip.exe"),), directory=str(tmp_path), environment={})
    file = tmp_path / "report.txt"
    assert str(file) in copy_text(TEXT, clip=clip, terminal=None, file=file)
    assert file.read_text(encoding="utf-8") == TEXT


def test_the_desktop_takes_the_text_where_there_is_no_windows(tmp_path: Path, desktop: list[str]) -> None:
    file = tmp_path / "report.txt"
    assert copy_text(TEXT, clip=None, terminal=None, file=file) == "copied to the clipboard"
    assert desktop == [TEXT]
    assert not file.exists()


@pytest.mark.usefixtures("_no_desktop")
def test_the_terminal_is_asked_last_and_a_file_is_written_for_sure(tmp_path: Path) -> None:
    sent: list[str] = []
    file = tmp_path / "report.txt"
    where = copy_text(TEXT, clip=None, terminal=sent.append, file=file)
    assert sent == [TEXT]
    assert file.read_text(encoding="utf-8") == TEXT
    assert str(file) in where


@pytest.mark.usefixtures("_no_desktop")
def test_a_file_is_what_is_left(tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    assert copy_text(TEXT, clip=None, terminal=None, file=file) == f"no clipboard here: written to {file}"


@pytest.mark.usefixtures("_no_desktop")
def test_not_even_a_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        copy_text(TEXT, clip=None, terminal=None, file=tmp_path / "file" / "report.txt")


def test_inside_wsl_no_clip_exe_of_the_path_is_run(
    tmp_path: Path, desktop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyperclip runs ``clip.exe`` from PATH where the kernel is WSL's."""
    version = tmp_path / "version"
    version.write_text("Linux version 6.6.87.2-microsoft-standard-WSL2 (gcc) #1 SMP\n")
    monkeypatch.setattr(clipboard, "VERSION", version)
    file = tmp_path / "report.txt"
    assert str(file) in copy_text(TEXT, clip=None, terminal=None, file=file)
    assert desktop == []


COPY = """
import sys
from pathlib import Path
from wsltop.host.interop import CLIP, Windows
from wsltop.ui import clipboard
clipboard.TIMEOUT = float(sys.argv[2])
launch = Windows(root=Path("/"), environ={}, drive=Path(sys.argv[1])).prepare(CLIP)
print(clipboard.copy_text("Größe 記憶 " * 20000, clip=launch, terminal=None, file=Path(sys.argv[3])))
"""


@needs_interop
@pytest.mark.slow
@pytest.mark.parametrize(
    ("boot", "timeout", "told"), [("0.2", "20", "copied to the Windows"), ("3", "1", "written to")]
)
def test_clip_exe_takes_a_long_text_and_is_left_when_it_is_slow(
    tmp_path: Path, boot: str, timeout: str, told: str
) -> None:
    interop = Interop(tmp_path, float(boot))
    file = tmp_path / "report.txt"
    with interop.start(interop.command(sys.executable, "-c", COPY, str(interop.drive), timeout, str(file))) as process:
        out, err = process.communicate(timeout=30)
    assert told in out.decode(), err
    interop.end_relays()
    if told.startswith("copied"):
        assert (interop.here / "clip").read_bytes().decode("utf-16-le") == "Größe 記憶 " * 20000
    else:
        assert file.exists()


def test_a_clipboard_that_hangs_is_given_up_and_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(pyperclip, "copy", lambda _text: released.wait(20.0))
    monkeypatch.setattr(clipboard, "TIMEOUT", 0.05)
    file = tmp_path / "report.txt"
    try:
        assert str(file) in copy_text(TEXT, clip=None, terminal=None, file=file)
    finally:
        released.set()
    assert file.read_text(encoding="utf-8") == TEXT
