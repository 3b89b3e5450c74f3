from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import meminfo
from wsltop.core.holders import (
    NOISE,
    FamilySizes,
    ProcessSizes,
    apart,
    attribute_memory,
    cpu_between,
    cpu_shares,
    family_of,
    fit_line,
    follow_process,
    frozen_by_strangers,
    group_families,
    is_interpreter,
    may_share,
    measure_growth,
    name_group,
    note_families,
    note_processes,
    tell_held,
    unescape_unit,
)
from wsltop.model.sample import (
    Census,
    CpuTimes,
    Family,
    Group,
    GroupKind,
    Holders,
    Meminfo,
    PidView,
    ProcessCpu,
    ProcessTable,
    ProcessUse,
    Pss,
    Reading,
    Tmpfs,
    Unavailable,
)
from wsltop.model.text import GIB, MIB

NONE = Unavailable("not here")
ID = "0123456789ab" + "c" * 52


def process(
    pid: int,
    rss: int = 0,
    shared: int = 0,
    *,
    name: str = "work",
    pss: Reading[Pss] = NONE,
    started: int = 0,
    ticks: tuple[int, int] = (0, 0),
    own: bool = False,
) -> ProcessUse:
    return ProcessUse(
        pid=pid,
        started=started or pid,
        name=name,
        family=family_of(name),
        parent=1,
        state="S",
        rss=rss,
        shared=shared,
        pss=pss,
        user_ticks=ticks[0],
        system_ticks=ticks[1],
        nice=0,
        own=own,
    )


def pss_of(total: int, anonymous: int | None, shared: int | None, rss: int, rss_anon: int) -> Pss:
    return Pss(total=total, anonymous=anonymous, file=0, shared=shared, read_at=0, rss=rss, rss_anon=rss_anon)


def whole_of(anonymous: int, shared: int) -> Meminfo:
    """A machine of 8 GiB with so much in use."""
    return meminfo(total=8 * GIB, anon_pages=anonymous, shmem=shared)


def holders(*uses: ProcessUse, view: PidView = "distro", whole: Reading[Meminfo] = NONE, unread: int = 0) -> Holders:
    return attribute_memory(ProcessTable(processes=uses, unread=unread), whole, view, groups=NONE)


# Processes


def test_without_pss_a_process_holds_its_anonymous_memory_as_an_estimate() -> None:
    use = process(1, rss=100, shared=30)
    assert (use.held, use.anonymous, use.estimated) == (70, 70, True)


def test_pss_moves_on_with_the_rss_until_it_is_read_again() -> None:
    use = process(1, rss=150, shared=30, pss=pss_of(60, 50, 5, rss=100, rss_anon=80))
    assert (use.held, use.anonymous, use.estimated) == (110, 90, False)


def test_a_process_that_shrank_below_its_pss_holds_nothing_and_not_less() -> None:
    use = process(1, rss=1, pss=pss_of(60, None, None, rss=100, rss_anon=80))
    assert (use.held, use.anonymous) == (0, 1)


def test_cpu_between_two_tables() -> None:
    before = [process(10, ticks=(5, 5)), process(11, ticks=(7, 0)), process(12, ticks=(1, 1))]
    after = [
        process(10, ticks=(8, 6), own=True),
        process(11, ticks=(7, 0)),
        process(12, ticks=(3, 0), started=99),  # the pid was used again
        process(5, ticks=(400, 0)),  # older, but read for the first time: when it used them is not known
        process(20, ticks=(2, 1)),  # new
    ]
    used = {one.pid: (one.user, one.system, one.own) for one in cpu_between(before, after)}
    assert used == {10: (3, 1, True), 12: (3, 0, False), 20: (2, 1, False)}


def test_cpu_without_a_table_before_is_nothing() -> None:
    assert cpu_between([], [process(1, ticks=(9, 9))]) == ()


# Families


@pytest.mark.parametrize(
    ("name", "command", "family"),
    [
        ("node", ("/home/u/.vscode-server/bin/abc/node", "out/server-main.js"), "vscode-server"),
        ("MainThread", ("node", "server.js"), "node"),
        ("java", ("java", "-Xmx1g", "org.gradle.launcher.daemon.bootstrap.GradleDaemon"), "gradle"),
        ("java", (), "java"),
        ("python3.11", ("python3", "manage.py"), "python"),
        ("containerd-shim", (), "docker"),
        ("Isolated Web Co", (), "firefox"),
        ("kworker/0:1-events", (), "kworker"),
        ("init(Ubuntu)", (), "WSL init"),
        ("weird name", (), "weird name"),
        ("/", (), "/"),
        ("", (), "(no name)"),
    ],
)
def test_families_have_names_that_people_know(name: str, command: tuple[str, ...], family: str) -> None:
    assert family_of(name, command) == family


def test_only_interpreters_have_their_command_read() -> None:
    assert is_interpreter("node")
    assert is_interpreter("python3.12")
    assert not is_interpreter("postgres")


def test_families_add_up_biggest_first_and_own_processes_stand_apart() -> None:
    families = group_families(
        [
            process(1, rss=100, name="node", pss=pss_of(90, 90, 0, 100, 100)),
            process(2, rss=30, name="node"),
            process(3, rss=500, shared=100, name="python", own=True),
            process(4, rss=200, name="python"),
            process(5, name="kthreadd"),
        ]
    )
    assert [(one.name, one.held, one.anonymous, one.pids, one.estimated) for one in families] == [
        ("wsltop", 400, 400, (3,), True),
        ("python", 200, 200, (4,), True),
        ("node", 120, 130, (1, 2), False),
    ]


def forks(count: int, *, read: int = 0) -> list[ProcessUse]:
    """A server with workers that share all of its GiB, and hold 1 MiB each; of so many PSS was read."""
    size, each = GIB + MIB, MIB + GIB // (count + 1)
    made = [process(100, rss=GIB, name="server")]
    for number in range(count):
        pss = pss_of(each, each, 0, size, size) if number < read else NONE
        made.append(msgspec.structs.replace(process(101 + number, rss=size, name="server", pss=pss), parent=100))
    return sorted(made, key=lambda use: -use.held)


def test_pages_that_forks_share_are_not_counted_once_for_each() -> None:
    """A server with eight forks was said to hold nine times its GiB until their PSS was read."""
    others = process(7, rss=2 * GIB, name="java")
    whole = whole_of(3 * GIB + 8 * MIB, 0)
    found = holders(others, *forks(8), view="initial", whole=whole)
    assert {family.name: family.held for family in found.families} == {"java": 2 * GIB, "server": GIB + 8 * MIB}
    assert [family.name for family in found.families] == ["java", "server"]
    assert {use.pid for use in found.processes if use.pid in may_share(found.processes)} == set(range(100, 109))
    sharing = may_share(found.processes)
    assert [tell_held(use, sharing) for use in found.processes if use.pid in (7, 100)] == ["~2.0 GiB", "<1.0 GiB"]


def test_an_estimate_of_nothing_is_told_as_its_bound() -> None:
    """Bash held ``~0 B`` until its PSS was read, which was 3.0 MiB."""
    assert tell_held(process(1, rss=6 * MIB, shared=6 * MIB), ()) == "<6.0 MiB"
    assert tell_held(process(1, rss=6 * MIB, shared=MIB), ()) == "~5.0 MiB"


def test_one_fork_that_was_read_tells_of_the_others() -> None:
    (family,) = holders(*forks(8, read=1), whole=whole_of(8 * GIB, 0)).families
    assert 1.8 * GIB < family.held < 2 * GIB, "the server itself was not read"
    (family,) = holders(*forks(8, read=8), whole=whole_of(8 * GIB, 0)).families
    assert family.held == pytest.approx(GIB + 8 * MIB + GIB * 8 // 9, rel=0.01)


def test_the_bound_never_takes_what_a_family_surely_maps() -> None:
    """Workers that have another name than their server: neither is taken off the other."""
    server = process(100, rss=GIB, name="server")
    workers = [msgspec.structs.replace(process(101 + n, rss=GIB, name="worker"), parent=100) for n in range(4)]
    found = holders(server, *workers, view="initial", whole=whole_of(GIB, 0))
    assert {family.name: family.held for family in found.families} == {"server": GIB, "worker": GIB}


# Growth


def series(*sizes: int, step: float = 60) -> list[FamilySizes]:
    return [FamilySizes(monotonic=index * step, sizes={"node": size}) for index, size in enumerate(sizes)]


def test_a_leak_is_told_with_the_minutes_that_are_left() -> None:
    (trend,) = measure_growth(series(*(index * 100 * MIB for index in range(7))), available=1000 * MIB)
    assert trend.growing
    assert trend.rate == pytest.approx(100 * MIB)
    assert trend.gained == 600 * MIB
    assert trend.minutes_left == pytest.approx(10)


def test_a_heap_that_fills_and_is_collected_is_no_growth() -> None:
    (trend,) = measure_growth(series(*(size * MIB for size in (100, 400, 120, 420, 110, 410, 130))), available=GIB)
    assert not trend.growing
    assert trend.minutes_left is None


def test_steady_shrinking_and_small_growth_are_no_growth() -> None:
    for sizes in ([GIB] * 7, [GIB - index * 50 * MIB for index in range(7)], [GIB + index * MIB for index in range(7)]):
        (trend,) = measure_growth(series(*sizes), available=GIB)
        assert not trend.growing


def test_growth_needs_five_minutes_and_some_observations() -> None:
    assert measure_growth([]) == ()
    assert measure_growth(series(0, GIB, step=600), available=GIB) == ()
    assert measure_growth(series(*range(0, 40 * GIB, 10 * GIB), step=99)) == ()


@pytest.mark.parametrize("steady", [0, 40])
def test_a_leak_that_leaves_no_time_is_told_after_two_minutes(steady: int) -> None:
    """One of 6 MiB a second was named after five minutes, or hidden by the hours in which the program was steady."""
    sizes = [300 * MIB] * steady + [300 * MIB + number * 180 * MIB for number in range(5)]
    (trend,) = measure_growth(series(*sizes, step=30), available=2 * GIB)
    assert trend.growing
    assert trend.rate == pytest.approx(360 * MIB)
    assert trend.minutes_left == pytest.approx(2 * GIB / (360 * MIB))


@pytest.mark.parametrize(
    ("mebibytes", "available"),
    [
        ((0, 0, 400, 800, 800), GIB),  # a start-up
        ((100, 400, 120, 420, 500), GIB),  # a heap that is collected
        ((100, 190, 280, 370, 460), 64 * GIB),  # there is time
        ((100, 105, 110, 115, 120), 64 * MIB),  # too little to be sure
        ((100, 300, 500), GIB),  # not watched for long enough
    ],
)
def test_what_is_not_sure_and_urgent_waits_for_the_whole_window(mebibytes: tuple[int, ...], available: int) -> None:
    assert measure_growth(series(*(size * MIB for size in mebibytes), step=30), available=available) == ()


def test_a_family_that_appeared_grew_from_nothing() -> None:
    observed = [FamilySizes(monotonic=index * 100, sizes={}) for index in range(2)]
    observed += [FamilySizes(monotonic=200 + index * 100, sizes={"java": index * GIB}) for index in range(1, 4)]
    (trend,) = measure_growth(observed)
    assert (trend.gained, trend.growing, trend.minutes_left) == (3 * GIB, True, None)


def test_two_families_of_one_name_are_noted_as_one() -> None:
    families = [Family(name="wsltop", held=1, anonymous=5, pids=(1,), estimated=True, own=own) for own in (True, False)]
    assert note_families(3, families) == FamilySizes(monotonic=3, sizes={"wsltop": 10})


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2**40)), min_size=1))
def test_a_line_through_anything_is_a_number(points: list[tuple[int, int]]) -> None:
    _, explained = fit_line([time for time, _ in points], [size for _, size in points])
    assert -1e-9 <= explained <= 1 + 1e-6


# Elsewhere


def test_elsewhere_is_what_the_visible_do_not_hold() -> None:
    big = process(1, rss=GIB, pss=pss_of(GIB // 2, GIB // 4, GIB // 4, GIB, GIB))
    small = process(2, rss=300 * MIB, shared=100 * MIB)
    tmpfs = Tmpfs(place="/dev/shm", used=100 * MIB, size=GIB, device="0:1")
    full = Tmpfs(place="/x", used=NONE, size=None, device="0:2")
    table = ProcessTable(processes=(small, big))
    found = attribute_memory(table, whole_of(2 * GIB, GIB), "distro", groups=NONE, tmpfs=(tmpfs, full))
    assert [use.pid for use in found.processes] == [1, 2]
    anonymous, shared = GIB // 4 + 200 * MIB, GIB // 4 + 100 * MIB
    assert found.elsewhere == 3 * GIB - anonymous - shared
    assert "other distros" in found.reason


def test_each_part_of_elsewhere_is_cut_at_zero() -> None:
    forked = [process(pid, rss=GIB) for pid in range(1, 5)]  # four processes that share one GiB
    assert holders(*forked, whole=whole_of(GIB, GIB)).elsewhere == GIB


def test_a_remainder_within_the_error_is_not_claimed() -> None:
    found = holders(process(1, rss=GIB), whole=whole_of(GIB + NOISE, 0)).elsewhere
    assert isinstance(found, Unavailable)
    assert "error" in found.reason


def test_elsewhere_waits_until_all_processes_are_read() -> None:
    found = holders(process(1, rss=GIB), whole=whole_of(4 * GIB, 0), unread=2999)
    assert found.elsewhere == Unavailable("the processes are still being read: 1 of 3000")
    assert found.unread == 2999


def test_where_all_processes_are_visible_nothing_is_elsewhere() -> None:
    found = holders(process(1, rss=GIB), view="initial", whole=whole_of(4 * GIB, 0))
    assert isinstance(found.elsewhere, Unavailable)
    assert "distro" not in found.reason


def test_processes_hidden_by_hidepid_are_elsewhere_even_in_the_first_namespace() -> None:
    table = ProcessTable(processes=(process(1, rss=GIB),))
    found = attribute_memory(table, whole_of(4 * GIB, 0), "initial", groups=NONE, hidden=True)
    assert found.elsewhere == 3 * GIB
    assert "hidepid" in found.reason


@pytest.mark.parametrize("view", ["container", "nested", "unknown"])
def test_the_reason_depends_on_where_we_are(view: PidView) -> None:
    found = holders(process(1, rss=GIB), view=view, whole=whole_of(4 * GIB, 0))
    assert "distro" not in found.reason
    assert isinstance(found.elsewhere, Unavailable) == (view == "unknown")


def test_without_a_ledger_elsewhere_says_why() -> None:
    assert holders(whole=Unavailable("no meminfo")).elsewhere == Unavailable("no meminfo")


def test_holders_survive_a_recording() -> None:
    group = Group(path="a", name="a", kind="group", current=1)
    uses = (process(1, rss=GIB, pss=pss_of(5, None, None, 1, 1)), process(2))
    found = attribute_memory(ProcessTable(processes=uses), whole_of(GIB, 0), "distro", groups=(group,))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Holders) == found


# Groups


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("wsl-user/distro-12", "distro", "Ubuntu"),
        ("wsl-user/distro-13", "distro", "distro (init pid 13)"),
        ("wsl-user/non-distro", "group", "WSL outside the distros"),
        (f"docker/{ID}", "container", "docker 0123456789ab"),
        (f"system.slice/docker-{ID}.scope", "container", "docker 0123456789ab"),
        (f"machine.slice/libpod-{ID}.scope", "container", "podman 0123456789ab"),
        (f"kubepods.slice/cri-containerd-{ID}.scope", "container", "containerd 0123456789ab"),
        (f"default/{ID}", "container", "container 0123456789ab"),
        ("docker/" + "f" * 64, "container", "docker web"),
        ("lxc.payload.box", "container", "lxc box"),
        ("user.slice/user-1000.slice/user@1000.service", "unit", "user@1000.service"),
        (r"system.slice/system-getty\x2d1.service", "unit", "system-getty-1.service"),
        ("user.slice", "slice", "user.slice"),
        ("odd\x1b[31m\nname", "group", "odd name"),
    ],
)
def test_groups_have_names_that_people_know(path: str, kind: GroupKind, name: str) -> None:
    assert name_group(path, {"12": "Ubuntu", "f" * 64: "web"}) == (kind, name)


def test_an_escaped_unit_cannot_smuggle_control_characters() -> None:
    assert unescape_unit(r"a\x1b\x5b31mb\xc3\xa9\xff.service") == "abé�.service"


def test_groups_apart_do_not_contain_each_other() -> None:
    def group(path: str, size: int, ours: bool = False) -> Group:
        kind, name = name_group(path)
        return Group(path=path, name=name, kind=kind, current=size, ours=ours)

    groups = [
        group("wsl-user", 100, ours=True),
        group("wsl-user/distro-1", 60, ours=True),
        group("wsl-user/distro-1/systemd", 60, ours=True),
        group("wsl-user/distro-1/systemd/system.slice", 20),
        group("wsl-user/distro-1/systemd/system.slice/ssh.service", 5),
        group("wsl-user/distro-1/systemd/system.slice/ssh.service/x", 5),
        group("wsl-user/distro-2", 40),
        group("wsl-user/distro-2/systemd", 40),
        group("empty.slice", 1),
    ]
    assert [one.path for one in apart(groups)] == [
        "wsl-user/distro-2",
        "wsl-user/distro-1/systemd/system.slice/ssh.service",
        "empty.slice",
    ]


def test_frozen_groups_of_engines_and_inside_frozen_ones_are_not_told() -> None:
    frozen = {"docker/abc": "abc", "user.slice": "user.slice", "user.slice/a": "a", "b/c": "c"}
    assert frozen_by_strangers(frozen) == ("c", "user.slice")


def notes(*sizes: int, step: float = 10.0) -> list[ProcessSizes]:
    return [note_processes(step * index, [process(7, size)]) for index, size in enumerate(sizes)]


def test_the_growth_of_a_process_is_told_after_some_notes() -> None:
    assert follow_process([], process(7)).rate is None
    assert follow_process(notes(MIB, 2 * MIB), process(7)).rate is None
    growth = follow_process(notes(*(index * 10 * MIB for index in range(4))), process(7))
    assert growth.rate == pytest.approx(60 * MIB)
    assert not growth.steady
    assert growth.curve[-1] == (30.0, 30 * MIB)
    assert follow_process(notes(GIB, GIB + MIB // 2, GIB), process(7)).steady


def test_noise_is_not_told_as_growth() -> None:
    """After 15 s the list said +6 MiB a minute of what had moved by 2 MiB once."""
    start = [100 * MIB, 102 * MIB, 102 * MIB]
    assert follow_process(notes(*start), process(7)).rate is None
    assert follow_process(notes(*(100 * MIB + index * MIB for index in range(4))), process(7)).rate is None
    jumps = [100 * MIB + (7 * index * index % 11) * 4 * MIB for index in range(12)]
    assert follow_process(notes(*jumps), process(7)).steady
    slow = follow_process(notes(*(100 * MIB + index * MIB for index in range(8))), process(7))
    assert slow.rate == pytest.approx(6 * MIB)
    assert not slow.steady
    assert follow_process(notes(*(GIB + index * MIB for index in range(8))), process(7)).steady, "less than 1 %"


def test_another_process_with_the_same_number_has_not_grown() -> None:
    assert follow_process(notes(MIB, 20 * MIB, 40 * MIB), process(7, started=99)).curve == ()


def test_the_rate_is_that_of_the_last_minutes() -> None:
    sizes = [index * 10 * MIB for index in range(60)] + [600 * MIB] * 31
    assert follow_process(notes(*sizes), process(7)).rate == pytest.approx(0.0, abs=MIB)


def test_what_a_process_computes_is_a_share_of_one_core() -> None:
    def times(total: int) -> CpuTimes:
        return CpuTimes(user=total, nice=0, system=0, idle=3 * total, iowait=0, cpus=4)

    one = ProcessCpu(pid=7, name="work", user=400, system=100)
    holders = Holders(processes=(), families=(), groups=NONE, elsewhere=NONE, reason="", unread=0)
    census = Census(read_at=0.0, holders=holders, since=times(0), until=times(1000), busy=(one,))
    assert cpu_shares(census) == {7: 0.5}
    assert cpu_shares(census, ()) == {}
    assert cpu_shares(msgspec.structs.replace(census, since=times(1000))) == {}
    assert cpu_shares(msgspec.structs.replace(census, since=None)) == {}
