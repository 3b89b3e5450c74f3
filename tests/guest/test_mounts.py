from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant
from wsltop.guest.mounts import MountsSource, cgroup_mode, parse_mountinfo, reachable
from wsltop.model.sample import Mounts, Reading, Tmpfs, Unavailable

WSL = """\
60 59 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard
61 60 0:27 / /mnt/wsl rw,relatime shared:1 - tmpfs none rw
62 60 0:31 / /run rw,nosuid - tmpfs none rw,mode=755
63 62 0:32 / /run/user rw - tmpfs none rw
64 60 0:33 / /dev/shm rw - tmpfs none rw
65 60 0:34 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs
66 60 0:27 /sub /mnt/wsl/twice rw - tmpfs none rw
67 60 0:35 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate
68 60 0:36 / /with\\040blank\\012and\\033esc rw - tmpfs none rw
"""


def mounts_of(reading: Reading[Mounts]) -> Mounts:
    assert isinstance(reading, Mounts)
    return reading


def filled(blocks: int, free: int) -> os.statvfs_result:
    return os.statvfs_result((4096, 4096, blocks, free, free, 0, 0, 0, 0, 255))


def test_each_file_system_in_memory_is_told_once_fullest_first(tmp_path: Path) -> None:
    plant(tmp_path, "proc/self/mountinfo", WSL)
    asked: list[str] = []

    def fill(place: Path) -> os.statvfs_result:
        asked.append(str(place.relative_to(tmp_path)))
        if place.name == "shm":
            raise PermissionError(13, "Permission denied")
        return filled(0, 0) if place.name == "user" else filled(1000, 990 if place.name == "wsl" else 500)

    source = MountsSource(tmp_path, fill)
    found = mounts_of(source.read())
    source.close()
    assert found.cgroups == "v2"
    assert sorted(asked) == ["dev/shm", "mnt/wsl", "run", "run/user", "with blank\nand\x1besc"]
    assert found.tmpfs[0] == Tmpfs(place="/run", used=500 * 4096, size=1000 * 4096, device="0:31")
    by_place = {tmpfs.place: tmpfs for tmpfs in found.tmpfs}
    assert by_place["/mnt/wsl"].everywhere
    assert by_place["/mnt/wsl"].used == 10 * 4096
    for place in ("/run/user", "/dev/shm"):
        assert isinstance(by_place[place].used, Unavailable)
    assert all(place.isprintable() for place in by_place)


def test_a_mount_that_a_later_one_hides_is_not_asked() -> None:
    text = """\
1 0 0:1 / / rw - rootfs rootfs rw
2 1 8:1 / / rw - ext4 /dev/sda rw
3 2 0:2 / /mnt/wsl rw - tmpfs none rw
4 2 0:3 / /mnt rw - 9p slow rw
5 2 0:4 / /mnt/new rw - tmpfs none rw
6 2 0:5 / /tmp rw - tmpfs none rw
7 6 0:6 / /tmp rw - tmpfs none rw
8 2 0:7 / /tmpfs rw - tmpfs none rw
"""
    seen = [(mount.place, mount.device) for mount in reachable(parse_mountinfo(text))]
    assert seen == [("/", "8:1"), ("/mnt", "0:3"), ("/mnt/new", "0:4"), ("/tmp", "0:6"), ("/tmpfs", "0:7")]


@pytest.mark.parametrize(
    ("lines", "mode"),
    [
        ("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 x rw", "v2"),
        ("1 0 0:1 / /a rw - cgroup2 x rw\n2 0 0:2 / /b rw - cgroup x rw,memory", "hybrid"),
        ("1 0 0:1 / /a rw - cgroup x rw,cpu,cpuacct", "v1"),
        ("1 0 0:1 / /a rw - cgroup2 x rw\n2 0 0:2 / /b rw - cgroup x rw,xattr,name=systemd", "v2"),
        ("", Unavailable("no control groups are mounted")),
    ],
)
def test_the_cgroup_mode(lines: str, mode: str | Unavailable) -> None:
    assert cgroup_mode(parse_mountinfo(lines)) == mode


@given(st.text())
def test_nonsense_is_no_mount(text: str) -> None:
    reachable(parse_mountinfo(text))


def test_mounts_without_proc_have_a_reason(tmp_path: Path) -> None:
    assert isinstance(MountsSource(tmp_path).read(), Unavailable)


def test_the_running_kernels_shared_memory_is_seen() -> None:
    source = MountsSource()
    found = mounts_of(source.read())
    source.close()
    for tmpfs in found.tmpfs:
        assert isinstance(tmpfs.used, Unavailable) or tmpfs.size is None or 0 <= tmpfs.used <= tmpfs.size
