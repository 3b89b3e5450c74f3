"""Finding the ``.wslconfig`` of the right Windows user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsltop.host.wslconfig_file import LIMIT, find_wslconfig
from wsltop.model.sample import Reading, Unavailable, WslconfigFile

UID = os.getuid()


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    drive = tmp_path / "c"
    for name in ("Public", "Default", "All Users", "Default User", "defaultuser0"):
        (drive / "Users" / name).mkdir(parents=True)
    (drive / "Users" / "Public" / ".wslconfig").write_text("[wsl2]\n")
    (drive / "Users" / "desktop.ini").write_text("")
    return drive


def profile(drive: Path, name: str, text: str | None = None, mode: int = 0o755) -> Path:
    folder = drive / "Users" / name
    folder.mkdir()
    if text is not None:
        (folder / ".wslconfig").write_text(text)
    folder.chmod(mode)
    return folder


def found(reading: Reading[WslconfigFile]) -> WslconfigFile:
    assert isinstance(reading, WslconfigFile)
    return reading


def test_the_only_profile(drive: Path) -> None:
    folder = profile(drive, "ann", "[wsl2]\nmemory=8GB\n")
    os.utime(folder / ".wslconfig", (1000, 1000))
    file = found(find_wslconfig(drive, {}))
    assert file == WslconfigFile(
        path=str(folder / ".wslconfig"),
        present=True,
        content=b"[wsl2]\nmemory=8GB\n",
        encoding="utf-8",
        mtime=1000.0,
        chosen_by="only profile",
    )


def test_an_absent_file_is_a_result_with_what_lies_beside_it(drive: Path) -> None:
    folder = profile(drive, "ann")
    for name in (".wslconfig.TXT", ".wslconf", "other.txt"):
        (folder / name).write_text("")
    file = found(find_wslconfig(drive, {}))
    assert (file.present, file.mtime, file.text) == (False, None, "")
    assert file.lookalikes == (".wslconf", ".wslconfig.TXT")


@pytest.mark.parametrize("passed", ["{drive}/Users/ann", "C:\\Users\\ann", "c:/Users/ann/"])
def test_userprofile_passed_through_decides(drive: Path, passed: str) -> None:
    profile(drive, "ann", "a=1")
    profile(drive, "bob", "b=1")
    file = found(find_wslconfig(drive, {"USERPROFILE": passed.format(drive=drive), "USER": "bob"}))
    assert (file.text, file.chosen_by) == ("a=1", "USERPROFILE")


def test_userprofile_on_another_drive(drive: Path) -> None:
    other = drive.with_name("d") / "home" / "ann"
    other.mkdir(parents=True)
    (other / ".wslconfig").write_text("a=1")
    assert found(find_wslconfig(drive, {"USERPROFILE": r"D:\home\ann"})).text == "a=1"


@pytest.mark.parametrize("passed", [r"C:\Users\..\Users\ann", r"\\server\ann", "ann", "C:\\nowhere", "/a\0b", "Ä:\\x"])
def test_an_unusable_userprofile_is_ignored(drive: Path, passed: str) -> None:
    profile(drive, "bob", "b=1")
    assert found(find_wslconfig(drive, {"USERPROFILE": passed})).chosen_by == "only profile"


def test_the_profile_that_we_may_write_wins(drive: Path) -> None:
    profile(drive, "ann", "a=1", 0o555)
    profile(drive, "bob", "b=1")
    file = found(find_wslconfig(drive, {"USER": "ann"}, uid=UID))
    assert (file.text, file.chosen_by) == ("b=1", "own profile")


def test_a_profile_that_cannot_be_listed_is_not_ours(drive: Path) -> None:
    folder = profile(drive, "ann", "a=1", 0)
    profile(drive, "bob", "b=1")
    try:
        assert found(find_wslconfig(drive, {}, uid=UID)).text == "b=1"
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("variable", ["USER", "LOGNAME", "SUDO_USER"])
def test_the_name_decides_among_several(drive: Path, variable: str) -> None:
    profile(drive, "Ann", "a=1")
    profile(drive, "bob", "b=1")
    file = found(find_wslconfig(drive, {variable: "ann"}))
    assert (file.text, file.chosen_by) == ("a=1", "user name")


def test_root_is_no_name(drive: Path) -> None:
    profile(drive, "root", "a=1")
    profile(drive, "bob", "b=1")
    assert isinstance(find_wslconfig(drive, {"USER": "root"}), Unavailable)


def test_the_only_file_decides_last(drive: Path) -> None:
    profile(drive, "ann")
    profile(drive, "bob", "b=1")
    file = found(find_wslconfig(drive, {}, uid=UID))
    assert (file.text, file.chosen_by) == ("b=1", "only file")


def test_several_files_are_ambiguous_and_named(drive: Path) -> None:
    profile(drive, "ann", "a=1")
    profile(drive, "bob\x1b[31m", "b=1")
    reading = find_wslconfig(drive, {})
    assert isinstance(reading, Unavailable)
    assert reading.reason == "several Windows users have a .wslconfig: ann, bob"
    assert "WSLENV" in reading.hint


def test_no_file_in_any_of_several_profiles_is_an_absent_file(drive: Path) -> None:
    profile(drive, "ann")
    profile(drive, "bob")
    file = found(find_wslconfig(drive, {}))
    assert (file.present, file.chosen_by) == (False, "no file")


def test_no_drive_and_no_profile_say_so(drive: Path, tmp_path: Path) -> None:
    for where in (drive, tmp_path / "missing"):
        assert isinstance(find_wslconfig(where, {}), Unavailable)


def test_utf_16_is_recognized(drive: Path) -> None:
    data = Path(__file__).parent.parent / "data" / "wslconfig" / "7851-utf16-bom-crlf.wslconfig"
    (profile(drive, "ann") / ".wslconfig").write_bytes(data.read_bytes())
    file = found(find_wslconfig(drive, {}))
    assert (file.encoding, file.text[:6]) == ("utf-16-le", "[wsl2]")


def test_a_file_that_is_too_large_is_not_read(drive: Path) -> None:
    profile(drive, "ann", "#" * (LIMIT + 1))
    reading = find_wslconfig(drive, {})
    assert isinstance(reading, Unavailable)
    assert "1 MiB" in reading.reason


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_what_is_no_file_is_said_and_does_not_block(drive: Path, kind: str) -> None:
    path = profile(drive, "ann") / ".wslconfig"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to(path)
    reading = find_wslconfig(drive, {})
    assert isinstance(reading, Unavailable)
    assert "cannot be read" in reading.reason
