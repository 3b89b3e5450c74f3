from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.guest.texts import plant
from wsltop.guest.cgroups import COUNT, DETAILED, FEWEST, CgroupSource, fields_of, walk
from wsltop.model.sample import Group, Groups, Reading, Unavailable

DATA = Path(__file__).parents[1] / "data" / "cgroups"
ID = "4f1c2d3e5a6b" + "0" * 52


def groups_of(reading: Reading[Groups]) -> Groups:
    assert isinstance(reading, Groups)
    return reading


def by_path(groups: Groups) -> dict[str, Group]:
    return {group.path: group for group in groups.groups}


def lay_out(root: Path, name: str) -> Path:
    """Make a tree of a file of ``path: text`` records: most names of groups cannot stand in a repository."""
    path, lines = "", list[str]()
    for line in [*(DATA / name).read_text(encoding="ascii").splitlines(), "= "]:
        if line.startswith("= "):
            if path:
                plant(root, path, "".join(f"{one}\n" for one in lines))
            path, lines = line[2:], []
        else:
            lines.append(line)
    return root


def test_distros_containers_and_units_of_a_v2_tree(tmp_path: Path) -> None:
    lay_out(tmp_path, "v2-wsl")
    source = CgroupSource(tmp_path, distro="Ubuntu")
    found = groups_of(source.read(0))
    source.close()
    groups = by_path(found)
    assert (found.mode, found.left_out) == ("v2", None)
    ours = groups["wsl-user/distro-312"]
    assert (ours.name, ours.kind, ours.ours) == ("Ubuntu", "distro", True)
    assert (ours.current, ours.anonymous, ours.file, ours.shared, ours.slab) == (
        3221225472,
        2147483648,
        1000000000,
        4096,
        65536,
    )
    assert (ours.limit, ours.oom_kills, ours.frozen) == (8554807296, 2, False)
    other = groups["wsl-user/distro-97"]
    assert (other.name, other.ours, other.limit) == ("distro (init pid 97)", False, None)
    names = {group.name for group in found.groups}
    assert {"docker 4f1c2d3e5a6b", "snap-lxd.service"} <= names
    assert [group.current for group in found.groups] == sorted((g.current for g in found.groups), reverse=True)
    assert found.frozen == ("distro (init pid 97)",)


def test_the_pid_of_another_distro_is_looked_up_in_the_first_namespace_only(tmp_path: Path) -> None:
    lay_out(tmp_path, "v2-wsl")
    plant(tmp_path, "proc/97/environ", b"A=1\0WSL_DISTRO_NAME=Debian\x1b[0m\0")
    for first, name in ((False, "distro (init pid 97)"), (True, "Debian")):
        found = by_path(groups_of(CgroupSource(tmp_path, "Ubuntu", first_namespace=first).read(0)))
        assert found["wsl-user/distro-97"].name == name
        assert found["wsl-user/distro-312"].name == "Ubuntu"


def test_a_container_gets_its_name_where_dockers_files_can_be_read(tmp_path: Path) -> None:
    lay_out(tmp_path, "v2-wsl")
    plant(tmp_path, f"var/lib/docker/containers/{ID}/config.v2.json", '{"ID":"x","Name":"/web-1","Driver":"o"}')
    found = groups_of(CgroupSource(tmp_path).read(0))
    assert "docker web-1" in {group.name for group in found.groups}


def test_a_hybrid_tree_is_read_from_the_v1_memory_controller(tmp_path: Path) -> None:
    lay_out(tmp_path, "v1-hybrid")
    found = groups_of(CgroupSource(tmp_path).read(0))
    groups = by_path(found)
    assert found.mode == "hybrid"
    assert groups["docker"].ours
    container = groups[f"docker/{ID}"]
    assert (container.name, container.kind) == ("docker 4f1c2d3e5a6b", "container")
    assert (container.current, container.anonymous, container.file) == (104857600, 73400320, 20971520)
    assert (container.limit, container.oom_kills, container.slab, container.frozen) == (None, 1, None, True)
    assert groups["build"].limit == 1073741824
    assert found.frozen == ("build",)


def test_v1_alone(tmp_path: Path) -> None:
    plant(tmp_path, "sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n")
    assert groups_of(CgroupSource(tmp_path).read(0)) == Groups(mode="v1", groups=())


def test_without_cgroups_there_is_a_reason(tmp_path: Path) -> None:
    assert isinstance(CgroupSource(tmp_path).read(0), Unavailable)


def grow(mount: Path, sizes: dict[str, int]) -> Path:
    for path, size in sizes.items():
        plant(mount, f"{path}/memory.current", f"{size}\n")
    return mount


def still() -> float:
    """A clock of CPU that is never used."""
    return 0.0


def test_a_walk_goes_as_deep_as_the_tree(tmp_path: Path) -> None:
    path = "/".join("abcdefghijklmnopqrst")
    (tmp_path / path).mkdir(parents=True)
    walked = walk(tmp_path, clock=still)
    assert list(walked.sizes)[-1] == path
    assert walked.left_out is None


def test_a_walk_takes_the_fullest_first_and_says_how_large_the_rest_may_be(tmp_path: Path) -> None:
    many = {f"small/g{number}": 5 for number in range(COUNT + 50)}
    deep = {"/".join("large"[:length]): 1000 - length for length in range(1, 6)}
    walked = walk(grow(tmp_path, {"small": 900, **many, **deep}), "memory.current", clock=still)
    assert set(deep) < set(walked.sizes)
    assert len(walked.sizes) == COUNT
    assert walked.left_out == 900


def test_a_walk_ends_when_it_has_cost_enough(tmp_path: Path) -> None:
    for number in range(FEWEST + 100):
        (tmp_path / f"g{number}").mkdir()
    seconds = iter(range(10_000))
    walked = walk(tmp_path, clock=lambda: float(next(seconds)))
    assert len(walked.sizes) == FEWEST
    assert walked.left_out == 0


def test_only_the_biggest_are_read_in_detail(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup"
    plant(root, "cgroup.controllers", "memory\n")
    for number in range(DETAILED + 20):
        plant(root, f"g{number:03}/memory.current", f"{number}\n")
        plant(root, f"g{number:03}/memory.stat", "anon 7\n")
    found = groups_of(CgroupSource(tmp_path).read(0)).groups
    assert len(found) == DETAILED + 20
    assert [group.anonymous for group in found] == [7] * DETAILED + [None] * 20


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup"
    plant(root, "cgroup.controllers", "memory\n")
    plant(tmp_path, "outside/memory.current", "1\n")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "group").mkdir()
    (root / "group/memory.current").symlink_to(tmp_path / "outside/memory.current")
    assert groups_of(CgroupSource(tmp_path).read(0)).groups == ()


def test_hostile_files_are_left_out_and_nothing_stays_open(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup"
    plant(root, "cgroup.controllers", "memory\n")
    plant(root, "bad/memory.current", b"\xff\xfe-5\n")
    plant(root, "odd\x1b[31m\nname/memory.current", "7\n")
    plant(root, "odd\x1b[31m\nname/memory.stat", "anon x\nanon\n\nfile -1\n")
    (root / "fifo").mkdir()
    os.mkfifo(root / "fifo/memory.current")
    before = len(list(Path("/proc/self/fd").iterdir()))
    source = CgroupSource(tmp_path)
    (group,) = groups_of(source.read(0)).groups
    source.close()
    assert (group.path, group.name, group.current, group.anonymous) == ("odd name", "odd name", 7, None)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_groups_are_kept_for_some_seconds(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup"
    plant(root, "cgroup.controllers", "memory\n")
    plant(root, "a/memory.current", "7\n")
    source = CgroupSource(tmp_path)
    assert len(groups_of(source.read(10)).groups) == 1
    shutil.rmtree(root / "a")
    assert len(groups_of(source.read(14)).groups) == 1
    assert len(groups_of(source.read(15)).groups) == 0
    source.close()


@pytest.mark.parametrize("text", ["", "a", "a b", "a 1 2", "a 99999999999999999999999", "a ²"])
def test_fields_that_are_no_numbers_are_left_out(text: str) -> None:
    assert fields_of(text) == {}


def test_the_running_kernel() -> None:
    source = CgroupSource()
    found = source.read(0)
    source.close()
    assert isinstance(found, Unavailable) or all(group.current >= 0 for group in found.groups)
