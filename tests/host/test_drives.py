from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.stand_ins import FakeDrive, fake_wsl
from wsltop.host.interop import POWERSHELL, TASKLIST, Launch, Windows, find_drives
from wsltop.model.reading import Unavailable

PLAN9 = r"C:\134 /mnt/c 9p rw,noatime,aname=drvfs;path=C:\;uid=1000;gid=1000;symlinkroot=/mnt/,cache=5,trans=fd 0 0"


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        (PLAN9, ["/mnt/c"]),
        (r"drvfs /mnt/c 9p rw,relatime,dirsync,aname=drvfs;path=C:\;uid=1000,trans=virtio 0 0", ["/mnt/c"]),
        (r"drvfs /mnt/c 9p rw,aname=drvfs;path=C:\134;uid=1000 0 0", ["/mnt/c"]),
        ("C: /mnt/c drvfs rw,noatime,uid=1000,case=off 0 0", ["/mnt/c"]),
        ("drvfsaC /mnt/c virtiofs rw,noatime 0 0", ["/mnt/c"]),
        ("drvfs7 /win/d virtiofs rw 0 0", ["/win/d"]),
        (r"D:\134 /d 9p rw,aname=drvfs;path=D:\ 0 0" + "\n" + PLAN9, ["/mnt/c", "/d"]),
        (r"C:\134 /my\040drives/c 9p rw,aname=drvfs;path=C:\ 0 0", ["/my drives/c"]),
        (r"drivers /usr/lib/wsl/drivers 9p ro,aname=drivers;fmask=222 0 0", []),
        (r"C:\134Users /mnt/users 9p rw,aname=drvfs;path=C:\Users;uid=1000 0 0", []),
        (r"\134\134evil\134share /mnt/x 9p rw,aname=drvfs;path=UNC\evil\share 0 0", []),
        ("C: /tmp/c fuse.sshfs rw 0 0", []),
        ("share /mnt/host virtiofs rw 0 0", []),
        ("garbage\n\n \n/dev/sdc", []),
    ],
)
def test_drives_are_recognized(mounts: str, found: list[str]) -> None:
    assert find_drives(mounts) == found


@given(st.text(max_size=200))
def test_any_mounts_are_survived(text: str) -> None:
    assert isinstance(find_drives(text), list)


def test_the_drive_is_found_wherever_it_is_mounted(tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    program = drive.put(POWERSHELL, b"")
    windows = Windows(root=fake_wsl(tmp_path), environ={})
    assert windows.find(POWERSHELL) == (drive.path, program)


def test_a_drive_without_windows_is_passed_over(tmp_path: Path) -> None:
    drive = FakeDrive(tmp_path)
    program = drive.put(TASKLIST, b"")
    root = fake_wsl(tmp_path, drive="/empty")
    with (root / "proc/self/mounts").open("a") as file:
        file.write(r"E:\134 /c 9p rw,aname=drvfs;path=E:\;uid=0 0 0" + "\n")
    assert Windows(root=root, environ={}).find(TASKLIST) == (drive.path, program)


def test_the_case_of_names_does_not_matter(drive: FakeDrive) -> None:
    shouted = drive.path / "WINDOWS/system32/TASKLIST.EXE"
    shouted.parent.mkdir(parents=True)
    shouted.write_bytes(b"MZ")
    (drive.path / "Windows/System32").rmdir()
    (drive.path / "Windows").rmdir()
    assert drive.windows().find(TASKLIST) == (drive.path, shouted)


def test_the_path_variable_is_not_searched(drive: FakeDrive, tmp_path: Path) -> None:
    (tmp_path / "powershell.exe").write_bytes(b"MZ")
    found = drive.windows(PATH=str(tmp_path)).find(POWERSHELL)
    assert isinstance(found, Unavailable)
    assert "--drive" in found.hint


def test_no_drive_is_told(tmp_path: Path) -> None:
    root = fake_wsl(tmp_path)
    (root / "proc/self/mounts").write_text("/dev/sdc / ext4 rw 0 0\n")
    found = Windows(root=root, environ={}).find(POWERSHELL)
    assert isinstance(found, Unavailable)
    assert found.reason == "no Windows drive is mounted"
    (root / "etc").mkdir()
    (root / "etc/wsl.conf").write_text("[automount]\nenabled = false\n")
    found = Windows(root=root, environ={}).find(POWERSHELL)
    assert isinstance(found, Unavailable)
    assert "automount is off" in found.reason


def test_a_drive_without_the_program_is_told(tmp_path: Path) -> None:
    found = Windows(root=fake_wsl(tmp_path), environ={}).find(POWERSHELL)
    assert isinstance(found, Unavailable)
    assert "powershell.exe" in found.reason


def test_a_launch_takes_only_what_interop_needs(drive: FakeDrive) -> None:
    drive.put(POWERSHELL, b"")
    windows = drive.windows(
        WSL_INTEROP="/run/WSL/8_interop", WSL_DISTRO_NAME="Ubuntu", WSLENV="PSModulePath", EDITOR="x", PATH="/bin"
    )
    launch = windows.prepare(POWERSHELL, "-NoProfile")
    assert isinstance(launch, Launch)
    assert launch.command == (str(drive.path / POWERSHELL), "-NoProfile")
    assert launch.directory == str(drive.path / "Windows/System32")
    assert launch.environment == {
        "WSL_INTEROP": "/run/WSL/8_interop",
        "WSL_DISTRO_NAME": "Ubuntu",
        "PATH": "/bin",
    }
    other = windows.prepare(POWERSHELL, own_socket=False)
    assert isinstance(other, Launch)
    assert "WSL_INTEROP" not in other.environment
