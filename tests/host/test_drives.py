from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.stand_ins import FakeDrive, fake_wsl
from wsltop.guest.mounts import parse_mountinfo
from wsltop.host.drives import find_drives, find_mounts, parse_mounts
from wsltop.host.interop import POWERSHELL, TASKLIST, Launch, Windows
from wsltop.model.sample import Unavailable

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
    assert find_drives(parse_mounts(mounts)) == found


@given(st.text(max_size=200))
def test_any_mounts_are_survived(text: str) -> None:
    assert isinstance(find_drives(parse_mounts(text)), list)
    assert isinstance(find_drives(parse_mountinfo(text)), list)


GUID = "3b0b8b9b-6f1f-4f3c-9f0e-0123456789ab"
OTHER = "00000000-6f1f-4f3c-9f0e-0123456789ab"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"80 70 0:40 / /mnt/c rw,noatime - virtiofs {GUID} rw", ["/mnt/c"]),
        (f"80 70 0:40 / /windows rw,noatime - virtiofs {GUID} rw", ["/windows"]),
        (f"80 70 0:40 / /mnt/e rw,noatime - virtiofs {OTHER} rw", ["/mnt/e"]),  # no link: by the place
        (f"80 70 0:40 / /srv/share rw,noatime - virtiofs {OTHER} rw", []),
        (f"80 70 0:40 /{GUID} /mnt/c rw,noatime - virtiofs drvfsa rw", ["/mnt/c"]),
        (f"80 70 0:40 /{GUID}/Users /mnt/u rw,noatime - virtiofs drvfsa rw", []),
        ("80 70 0:40 / /run/wsl/virtiofs-mounts/drvfs rw - virtiofs drvfs rw", []),
        ("80 70 0:40 / /mnt/x rw - virtiofs share rw", []),
        (r"80 70 0:41 / /mnt/c rw - 9p C:\134 rw,aname=drvfs;path=C:\;uid=1000", ["/mnt/c"]),
        (r"80 70 0:41 /Users /mnt/u rw - 9p C:\134 rw,aname=drvfs;path=C:\;uid=1000", []),
    ],
)
def test_virtiofs_drives_are_told_by_the_links_that_wsl_leaves(tmp_path: Path, line: str, found: list[str]) -> None:
    """WSL 2.7.1 to 2.9.4 name a drive by a GUID, later ones bind each from one device."""
    root = fake_wsl(tmp_path, drive="/unused")
    (root / "proc/self/mountinfo").write_text(line + "\n")
    (root / "proc/self/mounts").write_text("")
    links = root / "run/wsl/virtiofs"
    links.mkdir(parents=True)
    (links / GUID).symlink_to("C:\\")
    assert find_mounts(root) == [root / place.lstrip("/") for place in found]


def test_virtiofs_of_another_drive_or_a_share_is_not_c(tmp_path: Path) -> None:
    links = tmp_path / "run/wsl/virtiofs"
    links.mkdir(parents=True)
    (links / GUID).symlink_to("\\\\server\\share")
    (links / OTHER).symlink_to("D:\\")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(
        f"1 0 0:4 / /mnt/c rw - virtiofs {GUID} rw\n2 0 0:5 / /mnt/d rw - virtiofs {OTHER} rw\n"
    )
    assert find_mounts(tmp_path) == [tmp_path / "mnt/d"]


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
    assert launch.environment == {"WSL_INTEROP": "/run/WSL/8_interop", "WSL_DISTRO_NAME": "Ubuntu"}
    other = windows.prepare(POWERSHELL, own_socket=False)
    assert isinstance(other, Launch)
    assert "WSL_INTEROP" not in other.environment
