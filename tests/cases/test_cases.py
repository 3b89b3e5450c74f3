"""Every reported case, from the files of the guest to what ``doctor --json`` says: ids and figures, not sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cases.case import NAMES, Case, lay_out, load, run_case, run_doctor, watch_case
from tests.guest.texts import plant
from wsltop.core.diagnosis.rules import catalogue
from wsltop.model.sample import Unavailable
from wsltop.model.text import GIB, MIB

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What doctor says of a case."""

    status: int
    first: str = ""
    """Id of the first finding."""
    has: tuple[str, ...] = ()
    """Ids of other findings."""
    lacks: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    """Parts of what is lent, in GiB, within 2 %."""
    ways: tuple[str, ...] = ()
    """The first ways to give memory back, best first."""
    matter: str = ""
    """Id of whether it matters to Windows."""


EXPECTED: Final[dict[str, Expected]] = {
    "01-wsl40458-oom-takes-systemd": Expected(
        status=1, first="oom-kill", has=("order7-starved",), figures={"programs": 13.0}
    ),
    "03-wsl11612-order7-515": Expected(
        status=1, first="order7-starved", has=("fragmented-free",), lacks=("memory-stall",)
    ),
    "05-wsl40795-2912": Expected(status=1, first="order7-starved"),
    "06-wsl41634-buddyinfo": Expected(status=1, first="memory-low", has=("order7-starved",)),
    "07-wsl10534-reclaim-goes-on": Expected(status=1, first="reclaim-failing", lacks=("reclaim-thread-dead",)),
    "09-psutil1517-wsl1-meminfo": Expected(status=0, has=("wsl1",), lacks=("guest-unreadable",)),
    "09b-wsl1-meminfo-swap-sane": Expected(status=0, has=("wsl1",), lacks=("guest-unreadable",)),
    "10-htop1051-shmem": Expected(status=0, figures={"shared": 0.392, "cache-clean": 0.44}),
    "11-htop447-hugepages": Expected(status=1, first="huge-pages-reserved", figures={"huge-pages": 529.0}),
    "12-wsl7152-mountinfo": Expected(status=0),
    "13-wsl9424-cyrillic-suffix": Expected(status=1, first="config-ignored", has=("config-differs", "config-doubtful")),
    "15-kind3685-deep-groups": Expected(status=1, first="group-full"),
    "15b-kind-on-29": Expected(status=1, first="group-full"),
    "16b-fmask111": Expected(status=0, has=("host-unreadable",)),
    "19-wsl13884-windows-pool": Expected(
        status=1,
        first="windows-short-elsewhere",
        lacks=("nothing-wrong",),
        matter="windows-short-elsewhere",
    ),
    "21-forwin12944-inode-cache": Expected(
        status=1,
        first="windows-short",
        lacks=("nothing-wrong",),
        figures={"slab-reclaimable": 9.0},
        ways=("drop-all",),
        has=("slab-kept",),
    ),
    "22-statshouse1114-sunreclaim": Expected(
        status=1,
        has=("kernel-slab",),
        lacks=("nothing-wrong",),
        figures={"slab-fixed": 10.0},
    ),
    "23-wsl41176-dxg-enomem": Expected(status=1, first="gpu-memory", lacks=("nothing-wrong",)),
    "26-glances391-bad-utf8": Expected(status=0, figures={"programs": 1.5625}),
    "28-wsl8350-three-vmmem": Expected(status=0, has=("several-vms",), lacks=("nothing-wrong",)),
    "32-wsl41285-memory-near-all": Expected(
        status=1,
        first="windows-short",
        has=("reclaim-disabled", "config-differs", "config-doubtful"),
        figures={"cache-clean": 74.0},
        ways=("drop-cache",),
    ),
    "33-forlinux1001-kill-or-sacrifice": Expected(status=1, first="oom-kill"),
    "34-wsl7215-inbox-default": Expected(status=0, lacks=("config-differs",)),
    "35-memcg-kill-advice": Expected(status=1, first="oom-kill", figures={"programs": 6.3}),
    "36-wsl4166-cache-22g": Expected(
        status=1,
        first="windows-short",
        lacks=("nothing-wrong",),
        figures={"cache-clean": 19.0},
        ways=("drop-cache",),
        matter="windows-short",
    ),
    "38-wslc-vmmem": Expected(status=0, has=("several-vms",)),
    "39-wsl4245-sleep-btime": Expected(status=1, lacks=("config-differs",), has=("config-not-in-force",)),
    "40-wsl8725-page-table": Expected(
        status=1, has=("not-returned",), figures={"vm-itself": 5.97}, matter="windows-short"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def ids(document: Document) -> list[str]:
    return [finding["id"] for finding in document["findings"]]


def finding(document: Document, name: str) -> Document:
    found: Document = next(one for one in document["findings"] if one["id"] == name)
    return found


def values(document: Document, name: str) -> str:
    """The figures of a finding, as text."""
    return "\n".join(f"{figure['name']}: {figure['value']}" for figure in finding(document, name)["evidence"])


def remedies(document: Document, name: str) -> str:
    return "\n".join(f"{one['kind']}: {one['text']}" for one in finding(document, name)["remedy"])


def doctor(name: str, root: Path) -> Document:
    case = load(name)
    document = run_doctor(case, lay_out(case, root)).document
    assert isinstance(document, dict)
    return document


def marked(name: str) -> Any:
    return pytest.param(name, marks=[pytest.mark.slow] if load(name).watch > 10 else [])


def test_every_case_has_an_expectation() -> None:
    assert set(NAMES) == set(EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", [marked(name) for name in NAMES])
def test_what_doctor_says(name: str, root: Path) -> None:
    case, expected = load(name), EXPECTED[name]
    done = run_doctor(case, lay_out(case, root))
    document, found = done.document, ids(done.document)
    known = {row[0] for row in catalogue()}
    assert set(found) <= known
    assert done.status == expected.status
    assert found[0] == (expected.first or found[0])
    assert set(expected.has) <= set(found)
    assert not set(expected.lacks) & set(found)
    if expected.matter:
        assert document["matter"]["id"] == expected.matter
    if expected.ways:
        assert [way["id"] for way in document["ways"]][: len(expected.ways)] == list(expected.ways)
    for part, size in expected.figures.items():
        assert document["lent"]["parts"][part] / GIB == pytest.approx(size, rel=0.02), part


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if load(name).watch == 0.0])
def test_every_command_takes_every_case(name: str, root: Path) -> None:
    lay_out(load(name), root)
    assert run_case(root, "snapshot", "--json").document
    assert run_case(root, "snapshot").status == 0
    assert run_case(root, "wslconfig").status == 0


def session_events(name: str, root: Path) -> list[tuple[str, str, bool]]:
    case = load(name)
    session = watch_case(case, lay_out(case, root))
    return [(event.kind, event.text, event.memory) for event in session.journal.events(True)]


def test_the_victim_and_who_holds_the_memory(root: Path) -> None:
    document = doctor("01-wsl40458-oom-takes-systemd", root)
    assert "systemd (pid 512), 1.9 MiB" in values(document, "oom-kill")
    assert "End C compiler, which holds the most: 12.9 GiB" in remedies(document, "oom-kill"), (
        "the victim held next to nothing"
    )


def test_a_drop_by_mini_init_is_a_cache_drop(root: Path) -> None:
    kinds = [kind for kind, text, _ in session_events("01-wsl40458-oom-takes-systemd", root) if "mini_init" in text]
    assert kinds == ["cache drop"]


def test_compaction_is_not_the_cure_while_next_to_nothing_is_free(root: Path) -> None:
    document = doctor("06-wsl41634-buddyinfo", root)
    assert "blocks of 512 KiB: 0" in values(document, "order7-starved")
    assert "free: 12 MiB" in values(document, "order7-starved")


def test_compaction_is_not_the_first_remedy_while_next_to_nothing_is_free(root: Path) -> None:
    document = doctor("06-wsl41634-buddyinfo", root)
    assert "compact_memory" not in remedies(document, "order7-starved").splitlines()[0]


@pytest.mark.parametrize("name", ["03-wsl11612-order7-515", "05-wsl40795-2912"])
def test_compaction_is_the_first_remedy_of_starved_buffers(name: str, root: Path) -> None:
    assert "compact_memory" in remedies(doctor(name, root), "order7-starved").splitlines()[0]


def guest_of(name: str, root: Path) -> Document:
    lay_out(load(name), root)
    document = run_case(root, "snapshot", "--json").document["guest"]
    assert isinstance(document, dict)
    return document


def test_a_swap_that_cannot_be_is_unknown_and_the_rest_is_shown(root: Path) -> None:
    guest = guest_of("09-psutil1517-wsl1-meminfo", root)
    assert guest["total"] == 16653648 * 1024
    assert guest["used"] == (16653648 - 891564) * 1024
    assert guest["swap_free"]["unavailable"]
    assert "swap                                  unknown of 21.8 GiB" in run_case(root, "snapshot").out


@pytest.mark.parametrize("name", ["09-psutil1517-wsl1-meminfo", "09b-wsl1-meminfo-swap-sane"])
def test_on_wsl_1_nothing_is_lent_and_what_is_left_over_is_windows(name: str, root: Path) -> None:
    guest = guest_of(name, root)
    assert guest["expected_host"]["unavailable"]
    said = run_case(root, "snapshot").out
    assert "other kernel" not in said
    assert "Windows and its programs" in said


def test_shared_memory_is_not_cache(root: Path) -> None:
    guest = guest_of("10-htop1051-shmem", root)
    assert guest["used"] / MIB == pytest.approx(774, abs=1)
    assert guest["total"] == 16391208 * 1024


def test_huge_pages_are_named_with_the_way_out(root: Path) -> None:
    document = doctor("11-htop447-hugepages", root)
    assert "529 GiB" in values(document, "huge-pages-reserved")
    assert "vm.nr_hugepages=0" in remedies(document, "huge-pages-reserved")


def test_each_tmpfs_is_listed_once_and_only_whole_drives_are_drives(root: Path) -> None:
    from wsltop.system import open_system

    case = load("12-wsl7152-mountinfo")
    session = watch_case(case, lay_out(case, root))
    assert session.moment is not None
    mounts = session.moment.sample.surroundings.mounts
    assert not isinstance(mounts, Unavailable)
    assert mounts.cgroups == "v2"
    assert sorted(one.place for one in mounts.tmpfs) == ["/mnt/wsl", "/mnt/wslg", "/run", "/run/user/1000"]
    assert {one.place for one in mounts.tmpfs if one.everywhere} == {"/mnt/wsl", "/mnt/wslg"}
    assert open_system(root).windows.mounts() == [root / "mnt/c", root / "mnt/d"]


def test_the_line_that_wsl_ignores_is_named(root: Path) -> None:
    lay_out(load("13-wsl9424-cyrillic-suffix"), root)
    said = run_case(root, "wslconfig").out
    assert "swap=8ф" in said


@pytest.mark.parametrize("name", ["15-kind3685-deep-groups", "15b-kind-on-29"])
def test_a_container_deep_in_the_tree_is_found(name: str, root: Path) -> None:
    assert "containerd 012ad1d06d57: 96 % of 2.0 GiB" in values(doctor(name, root), "group-full")


def test_a_drive_without_the_exec_bit_is_told_as_that(root: Path) -> None:
    said = str(finding(doctor("16b-fmask111", root), "host-unreadable"))
    assert "fmask" in said
    assert "/etc/wsl.conf" in said


def test_names_that_are_no_utf8_are_counted(root: Path) -> None:
    case = load("26-glances391-bad-utf8")
    session = watch_case(case, lay_out(case, root))
    assert session.moment is not None
    census = session.moment.sample.census
    assert not isinstance(census, Unavailable)
    families = {one.name: one for one in census.holders.families}
    assert "Firefox" in families or "firefox" in families
    assert any("�" in name for name in families)


def test_the_sizes_of_several_vms_are_told(root: Path) -> None:
    said = values(doctor("28-wsl8350-three-vmmem", root), "several-vms")
    assert all(size in said for size in ("4.0 GiB", "2.0 GiB", "1.0 GiB"))


def test_the_process_that_died_is_told_and_not_its_parent(root: Path) -> None:
    said = values(doctor("33-forlinux1001-kill-or-sacrifice", root), "oom-kill")
    assert "pid 4254" in said
    assert "4.2 MiB" in said
    assert "4142" not in said


def test_a_kill_in_a_group_points_to_its_limit(root: Path) -> None:
    document = doctor("35-memcg-kill-advice", root)
    said = remedies(document, "oom-kill")
    assert "vscode-server" not in said
    assert "memory=" not in said
    assert "3f4a5b6c7d8e" in str(finding(document, "oom-kill"))


@pytest.mark.parametrize(
    ("name", "id_", "largest"),
    [
        ("22-statshouse1114-sunreclaim", "kernel-slab", "kmalloc-4k: 9.0 GiB"),
        ("21-forwin12944-inode-cache", "slab-kept", "dentry: 6.0 GiB"),
    ],
)
def test_the_kinds_of_kernel_objects_are_named_where_they_can_be_read(
    name: str, id_: str, largest: str, root: Path
) -> None:
    rows = (("kmalloc-4k", 9 * GIB), ("dentry", 6 * GIB), ("ext4_inode_cache", 2 * GIB))
    slabs = "".join(f"{kind} 1 1 8 1 1 : tunables 0 0 0 : slabdata 1 {size // 4096} 0\n" for kind, size in rows)
    case = load(name)
    plant(lay_out(case, root), "proc/slabinfo", slabs)
    said = values(run_doctor(case, root).document, id_)
    assert largest in said
    assert ("dentry" in said) != ("kmalloc" in said)


def test_the_cache_is_the_cause_and_the_drop_is_predicted(root: Path) -> None:
    document = doctor("36-wsl4166-cache-22g", root)
    assert document["lent"]["cause"] == "cache-clean"
    drop = document["ways"][0]
    assert (drop["id"], drop["key"]) == ("drop-cache", "d")
    assert "drop_caches" in drop["command"]
    assert 12 < drop["low"] / GIB <= drop["likely"] / GIB <= drop["high"] / GIB <= 20
    assert document["outlook"]["answer"] == "unknown"


def test_a_vm_of_containers_is_named_and_not_added(root: Path) -> None:
    document = doctor("38-wslc-vmmem", root)
    assert document["lent"]["size"] == 4 * GIB
    sizes = {figure["name"]: figure["amount"] for figure in finding(document, "several-vms")["evidence"]}
    assert sizes["vmmemwslc-default"] == 6 * GIB


@pytest.mark.slow
def test_a_drop_does_not_help_where_windows_keeps_what_was_reported(root: Path) -> None:
    document = doctor("40-wsl8725-page-table", root)
    assert all(way["likely"] < GIB for way in document["ways"] if way["id"] in ("drop-cache", "drop-all"))
    assert "config-ignored" not in ids(document)


ARC = "13 1 0x01 96 26112 1 1\nname type data\nsize 4 9663676416\nc_min 4 536870912\n"
NEIGHBORS: Final[dict[str, tuple[str, Document, int, str]]] = {
    "36 with 20 of 64 GiB left": ("36", {"host": {"total": 64 * GIB, "available": 20 * GIB}}, 0, "lends-much"),
    "36 with 7.9 of 32 GiB left": ("36", {"host": {"available": int(7.9 * GIB)}}, 1, "windows-short"),
    "36 with a second VM": (
        "36",
        {"host": {"vms": [["vmmemWSL", 22 * GIB], ["vmmem", 6 * GIB]]}},
        1,
        "windows-short",
    ),
    "36 in its first minute": ("36", {"uptime": 60.0}, 1, "windows-short"),
    "19 on a PC of 8 GiB": (
        "19",
        {"host": {"total": 8 * GIB, "available": int(0.4 * GIB), "working_set": int(0.9 * GIB)}},
        1,
        "windows-short-elsewhere",
    ),
    "19 with 20 % left": (
        "19",
        {"host": {"total": 16 * GIB, "available": int(3.2 * GIB), "working_set": int(1.5 * GIB)}},
        0,
        "windows-short-elsewhere",
    ),
    "28 with 1 of 16 GiB left": ("28", {"host": {"available": GIB}}, 1, "windows-short-elsewhere"),
    "22 with ZFS": (
        "22",
        {"memory": {"SUnreclaim": 200_000}, "files": {"proc/spl/kstat/zfs/arcstats": ARC}},
        1,
        "windows-short",
    ),
}
"""Cases with other figures: the case, what is different, the status, and the first finding."""


@pytest.mark.slow
@pytest.mark.parametrize("name", NEIGHBORS)
def test_a_case_with_other_figures(name: str, root: Path) -> None:
    case_name, changes, status, first = NEIGHBORS[name]
    case = load(next(one for one in NAMES if one.startswith(case_name)))
    for key, change in changes.items():
        case.said[key] = case.said.get(key, {}) | change if isinstance(change, dict) else change
    done = run_doctor(case, lay_out(case, root))
    assert (done.status, ids(done.document)[0]) == (status, first)
    assert "nothing-wrong" not in ids(done.document)
    if "ZFS" in name:
        assert done.document["lent"]["cause"] == "zfs-cache"
        assert done.document["ways"][0]["id"] == "drop-all"


def test_a_case_is_a_case_of_its_own_name() -> None:
    assert all(isinstance(load(name), Case) and load(name).said["about"] for name in NAMES)
