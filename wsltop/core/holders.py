"""Who holds the memory: processes, families of processes, control groups, and what cannot be seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from wsltop.model.sample import (
    CONTAINER,
    DISTRO,
    Census,
    CpuTimes,
    Family,
    Group,
    GroupKind,
    Holders,
    PidView,
    ProcessCpu,
    ProcessTable,
    ProcessUse,
    Reading,
    Tmpfs,
    Unavailable,
)
from wsltop.model.text import KIB, MIB, clean, format_size

if TYPE_CHECKING:
    from wsltop.model.sample import Meminfo


def cpu_between(before: Iterable[ProcessUse], after: Iterable[ProcessUse]) -> tuple[ProcessCpu, ...]:
    """What each process computed between two tables; those that used nothing are left out.

    A process that started in between counts with all of its ticks. One that is older but was not in ``before``, as the
    first pass was still going on, counts with none: it is not known when it used them.
    """
    known = {(use.pid, use.started): use for use in before}
    newest = max((started for _, started in known), default=None)
    used: list[ProcessCpu] = []
    for use in after:
        last = known.get((use.pid, use.started))
        if last is use or (last is None and (newest is None or use.started < newest)):
            continue
        user = use.user_ticks - (last.user_ticks if last else 0)
        system = use.system_ticks - (last.system_ticks if last else 0)
        if user > 0 or system > 0:
            used.append(
                ProcessCpu(
                    pid=use.pid, name=use.name, user=max(0, user), system=max(0, system), nice=use.nice, own=use.own
                )
            )
    return tuple(used)


MARKS: Final = (
    ("vscode-server", "/.vscode-server"),
    ("vscode-server", "/.vscode-remote"),
    ("cursor-server", "/.cursor-server"),
    ("windsurf-server", "/.windsurf-server"),
    ("jetbrains", "JetBrains/"),
    ("jetbrains", "com.intellij."),
    ("gradle", "org.gradle."),
    ("kotlin", "org.jetbrains.kotlin."),
    ("elasticsearch", "org.elasticsearch."),
    ("jupyter", "/jupyter"),
    ("jupyter", "ipykernel"),
)
"""What gives a program away that runs inside an interpreter, looked for in the first words of its command."""
COMMS: Final = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        ("node", r"node|nodejs|MainThread|npm.*|yarn|pnpm|tsserver|deno|bun"),
        ("python", r"python[0-9.]*|pypy[0-9.]*|ipython[0-9]*|gunicorn.*|uvicorn|celery"),
        ("java", r"java|javac|mvn"),
        ("docker", r"dockerd|docker.*|containerd.*|runc|buildkitd|vpnkit.*|com\.docker.*"),
        ("podman", r"podman.*|conmon|crun|netavark|aardvark-dns"),
        ("kubernetes", r"kube.*|k3s.*|kind|minikube|etcd|coredns"),
        ("chrome", r"chrome.*|chromium.*|headless_shell"),
        ("firefox", r"firefox.*|Web Content|Isolated Web Co|WebExtensions|Privileged Cont|RDD Process|Socket Process"),
        ("postgres", r"postgres|postmaster"),
        ("mysql", r"mysqld.*|mariadbd.*"),
        ("C compiler", r"cc1|cc1plus|gcc.*|g\+\+.*|clang(\+\+)?(-[0-9]+)?|ld|ld\..*|lld|mold|as|collect2|lto1.*"),
        ("rust", r"rustc|cargo|rust-analyzer.*|rustdoc"),
        ("go", r"go|gopls|compile|link"),
        ("dotnet", r"dotnet|MSBuild|VBCSCompiler"),
        ("bazel", r"bazel.*"),
        ("systemd", r"systemd.*|\(sd-pam\)|dbus-daemon|dbus-broker.*"),
        ("WSL init", r"init(\(.*)?|SessionLeader|Relay\(.*|plan9|wsl.*-?relay"),
        ("shell", r"bash|zsh|fish|sh|dash|tmux.*|screen"),
    )
)
"""Families by the kernel's name of the process, which has at most 15 characters."""
INTERPRETERS: Final = re.compile(
    r"node|nodejs|MainThread|python[0-9.]*|pypy[0-9.]*|java|ruby|perl|php.*|electron|dotnet|sh|bash|dash"
)
"""Names that say little: of these alone the command line is read. Reading it takes a lock of the process."""
WORDS: Final = 8
"""The words of the command that are looked at: the program, options, a script; a later word may be anything."""


def is_interpreter(name: str) -> bool:
    """Whether the name of a process says little about what it is."""
    return INTERPRETERS.fullmatch(name) is not None


def family_of(name: str, command: Sequence[str] = ()) -> str:
    """The family of a process: by its command, then by its name, else its name without what comes after ``/`` or ``:``.

    Kernel threads such as ``kworker/0:1-events`` so become one family.
    """
    text = "\n".join(command[:WORDS])
    for family, mark in MARKS:
        if mark in text:
            return family
    for family, pattern in COMMS:
        if pattern.fullmatch(name):
            return family
    return re.split(r"[/:]", name, maxsplit=1)[0].strip() or name or "(no name)"


def group_families(processes: Iterable[ProcessUse]) -> tuple[Family, ...]:
    """Group processes that come biggest first; the families come biggest first. Kernel threads hold nothing."""
    members: dict[tuple[str, bool], list[ProcessUse]] = {}
    for use in processes:
        if use.rss:
            members.setdefault((use.family, use.own), []).append(use)
    families = [_sum(name, own, uses) for (name, own), uses in members.items()]
    return tuple(sorted(families, key=lambda family: (-family.held, family.name)))


def tell_family(name: str, count: int) -> str:
    """The name of a family of ``count`` processes: ``java``, ``python (16 processes)``."""
    return name if count == 1 else f"{name} ({count} processes)"


def _sum(name: str, own: bool, uses: list[ProcessUse]) -> Family:
    held = proven = anonymous = 0
    shares = fork_shares(uses) if len(uses) > 1 else {}
    for use in uses:
        alone = use.rss_anon
        anonymous += alone
        if use.estimated:
            held += round(alone * shares.get(fork_of(use), 1.0)) if shares else alone
        else:
            held += use.held
            proven += use.held
    return Family(
        name="wsltop" if own else name,
        held=held,
        anonymous=anonymous,
        pids=tuple(use.pid for use in uses),
        estimated=2 * proven < held,
        own=own,
    )


def fork_of(use: ProcessUse) -> tuple[str, int]:
    """What the forks of one server have in common: the name and the parent."""
    return use.name, use.parent


def is_fork(use: ProcessUse) -> bool:
    """Whether a process may be one of several forks: those of init are services that share nothing."""
    return use.parent > 1


def may_share(uses: Sequence[ProcessUse]) -> frozenset[int]:
    """The pids of those whose estimate may count shared pages: they have a parent, a child or a sibling of one name."""
    names = {use.pid: use.name for use in uses}
    forks = Counter(fork_of(use) for use in uses if is_fork(use))
    children = [use for use in uses if names.get(use.parent) == use.name]
    related = {pid for use in children for pid in (use.pid, use.parent)}
    return frozenset(use.pid for use in uses if use.estimated and (use.pid in related or forks[fork_of(use)] > 1))


def hides_its_size(use: ProcessUse) -> bool:
    """Whether all that a process holds may be in pages that others map too, as far as can be told without its PSS."""
    return use.estimated and use.held < NOISE_PER_PROCESS <= use.rss


def tell_held(use: ProcessUse, sharing: Container[int]) -> str:
    """What a process holds: ``862 MiB``, as an estimate ``~862 MiB``, where that counts shared pages ``<862 MiB``.

    An estimate below the error of RSS tells nothing: then what is mapped is the bound.
    """
    if hides_its_size(use):
        return f"<{format_size(use.rss)}"
    sign = "" if not use.estimated else "<" if use.pid in sharing else "~"
    return f"{sign}{format_size(use.held)}"


def fork_shares(uses: Iterable[ProcessUse]) -> dict[tuple[str, int], float]:
    """The share of their anonymous memory that the forks of a server hold, by those of them whose PSS was read."""
    read: dict[tuple[str, int], tuple[int, int]] = {}
    for use in uses:
        if not use.estimated and use.rss_anon and is_fork(use):
            alone, all_of_it = read.get(fork_of(use), (0, 0))
            read[fork_of(use)] = alone + use.anonymous, all_of_it + use.rss_anon
    return {fork: min(1.0, alone / all_of_it) for fork, (alone, all_of_it) in read.items()}


def bound_families(families: Iterable[Family], uses: Mapping[int, ProcessUse], anon_pages: int) -> tuple[Family, ...]:
    """The families with no estimate larger than what is left of all anonymous memory, biggest first.

    Until its PSS is read, a page that eight forks of a server share counts eight times. A family has no more pages than
    all that are mapped less those of the other families: of these at least what their largest process maps, or what
    was proven. Families that a parent connects may share pages, so they are not taken off each other.

    Args:
        families: as ``group_families`` makes them.
        uses: their processes, by pid.
        anon_pages: bytes of anonymous memory that processes map on the whole machine.
    """
    families = tuple(families)
    least = [least_of([uses[pid] for pid in family.pids]) for family in families]
    of_pid = {pid: index for index, family in enumerate(families) for pid in family.pids}
    linked: dict[int, set[int]] = {}
    for pid, index in of_pid.items():
        parent = of_pid.get(uses[pid].parent, index)
        if parent != index:
            linked.setdefault(index, set()).add(parent)
            linked.setdefault(parent, set()).add(index)
    total = sum(least)
    bounded: list[Family] = []
    for index, family in enumerate(families):
        if family.estimated and len(family.pids) > 1:
            others = total - least[index] - sum(least[other] for other in linked.get(index, ()))
            most = max(least[index], anon_pages - others)
            family = replace(family, held=min(family.held, most))
        bounded.append(family)
    return tuple(sorted(bounded, key=lambda family: (-family.held, family.name)))


def least_of(uses: Iterable[ProcessUse]) -> int:
    """Bytes of anonymous memory that processes map together at least: the largest one's, or what PSS proves."""
    largest = proven = 0
    for use in uses:
        largest = max(largest, use.rss_anon)
        proven += 0 if use.estimated else use.anonymous
    return max(largest, proven)


ENGINES: Final = {"libpod": "podman", "cri-containerd": "containerd", "crio": "cri-o"}
ESCAPED: Final = re.compile(r"((?:\\x[0-9a-f]{2})+)", re.ASCII)
DOCKERS: Final = re.compile(r"docker|containerd|moby|libpod|kubepods|buildkit|crio")
"""Groups in whose path this occurs may be frozen by their own engine: a paused container."""


def name_group(path: str, names: Mapping[str, str] | None = None) -> tuple[GroupKind, str]:
    """The kind and the name of a group, by its path.

    Args:
        path: below the mount, without a leading slash.
        names: names that were found out otherwise: of distros by init pid, of containers by the full id.
    """
    names = names or {}
    distro = DISTRO.fullmatch(path)
    if distro:
        return "distro", clean(names.get(distro[1], f"distro (init pid {distro[1]})"))
    last = path.rpartition("/")[2]
    container = CONTAINER.fullmatch(last)
    if container:
        before = path.split("/")[-2:-1]
        engine = container[1] or (before[0] if before and DOCKERS.fullmatch(before[0]) else "container")
        engine = ENGINES.get(engine, engine)
        return "container", clean(f"{engine} {names.get(container[2], container[2][:12])}")
    if path == "wsl-user/non-distro":
        return "group", "WSL outside the distros"
    if last.startswith("lxc.payload."):
        return "container", clean(f"lxc {last.removeprefix('lxc.payload.')}")
    if last.endswith((".service", ".scope")):
        return "unit", unescape_unit(last)
    if last.endswith(".slice"):
        return "slice", unescape_unit(last)
    return "group", clean(last)


def unescape_unit(name: str) -> str:
    r"""Undo systemd's ``\x2d`` (systemd.unit(5)); the result is cleaned, as the escaped may be anything."""
    plain = ESCAPED.sub(lambda match: bytes.fromhex(match[1].replace("\\x", "")).decode("utf-8", "replace"), name)
    return clean(plain)


def apart(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Groups that do not contain each other, biggest first; what a parent holds itself is in none of them.

    From the root down, a distro, container or unit stands for all that is in it. The distro that wsltop is in
    is listed by its parts, and so are slices and groups that have parts.
    """
    ordered = sorted(groups, key=lambda group: group.path)
    parents = {group.path.rpartition("/")[0] for group in ordered}
    kept: list[Group] = []
    whole: set[str] = set()
    for group in ordered:
        above = group.path.split("/")[:-1]
        if any("/".join(above[:depth]) in whole for depth in range(1, len(above) + 1)):
            continue
        opened = group.kind in {"slice", "group"} or (group.kind == "distro" and group.ours)
        if opened and group.path in parents:
            continue
        whole.add(group.path)
        kept.append(group)
    return tuple(sorted(kept, key=lambda group: (-group.current, group.path)))


def frozen_by_strangers(frozen: Mapping[str, str]) -> tuple[str, ...]:
    """The names of frozen groups that no container engine owns; ``frozen`` is names by path.

    A group inside a frozen one is frozen too and not told again.
    """
    told: list[str] = []
    for path in sorted(frozen):
        above = path.split("/")[:-1]
        inside = any("/".join(above[:depth]) in frozen for depth in range(1, len(above) + 1))
        if not inside and not DOCKERS.search(path):
            told.append(frozen[path])
    return tuple(told)


NOISE: Final = 64 * MIB
"""A remainder below this is the error of the measurement."""
NOISE_PER_PROCESS: Final = 64 * KIB
"""RSS lags by up to 32 pages per CPU that a process ran on (lib/percpu_counter.c, Linux 6.2 to 6.16)."""
REASONS: Final[dict[PidView, str]] = {
    "distro": "held outside this distro: other distros, WSLg and Docker Desktop run in PID namespaces of their own, "
    "and their processes cannot be seen from here",
    "container": "held outside this container: the rest of the machine is in other PID namespaces, "
    "and cannot be seen from here",
    "nested": "held outside this PID namespace, which shows only a part of the machine's processes",
    "initial": "all processes of this machine are visible; what they do not add up to is memory that no process maps, "
    "such as files in a tmpfs of another mount namespace, and the error of reading them one after another",
    "unknown": "it cannot be told which part of the machine's processes is visible here",
}
HIDDEN: Final = "; processes of other users are hidden here too (/proc is mounted with hidepid)"


def attribute_memory(
    table: ProcessTable,
    meminfo: Reading[Meminfo],
    view: PidView,
    *,
    groups: Reading[tuple[Group, ...]],
    tmpfs: Iterable[Tmpfs] = (),
    hidden: bool = False,
) -> Holders:
    """Put the visible together and take it from the whole.

    Args:
        table: the visible processes.
        meminfo: the whole machine's memory.
        view: which part of the machine's processes is visible.
        groups: the control groups.
        tmpfs: the mounted file systems in memory.
        hidden: whether other users' processes are hidden by the way /proc is mounted.
    """
    # Thousands of processes pass here at each tick: those without memory, and those without PSS, take the short way.
    processes = tuple(sorted(table.processes, key=_size, reverse=True))
    holding = [use for use in processes if use.rss]
    proven = [use for use in holding if not use.estimated]
    anonymous = sum([use.rss_anon for use in holding]) + sum(use.anonymous - use.rss_anon for use in proven)
    shared = sum(_shared(use) for use in proven)
    shared += sum(place.used for place in tmpfs if not isinstance(place.used, Unavailable))
    estimated = len(holding) - len(proven)
    families = group_families(holding)
    if not isinstance(meminfo, Unavailable) and anonymous > meminfo.anon_pages + NOISE:
        families = bound_families(families, {use.pid: use for use in holding}, meminfo.anon_pages)
    return Holders(
        processes=processes,
        families=families,
        groups=groups,
        elsewhere=_elsewhere(table, meminfo, view, hidden, anonymous, shared, NOISE + estimated * NOISE_PER_PROCESS),
        reason=REASONS[view] + (HIDDEN if hidden or table.refused else ""),
        unread=table.unread,
    )


def _size(use: ProcessUse) -> int:
    return use.held


def _shared(use: ProcessUse) -> int:
    return 0 if isinstance(use.pss, Unavailable) else use.pss.shared or 0


def _elsewhere(
    table: ProcessTable,
    meminfo: Reading[Meminfo],
    view: PidView,
    hidden: bool,
    anonymous: int,
    shared: int,
    noise: int,
) -> Reading[int]:
    """What is held and not visible, if it can be claimed at all."""
    if isinstance(meminfo, Unavailable):
        return meminfo
    if table.unread:
        done = len(table.processes)
        return Unavailable(f"the processes are still being read: {done} of {done + table.unread}")
    if not (hidden or table.refused):
        if view == "initial":
            return Unavailable("all processes of this machine are visible")
        if view == "unknown":
            return Unavailable(REASONS[view])
    rest = max(0, meminfo.anon_pages - anonymous) + max(0, meminfo.shmem - shared)
    if rest < noise:
        return Unavailable(f"less than {format_size(noise)}, which is the error of this measurement")
    return rest


WINDOW: Final = 300.0
"""Seconds that must lie between the first and the last observation: less is a start-up, not a trend."""
FEWEST: Final = 4
"""Observations below which a line through them says nothing."""
NOTICEABLE: Final = 16 * MIB
"""Growth over the whole window below which a family is called steady."""
STRAIGHT: Final = 0.6
"""Share of the variation that the line must explain (the coefficient of determination): a heap that fills and is
collected again goes up and down, and is not a leak."""


URGENT: Final = 120.0
"""Seconds of observations that are enough where memory would soon run out."""
URGENT_LEFT: Final = 15.0
"""Minutes until all available memory is taken below which growth is of this kind."""
URGENT_GAIN: Final = 64 * MIB
"""What a family must have gained then: a start-up is as big, but it is no straight line for two minutes."""
URGENT_STRAIGHT: Final = 0.98
"""Share of the variation that the line must explain then."""


class FamilySizes(Struct, frozen=True, kw_only=True):
    """What each family held at one moment, in bytes of anonymous memory."""

    monotonic: float
    sizes: dict[str, int]


class FamilyGrowth(Struct, frozen=True, kw_only=True):
    """The trend of one family over the observations."""

    name: str
    rate: float
    """Bytes per minute, the slope of the least-squares line; negative when it shrinks."""
    gained: int
    """Bytes between the first and the last observation."""
    span: float
    """Seconds between them."""
    straight: float = 0.0
    """Share of the variation that the line explains, 0 to 1."""
    growing: bool
    """Whether the growth is big enough and straight enough to be called growth."""
    minutes_left: float | None = None
    """Minutes until it has taken all available memory at this rate; ``None`` unless it is growing."""


def note_families(monotonic: float, families: Sequence[Family]) -> FamilySizes:
    """Keep what ``measure_growth`` needs of one moment. Only complete tables are worth noting."""
    sizes: dict[str, int] = {}
    for family in families:
        sizes[family.name] = sizes.get(family.name, 0) + family.anonymous
    return FamilySizes(monotonic=monotonic, sizes=sizes)


def measure_growth(observed: Sequence[FamilySizes], available: int | None = None) -> tuple[FamilyGrowth, ...]:
    """The trend of every family that is there now, fastest first.

    Before the window is full, only of families that would soon have taken all available memory. Their growth is that of
    the newest two minutes, however long they were steady before. A family that was absent held nothing: if its
    processes were started within the window, that is growth.
    """
    urgent = {trend.name: trend for trend in _trends(_newest(observed), available) if _is_urgent(trend)}
    long = observed and observed[-1].monotonic - observed[0].monotonic >= WINDOW
    trends = {trend.name: trend for trend in _trends(observed, available)} if long else {}
    return tuple(sorted((trends | urgent).values(), key=lambda trend: (-trend.rate, trend.name)))


def _newest(observed: Sequence[FamilySizes]) -> Sequence[FamilySizes]:
    """The newest observations that span ``URGENT`` seconds; empty where they do not go back so far."""
    end = observed[-1].monotonic if observed else 0.0
    first = next((place for place in range(len(observed) - 1, -1, -1) if end - observed[place].monotonic >= URGENT), 0)
    return observed[first:] if observed and end - observed[first].monotonic >= URGENT else ()


def _is_urgent(trend: FamilyGrowth) -> bool:
    left = trend.minutes_left
    return (
        left is not None and left <= URGENT_LEFT and trend.straight >= URGENT_STRAIGHT and trend.gained >= URGENT_GAIN
    )


def _trends(observed: Sequence[FamilySizes], available: int | None) -> tuple[FamilyGrowth, ...]:
    if len(observed) < FEWEST:
        return ()
    times = [sizes.monotonic for sizes in observed]
    return tuple(_trend(name, times, [sizes.sizes for sizes in observed], available) for name in observed[-1].sizes)


def _trend(name: str, times: list[float], observed: list[dict[str, int]], available: int | None) -> FamilyGrowth:
    sizes = [sizes.get(name, 0) for sizes in observed]
    slope, explained = fit_line(times, sizes)
    span = times[-1] - times[0]
    growing = slope * span >= NOTICEABLE and sizes[-1] > sizes[0] and explained >= STRAIGHT
    rate = slope * 60
    return FamilyGrowth(
        name=name,
        rate=rate,
        gained=sizes[-1] - sizes[0],
        span=span,
        straight=explained,
        growing=growing,
        minutes_left=max(0, available) / rate if growing and available is not None else None,
    )


def fit_line(times: Sequence[float], sizes: Sequence[float]) -> tuple[float, float]:
    """Least squares: the slope per unit of time, and the share of the variation that the line explains, 0 to 1."""
    count = len(times)
    middle_time, middle_size = sum(times) / count, sum(sizes) / count
    spread = sum((time - middle_time) ** 2 for time in times)
    variation = sum((size - middle_size) ** 2 for size in sizes)
    if spread <= 0 or variation <= 0:
        return 0.0, 0.0
    together = sum((time - middle_time) * (size - middle_size) for time, size in zip(times, sizes, strict=True))
    return together / spread, together**2 / (spread * variation)


PROCESS_LEAST: Final = 20.0
"""Seconds between the first and the last note of a process below which its growth is not told."""
PROCESS_WINDOW: Final = 300.0
"""Seconds of the newest notes that its growth is computed from."""
PROCESS_LONG: Final = 60.0
"""Seconds from which on little growth can be told from noise."""
PROCESS_STEADY: Final = 2 * MIB
"""Change over the window below which a process is steady: RSS lags by up to 32 pages for each CPU it ran on."""
STEADY_SHARE: Final = 0.01
"""The same as a share of what the process holds."""
STRAIGHT_OF: Final = {3: 0.994, 4: 0.903, 5: 0.771, 6: 0.658}
"""The share of the variation that a line through few notes must explain, by their number: of lines through noise 95 %
explain less (the square of Pearson's r, two-sided). From seven notes on that is less than ``STRAIGHT``."""


class ProcessSizes(Struct, frozen=True, kw_only=True):
    """What the biggest processes held at one moment, in bytes of anonymous memory, by pid and start time."""

    monotonic: float
    sizes: dict[tuple[int, int], int]


class ProcessGrowth(Struct, frozen=True, kw_only=True):
    """How the anonymous memory of one process has changed while it was watched."""

    curve: tuple[tuple[float, int], ...]
    """Monotonic time and bytes of each note, the oldest first."""
    rate: float | None
    """Bytes per minute, the slope of the least-squares line over the last five minutes; None: cannot be told yet."""
    steady: bool
    """Whether that does not stand out of the noise."""


def note_processes(monotonic: float, processes: Iterable[ProcessUse]) -> ProcessSizes:
    """Keep what ``follow_process`` needs of one moment.

    RSS less shared pages is coarser than PSS, but it is measured the same way every time.
    """
    return ProcessSizes(monotonic=monotonic, sizes={(use.pid, use.started): use.rss_anon for use in processes})


def follow_process(observed: Sequence[ProcessSizes], use: ProcessUse) -> ProcessGrowth:
    """The growth of one process over the notes that have it.

    A process grows where the line through the notes is straight enough for their number, and gains at least 2 MiB and
    1 % of what the process holds. In the first minute it must gain 16 MiB; until then the rate is not known.
    """
    key = (use.pid, use.started)
    curve = tuple((note.monotonic, note.sizes[key]) for note in observed if key in note.sizes)
    recent = [dot for dot in curve if curve[-1][0] - dot[0] <= PROCESS_WINDOW]
    span = recent[-1][0] - recent[0][0] if recent else 0.0
    if len(recent) < 3 or span < PROCESS_LEAST:
        return ProcessGrowth(curve=curve, rate=None, steady=True)
    slope, explained = fit_line([time for time, _ in recent], [size for _, size in recent])
    bound = max(PROCESS_STEADY, STEADY_SHARE * recent[-1][1]) if span >= PROCESS_LONG else NOTICEABLE
    grows = abs(slope * span) >= bound and explained >= STRAIGHT_OF.get(len(recent), STRAIGHT)
    return ProcessGrowth(curve=curve, rate=slope * 60 if grows or span >= PROCESS_LONG else None, steady=not grows)


def cpu_shares(census: Census, busy: Iterable[ProcessCpu] | None = None) -> dict[int, float]:
    """The share of one core that processes used between the last two full countings, by pid; 1.0 is a whole core.

    Args:
        census: says when these were.
        busy: what the processes used; None takes those that the census keeps.
    """
    if census.since is None or census.until is None:
        return {}
    ticks = (all_ticks(census.until) - all_ticks(census.since)) / max(1, census.until.cpus)
    if ticks <= 0:
        return {}
    return {one.pid: (one.user + one.system) / ticks for one in (census.busy if busy is None else busy)}


def all_ticks(cpu: CpuTimes) -> int:
    """Ticks of all columns: what has passed on all CPUs together."""
    columns = (cpu.user, cpu.nice, cpu.system, cpu.idle, cpu.iowait, cpu.irq, cpu.softirq, cpu.steal)
    return sum(column or 0 for column in columns)
