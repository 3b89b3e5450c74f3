"""What the lines of a WSL kernel log mean, by texts that were really seen or stand in the sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import controls
from tests.samples import record
from wsltop.core.events import interpret_record

ABOUT_MEMORY = [
    ("WSL2: Performing memory compaction.", "compaction"),
    ("WSL2: Performing momory compaction.", "compaction"),
    ("mini_init (175): drop_caches: 1", "cache drop"),
    ("mini_init (232): drop_caches: 3", "cache drop"),
    ("bash (5120): drop_caches: 2", "cache drop"),
    ("bash (5120): drop_caches: 4", "log"),  # drops nothing: it silences these lines
    ("bash (5120): drop_caches: 5", "cache drop"),
    ("tmux: server (77): drop_caches: 3", "cache drop"),
    ("Out of memory: Killed process 5017 (test) total-vm:8391460kB, anon-rss:8123456kB", "oom kill"),
    ("Memory cgroup out of memory: Killed process 812 (stress) total-vm:1052928kB", "oom kill"),
    ("stress-ng-vm invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0", "oom kill"),
    ("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom", "oom kill"),
    ("oom_reaper: reaped process 5017 (test), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB", "oom kill"),
    ("python3: page allocation stalls for 10432ms, order:0, mode:0x14201ca", "stall"),
    ("kworker/u16:2: page allocation failure: order:7, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO)", "log"),
    ("systemd-journald[42]: Under memory pressure, flushing caches.", "log"),
    ("hv_balloon: Using Dynamic Memory protocol version 2.0", "balloon"),
    ("hv_balloon: Max. dynamic memory size: 4034 MB", "balloon"),
    ("Free page reporting enabled", "reporting"),
    ("hv_balloon: Cold memory discard hint enabled with order 9", "reporting"),
    ("hv_balloon: Cold memory discard hint enabled", "reporting"),
    ("Cold memory discard hypercall failed with status 5", "reporting"),
    ("Underlying Hyper-V does not support order less than 9. Hypercall failed", "reporting"),
    ("Defaulting to page_reporting_order 9", "reporting"),
    ("Adding 2097152k swap on /dev/sdb.  Priority:-2 extents:1 across:2097152k", "swap"),
    ("Write-error on swap-device (8:16:1234)", "swap"),
    ("HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages", "log"),
    ("hugetlb: cgroup hugetlb is disabled", "log"),
    ("WSL (1 - ): WSL version 2.7.11.0", "init"),
    ("WSL (1 - ): WSL user cgroup created with memory.max=16743661568", "init"),
    (
        "WSL (1 - ) WARNING: access(/sys/fs/cgroup/memory.reclaim, W_OK) failed 2, "
        "falling back to autoMemoryReclaim = dropcache",
        "init",
    ),
    ("WSL (1 - ) WARNING: access failed 2, falling back to drop_caches", "init"),
    ("WSL (1 - ) ERROR: WriteToFile:3321: write(/proc/sys/vm/compact_memory, 1) failed -1 5", "init"),
    ("WSL (1) ERROR: WriteToFile:3321: write(/sys/fs/cgroup/memory.reclaim, 35785605", "init"),
    (") failed -1 11", "init"),
    ("WSL (1) ERROR: Resource temporarily unavailable @main.cpp:399 (operator())", "init"),
    ("init: (747) ERROR: UtilConnectToInteropServer:300: connect failed 2", "init"),
    ("WSL (312 - init-systemd(Ub) ERROR: UtilConnectUnix:524: connect failed 111", "init"),
]

NOT_ABOUT_MEMORY = [
    ("EXT4-fs (sdc): mounted filesystem with ordered data mode", "log"),
    ("watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [node:812]", "log"),
    # the figures below the headlines of an OOM kill
    ("Mem-Info:", "log"),
    ("active_anon:1 inactive_anon:2000 isolated_anon:0", "log"),
    ("Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB", "log"),
    ("Free swap  = 0kB", "log"),
    ("Tasks state (memory values in pages):", "log"),
    ("[   5017]  1000  5017  2097865  2030864 16351232        0             0 test", "log"),
    ("Kernel command line: initrd=\\initrd.img panic=-1 page_reporting.page_reporting_order=5", "log"),
    ("WSL (204 - Relay) ERROR: CreateProcessParseCommon:863: Failed to translate C:\\memory", "init"),
    ("init: (1) ERROR: UtilTranslatePathList:2852: Failed to translate C:\\Python27", "init"),
    ("WSL (1) WARNING: /usr/share/zoneinfo/Europe/Berlin not found. Is the tzdata package installed?", "init"),
    ("somebody said (5): drop_caches: 1 and more", "log"),
    ("", "log"),
]


@pytest.mark.parametrize(
    ("text", "kind", "memory"),
    [(*row, True) for row in ABOUT_MEMORY] + [(*row, False) for row in NOT_ABOUT_MEMORY],
)
def test_each_text_has_its_meaning(text: str, kind: str, memory: bool) -> None:
    event = interpret_record(record(text, level=4), "kmsg", now=60.0, time=1000.0)
    assert (event.kind, event.memory, event.text) == (kind, memory, text)
    assert (event.origin, event.level, event.amounts) == ("kmsg", 4, {})


def test_the_wall_clock_of_a_line_follows_from_its_stamp() -> None:
    event = interpret_record(record("x", monotonic=50.0), "dmesg", now=60.0, time=1000.0)
    assert (event.start, event.end, event.time, event.origin) == (50.0, 50.0, 990.0, "dmesg")


@pytest.mark.parametrize(
    ("stamp", "start"),
    [
        (59.5, 59.5),
        (30.0, 59.0),  # the kernel's clock is behind, as after days
        (75.0, 60.0),  # … or ahead, as after sleep
    ],
)
def test_a_live_line_is_held_between_two_samples(stamp: float, start: float) -> None:
    event = interpret_record(record("x", monotonic=stamp), "kmsg", now=60.0, time=1000.0, since=59.0)
    assert (event.start, event.time) == (start, 1000.0 - (60.0 - start))


def test_the_backlog_keeps_its_stamps_but_is_never_in_the_future() -> None:
    assert interpret_record(record("x", monotonic=0.0), "kmsg", now=60.0, time=1000.0).start == 0.0
    assert interpret_record(record("x", monotonic=99.0), "kmsg", now=60.0, time=1000.0).start == 60.0


@given(st.text(), st.floats(0, 1e9), st.floats(0, 1e9), st.none() | st.floats(0, 1e9))
def test_any_text_at_any_time_is_safe_and_not_in_the_future(
    text: str, stamp: float, now: float, since: float | None
) -> None:
    event = interpret_record(record(text, monotonic=stamp), "journal", now=now, time=1e9, since=since)
    assert not controls().intersection(map(ord, event.text))
    assert event.start <= now
    if since is not None:
        assert event.start >= min(since, now)


def test_a_huge_line_is_cut() -> None:
    assert len(interpret_record(record("x (" * 100_000), "kmsg", now=60.0, time=0.0).text) == 1000
