"""What the simulated laptop is like: one object a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from tests.laptop.layout import RELEASE, WSL_VERSION
from tests.laptop.memory import GIB, MIB, Memory

Mode = Literal["dropCache", "gradual", "disabled"]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program of the guest."""

    pid: int
    name: str
    size: int
    """Bytes that it has resident."""
    busy: float = 0.0
    """Share of one CPU that it uses."""
    command: tuple[str, ...] = ()
    user_id: int = 1000
    contained: bool = False
    """Whether it runs in the container."""
    growth: int = 0
    """Bytes a second."""
    ends: float | None = None
    """Seconds after the start at which it ends."""


PROGRAMS: Final = (
    Program(pid=1, name="systemd", size=13 * MIB, user_id=0),
    Program(
        pid=61,
        name="node",
        size=870 * MIB,
        busy=0.05,
        command=("/home/someone/.vscode-server/bin/abc/node", "--type=extensionHost"),
    ),
    Program(pid=402, name="java", size=720 * MIB, busy=0.006, command=("java", "-Xmx1g", "-jar", "app.jar")),
    Program(pid=733, name="dockerd", size=95 * MIB, busy=0.004, user_id=0),
    Program(pid=801, name="containerd", size=48 * MIB, busy=0.002, user_id=0),
    Program(
        pid=914,
        name="postgres",
        size=160 * MIB,
        busy=0.001,
        command=("postgres: writer process",),
        user_id=108,
        contained=True,
    ),
    Program(pid=1201, name="python3", size=310 * MIB, busy=0.002, command=("python3", "manage.py", "runserver")),
    Program(pid=1300, name="bash", size=6 * MIB),
)
CONTAINER: Final = "wsl-user/distro-12/system.slice/docker-" + "3f4a5b6c7d8e9f00" * 4 + ".scope"


def memory(**changed: int) -> Memory:
    """The memory of an 8 GiB VM in the middle of a working day, with some figures changed."""
    figures: dict[str, int] = {
        "total": 7813 * MIB,
        "anonymous": 2300 * MIB,
        "shared": 60 * MIB,
        "cache": 3900 * MIB,
        "slab_reclaimable": 250 * MIB,
        "slab_unreclaimable": 140 * MIB,
        "kernel": 200 * MIB,
        "scattered": 260 * MIB,
    }
    return Memory(**(figures | changed))  # type: ignore[arg-type]  # all of them are sizes


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A laptop and its VM at the moment at which the simulation starts."""

    about: str
    start: dict[str, int] = field(default_factory=dict)
    """Figures of ``memory`` that differ."""
    programs: tuple[Program, ...] = PROGRAMS
    cpus: int = 8
    windows: int = int(15.7 * GIB)
    """RAM of Windows."""
    others: int = int(6.9 * GIB)
    """What Windows and its programs hold beside the VM."""
    background: float = 0.002
    """Share of all CPUs that processes use which cannot be seen from the distribution."""
    mode: Mode = "dropCache"
    release: str = RELEASE
    wsl_version: str | None = WSL_VERSION
    """``None`` for the WSL that came with Windows 10."""
    says_compaction: bool = False
    """Whether init writes a line for each compaction, as it did until about 2022."""
    idle: float = 0.0
    """Seconds for which the VM has been at rest when the simulation starts."""
    uptime: float = 9 * 3600.0
    cache_growth: int = 0
    """Bytes a second."""
    log: tuple[tuple[float, str], ...] = ()
    """Lines of the kernel log: seconds before the start, and the text."""
    wslconfig: str = "[wsl2]\nmemory=8GB\nprocessors=8\n[experimental]\nautoMemoryReclaim=dropCache\n"


SCENARIOS: Final[dict[str, Scenario]] = {
    "laptop": Scenario(
        about="16 GiB of Windows, a VM of 8 GiB, an editor and containers: the file cache is most of what is lent"
    ),
    "idle": Scenario(
        about="nothing runs: WSL compacts each 30 s and drops the file cache after 20 s more of rest",
        programs=tuple(Program(pid=one.pid, name=one.name, size=one.size // 4) for one in PROGRAMS),
        start={"anonymous": 600 * MIB},
        background=0.0005,
        idle=580.0,
    ),
    "leak": Scenario(
        about="a program grows by 6 MiB a second",
        programs=(*PROGRAMS, Program(pid=2044, name="ruby", size=300 * MIB, busy=0.05, growth=6 * MIB)),
        start={"cache": 2600 * MIB, "anonymous": 2600 * MIB},
    ),
    "short": Scenario(
        about="Windows has little left, and the VM holds file cache that it could give back",
        start={"cache": 4700 * MIB, "scattered": 120 * MIB},
        others=7 * GIB,
    ),
    "windows": Scenario(
        about="Windows has little left, and it is not WSL",
        start={"anonymous": 700 * MIB, "cache": 300 * MIB, "scattered": 60 * MIB},
        programs=PROGRAMS[:1],
        others=int(13.2 * GIB),
    ),
    "release": Scenario(
        about="a container of 2 GiB ends after 10 s: its memory drains to Windows",
        programs=(*PROGRAMS, Program(pid=3100, name="mysqld", size=2 * GIB, busy=0.02, ends=10.0)),
        start={"anonymous": 4300 * MIB, "cache": 1800 * MIB},
    ),
    "killed": Scenario(
        about="the kernel killed a program for want of memory two minutes ago",
        log=(
            (120.0, "cc1plus invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0"),
            (
                119.9,
                "Out of memory: Killed process 5017 (cc1plus) total-vm:2244932kB, anon-rss:2008844kB, file-rss:0kB, "
                "shmem-rss:0kB, UID:1000 pgtables:4300kB oom_score_adj:0",
            ),
        ),
    ),
    "old": Scenario(
        about="the WSL of 2022 on a VM at rest: a line in the kernel log for each compaction, and no reclaim",
        programs=tuple(Program(pid=one.pid, name=one.name, size=one.size) for one in PROGRAMS),
        background=0.0005,
        mode="disabled",
        release="5.10.102.1-microsoft-standard-WSL2",
        wsl_version=None,
        says_compaction=True,
        wslconfig="[wsl2]\nmemory=8GB\n",
    ),
    "gradual": Scenario(
        about="autoMemoryReclaim=gradual on a VM at rest: 3 % of the memory in use comes back every 30 s",
        programs=tuple(Program(pid=one.pid, name=one.name, size=one.size) for one in PROGRAMS),
        background=0.0005,
        mode="gradual",
        idle=170.0,
        wslconfig="[wsl2]\nmemory=8GB\n[experimental]\nautoMemoryReclaim=gradual\n",
    ),
}
"""By name."""
