"""A sample and each of its parts survive a recording: JSON and back."""

from __future__ import annotations

import msgspec
import pytest

from tests.guest.texts import KERNELS
from tests.samples import ended, hog, host_memory, kernel_sample, nothing, record, sample
from wsltop.model.sample import SCHEMA, Counters, Identity, KernelLog, OwnUse, ReportingOrder, Sample, Unavailable

GONE = Unavailable('gone: \x1b[31m日本 "quoted" \\', "Look for it.")


def there_and_back(taken: Sample) -> Sample:
    return msgspec.json.decode(msgspec.json.encode(taken), type=Sample)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_sample_of_a_known_kernel_round_trips(kernel: str) -> None:
    taken = kernel_sample(kernel)
    assert not isinstance(taken.meminfo, Unavailable)
    assert not isinstance(taken.zones, Unavailable)
    assert not isinstance(taken.counters, Unavailable)
    assert there_and_back(taken) == taken


@pytest.mark.parametrize(
    "part", ["meminfo", "free_blocks", "zones", "reporting", "counters", "cpu", "kernel_log", "host", "identity", "own"]
)
def test_a_missing_part_round_trips_with_its_reason(part: str) -> None:
    missing = {
        "identity": Identity(kernel=GONE, distro=GONE, wsl_version=GONE),
        "own": OwnUse(cpu=None, resident=GONE),
    }.get(part, GONE)
    taken = sample(**{part: missing})
    assert there_and_back(taken) == taken


def test_a_sample_of_nothing_round_trips() -> None:
    assert there_and_back(nothing()) == nothing()


@pytest.mark.parametrize("source", ["powershell", "tasklist", "process"])
def test_the_host_round_trips_whole_and_in_part(source: str) -> None:
    for host in (
        host_memory(source=source),
        host_memory(source=source, private_bytes=GONE, total=GONE, available=GONE),
    ):
        assert there_and_back(sample(host=host)).host == host


def test_hogs_in_every_state_round_trip() -> None:
    statuses = ("starting", "filling", "holding", "floor", "ending", "failed")
    hogs = tuple(
        hog(number, status=status, speed=None if status == "starting" else 1.5e9, note="near the floor")
        for number, status in enumerate(statuses, 1)
    )
    ends = tuple(
        ended(number, how=how, teardown=None) for number, how in enumerate(("killed", "oom", "signal", "exited"))
    )
    taken = sample(hogs=hogs, hogs_ended=ends)
    assert there_and_back(taken) == taken


def test_a_kernel_log_with_lines_round_trips() -> None:
    log = KernelLog(
        origin="dmesg", records=(record("mini_init (175): drop_caches: 1"), record("日本", level=3)), lost=7
    )
    taken = sample(kernel_log=log, counters=Counters(values={}), reporting=ReportingOrder(order=5, assumed=True))
    assert there_and_back(taken) == taken


def test_sizes_stay_whole_numbers() -> None:
    host = host_memory(working_set=(1 << 53) + 1)
    taken = there_and_back(sample(host=host))
    assert not isinstance(taken.host, Unavailable)
    assert taken.host.working_set == (1 << 53) + 1
    assert isinstance(taken.host.total, int)


def test_a_sample_says_which_shape_it_has() -> None:
    assert msgspec.json.decode(msgspec.json.encode(sample()))["schema"] == SCHEMA == 1


def test_a_later_version_may_add_a_field() -> None:
    more = msgspec.json.decode(msgspec.json.encode(sample())) | {"novelty": 5}
    assert msgspec.convert(more, Sample) == sample()


@pytest.mark.parametrize("field", ["time", "monotonic", "meminfo", "own", "host"])
def test_a_damaged_recording_is_refused_and_nothing_made_up(field: str) -> None:
    less = msgspec.json.decode(msgspec.json.encode(sample()))
    del less[field]
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(less, Sample)


def test_a_sample_cannot_be_changed() -> None:
    assert all(type(part).__struct_config__.frozen for part in (sample(), sample().own, host_memory(), hog(), ended()))
