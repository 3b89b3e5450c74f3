"""Plans: the exact argument vectors, who runs them, and what is said before."""

from __future__ import annotations

import shlex
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.reclaim.machine import LEDGER, Machine
from wsltop.child import ENVIRONMENT
from wsltop.core.prediction import Prediction, add_up
from wsltop.model.sample import Unavailable
from wsltop.model.text import GIB, MIB
from wsltop.reclaim import write
from wsltop.reclaim.actions import ACTIONS, ActionName
from wsltop.reclaim.plan import Plan, find_pages, plan, tell_plan
from wsltop.reclaim.root import Start, Way


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def told(made: Plan) -> dict[str, str]:
    return dict(tell_plan(made))


def start_of(made: Plan) -> Start:
    assert made.start is not None
    return made.start


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("compact", "/proc/sys/vm/compact_memory", "1\n"),
        ("drop-cache", "/proc/sys/vm/drop_caches", "1\n"),
        ("drop-all", "/proc/sys/vm/drop_caches", "3\n"),
    ],
)
def test_the_vectors_of_the_actions(machine: Machine, name: ActionName, file: str, text: str) -> None:
    """Each way, to the letter."""
    path = str(machine.root) + file
    sudo, wsl = machine.sudo(), machine.wsl("MZ")
    user = machine.access(WSL_DISTRO_NAME="Ubuntu-24.04", WSL_INTEROP="/run/WSL/8_interop", LC_ALL="de", EVIL="1")

    made = plan(name, ledger=LEDGER, access=user, root=machine.root)
    assert (made.way, made.texts, made.blocked) == ("sudo", (text,), None)
    assert start_of(made).argv == (str(sudo), "-n", "--", str(machine.tee), path)
    assert (start_of(made).environment, start_of(made).directory) == (ENVIRONMENT, "/")
    assert made.command == f"echo {text.strip()} | sudo tee {path}"

    made = plan(name, ledger=LEDGER, access=user, way="wsl", root=machine.root)
    env = ("/usr/bin/env", "LC_ALL=C", str(machine.tee), path)
    assert start_of(made).argv == (str(wsl), "-u", "root", "-d", "Ubuntu-24.04", "-e", *env)
    assert start_of(made).directory == str(machine.root / "c/Windows/System32")
    assert start_of(made).environment == {"WSL_DISTRO_NAME": "Ubuntu-24.04", "WSL_INTEROP": "/run/WSL/8_interop"}
    assert "wsl.exe of Windows" in made.as_whom

    made = plan(name, ledger=LEDGER, access=machine.access(uid=0), root=machine.root)
    assert (made.way, made.as_whom) == ("direct", "root")
    assert start_of(made).argv == (sys.executable, "-I", "-S", write.__file__, path)
    assert start_of(made).environment == ENVIRONMENT


def test_wsl_is_offered_by_name_and_never_taken(machine: Machine) -> None:
    machine.wsl("MZ")
    user = machine.access(WSL_DISTRO_NAME="Ubuntu")
    assert user.ways == ("wsl", "paste")
    made = plan("compact", ledger=LEDGER, access=user, root=machine.root)
    assert (made.way, made.start, made.blocked) == ("paste", None, None)
    assert made.as_whom == "root: run the command yourself"
    assert shlex.split(made.command)[:7] == ["wsl.exe", "-u", "root", "-d", "Ubuntu", "-e", "sh"]
    assert "sudo" in machine.sudo().name
    assert machine.access(WSL_DISTRO_NAME="Ubuntu").ways == ("sudo", "wsl", "paste")
    assert machine.access(uid=0, WSL_DISTRO_NAME="Ubuntu").ways == ("direct",)


@pytest.mark.parametrize("name", ["", "-e", "--exec", "a b", "a;b", "$(id)", "Übuntu", "a\n", "a/b"])
def test_a_name_that_is_no_distribution_starts_nothing(machine: Machine, name: str) -> None:
    machine.wsl("MZ")
    user = machine.access(WSL_DISTRO_NAME=name)
    assert user.ways == ("paste",)
    made = plan("compact", ledger=LEDGER, access=user, way="wsl", root=machine.root)
    assert (made.start, "WSL_DISTRO_NAME" in (made.blocked or Unavailable("")).reason) == (None, True)
    assert made.command == f"echo 1 | sudo tee {machine.compact}"


def test_a_program_in_path_is_not_taken(machine: Machine) -> None:
    machine.program("home/bin/sudo", "#!/bin/sh\n")
    assert machine.access(PATH=str(machine.root / "home/bin")).sudo is None


def test_ways_that_are_not_there_say_so(machine: Machine) -> None:
    made = plan("compact", ledger=LEDGER, access=machine.access(), way="sudo", root=machine.root)
    assert made.blocked == Unavailable("there is no sudo here")
    made = plan("compact", ledger=LEDGER, access=machine.access(WSL_DISTRO_NAME="U"), way="wsl", root=machine.root)
    assert made.blocked is not None
    assert "wsl.exe" in made.blocked.reason


def test_a_kernel_without_compaction(machine: Machine) -> None:
    machine.compact.unlink()
    made = plan("compact", ledger=LEDGER, access=machine.access(uid=0), root=machine.root)
    assert made.blocked is not None
    assert made.blocked.reason.startswith("this kernel cannot compact memory")
    assert told(made)["runs"] == "nothing"


def test_the_dry_run_says_what_runs_as_whom_what_returns_and_what_it_costs(machine: Machine) -> None:
    machine.sudo()
    made = plan("drop-cache", ledger=LEDGER, access=machine.access(), root=machine.root)
    assert told(made) == {
        "action": "drop-cache: Drop the file cache",
        "runs": f"{machine.root}/usr/bin/sudo -n -- {machine.tee} {machine.drop}, its input: 1",
        "as": "root, through sudo without asking for a password",
        "returns": "about 2.9 GiB, between 2.2 GiB and 3.2 GiB",
        "based on": "file cache not in use 3.0 GiB; 75% to 100% of it is assumed: more of large files, less of many "
        "small ones",
        "costs": ACTIONS["drop-cache"].cost,
        "by hand": f"echo 1 | sudo tee {machine.drop}",
    }
    root = told(plan("drop-all", ledger=LEDGER, access=machine.access(uid=0), root=machine.root))
    assert (root["runs"], root["as"]) == (f"writes 3 to {machine.drop}", "root")
    assert root["by hand"] == f"echo 3 > {machine.drop}"
    blind = told(plan("compact", ledger=Unavailable("no meminfo"), access=machine.access(), root=machine.root))
    assert blind["returns"] == "cannot be predicted: no meminfo"


def test_planning_starts_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a plan has started a program")

    monkeypatch.setattr(subprocess, "Popen", never)
    machine.sudo()
    machine.wsl("MZ")
    for name, action in ACTIONS.items():
        size = GIB if action.takes_size else None
        made = plan(name, ledger=LEDGER, access=machine.access(WSL_DISTRO_NAME="U"), size=size, root=machine.root)
        assert tell_plan(made)
        if not isinstance(made.predicted, Prediction):
            pytest.fail(f"{name} is not predicted")


def test_reclaim_asks_the_root_cgroup(machine: Machine) -> None:
    machine.sudo()
    user = machine.access()
    file = machine.put("sys/fs/cgroup/memory.reclaim", "")
    file.chmod(0o200)
    made = plan("reclaim", ledger=LEDGER, access=machine.access(uid=0), size=MIB, root=machine.root)
    assert (made.path, made.texts) == (str(file), ("1048576 swappiness=0\n", "1048576\n"))
    assert made.command == f"echo '1048576 swappiness=0' > {file}"
    made = plan("reclaim", ledger=LEDGER, access=user, root=machine.root)
    assert made.blocked == Unavailable("reclaim needs a size", "Give one: reclaim 1G")


@pytest.mark.parametrize(
    ("files", "reason", "hint"),
    [
        ({}, "memory.reclaim needs control groups of version 2, and here is none at /sys/fs/cgroup", "/etc/wsl.conf"),
        ({"memory/tasks": ""}, "memory.reclaim needs control groups of version 2, and here is version 1", "cgroups=v2"),
        ({"unified/cgroup.controllers": "", "memory/tasks": ""}, "memory.reclaim needs the memory controller", "v2"),
        ({"cgroup.controllers": "cpuset cpu io memory\n"}, "this kernel has no memory.reclaim: it came with", "Update"),
    ],
)
def test_a_missing_memory_reclaim_says_what_is_missing_and_how_to_get_it(
    machine: Machine, files: dict[str, str], reason: str, hint: str
) -> None:
    for name, text in files.items():
        machine.put(f"sys/fs/cgroup/{name}", text)
    made = plan("reclaim", ledger=LEDGER, access=machine.access(uid=0), size=MIB, root=machine.root)
    assert made.blocked is not None
    assert made.blocked.reason.startswith(reason)
    assert hint in made.blocked.hint
    assert "pressure without root" in made.blocked.hint
    assert not made.runs


def test_a_plan_knows_that_wsl_exe_could_do_it_instead(machine: Machine) -> None:
    machine.sudo()
    assert not compact(machine).by_wsl
    machine.wsl("MZ")
    assert compact(machine).by_wsl
    assert not compact(machine, uid=0).by_wsl
    assert not compact(machine, way="wsl").by_wsl
    pressed = plan(
        "pressure", ledger=LEDGER, access=machine.access(WSL_DISTRO_NAME="Ubuntu"), size=GIB, root=machine.root
    )
    assert not pressed.by_wsl
    machine.compact.unlink()
    assert not compact(machine).by_wsl


def compact(machine: Machine, uid: int = 1000, way: Way | None = None) -> Plan:
    access = machine.access(uid, WSL_DISTRO_NAME="Ubuntu")
    return plan("compact", ledger=LEDGER, access=access, way=way, root=machine.root)


def test_a_plan_that_gives_nothing_says_so(machine: Machine) -> None:
    """``about 0 B, between 0 B and 0 B``."""
    nothing = add_up()
    told = dict(tell_plan(replace(compact(machine), predicted=nothing)))["returns"]
    assert told == "nothing: no free memory is scattered"
    assert "0 B" not in nothing.tell()


def test_a_hog_that_would_push_nothing_out_is_not_started(machine: Machine) -> None:
    mostly_free = replace(LEDGER, available=LEDGER.free + 400 * MIB)
    made = plan("pressure", ledger=mostly_free, access=machine.access(), size=GIB, root=machine.root)
    assert (made.hog, made.blocked, made.runs) == (0, ACTIONS["pressure"].missing, False)


def test_a_cgroup_of_the_users_own_needs_no_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.put("proc/self/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope\n")
    whole = machine.put("sys/fs/cgroup/memory.reclaim", "")
    slices = "sys/fs/cgroup/user.slice/user-1000.slice"
    foreign = machine.put(f"{slices}/memory.reclaim", "")
    own = machine.put(f"{slices}/user@1000.service/memory.reclaim", "")
    machine.put(f"{slices}/user@1000.service/app.slice/memory.reclaim", "")
    denied = {str(whole), str(foreign)}
    from wsltop.reclaim import actions as cgroup

    class Access:
        W_OK = 2

        @staticmethod
        def access(path: Path, mode: int) -> bool:
            return mode == 2 and str(path) not in denied

    monkeypatch.setattr(cgroup, "os", Access)
    made = plan("reclaim", ledger=LEDGER, access=machine.access(), size=MIB, root=machine.root)
    assert (made.way, made.path, made.as_whom) == ("direct", str(own), "yourself (uid 1000)")
    denied |= {str(own), f"{machine.root}/{slices}/user@1000.service/app.slice/memory.reclaim"}
    machine.sudo()
    made = plan("reclaim", ledger=LEDGER, access=machine.access(), size=MIB, root=machine.root)
    assert (made.way, made.path) == ("sudo", str(whole))


def test_pressure_needs_no_root_and_keeps_the_floor(machine: Machine) -> None:
    made = plan("pressure", ledger=LEDGER, access=machine.access(), size=GIB, root=machine.root)
    assert (made.way, made.hog, made.start, made.command, made.blocked) == ("hog", 4 * GIB, None, "", None)
    assert told(made)["runs"] == "a hog of 4.0 GiB that ends when it is full, or at the floor of available memory"
    assert told(made)["as"] == "yourself (uid 1000)"
    full = replace(LEDGER, available=256 * MIB)
    made = plan("pressure", ledger=full, access=machine.access(), size=GIB, root=machine.root)
    assert made.blocked == ACTIONS["pressure"].missing


ZONE = "Node 0, zone   Normal\n        spanned  128\n  start_pfn:           0\n"


def test_root_is_told_what_comes_by_where_each_page_lies(machine: Machine) -> None:
    cache, anonymous = 1 << 5, 1 << 5 | 1 << 11 | 1 << 12 | 1 << 14
    machine.put("proc/zoneinfo", ZONE)
    (machine.root / "proc/kpageflags").write_bytes(struct.pack("<128Q", *(64 * (cache,)), *(32 * (cache, anonymous))))
    for uid, close in ((0, True), (1000, False)):
        access = machine.access(uid=uid)
        pages = find_pages("drop-cache", access, machine.root)
        predicted = plan("drop-cache", ledger=LEDGER, access=access, root=machine.root, pages=pages).predicted
        assert isinstance(predicted, Prediction)
        assert (predicted.likely < MIB) is close
        assert ("where each page lies" in predicted.basis) is close
