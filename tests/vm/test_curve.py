"""What is read from the host's own curve, on curves that are known."""

from __future__ import annotations

import pytest

from tests.vm.curve import ClockPair, Fall, Point, drift, lateness, read_fall, to_host

GIB = 1 << 30


def test_a_moment_of_the_guest_has_its_place_on_the_hosts_clock() -> None:
    before, after = ClockPair(100.0, 5000.0, 0.001), ClockPair(200.0, 5101.0, 0.001)
    assert to_host(5000.0, before, after) == 100.0
    assert to_host(5050.5, before, after) == pytest.approx(150.0)
    assert drift(before, after) == pytest.approx(1.0)


def test_half_and_most_of_a_fall_are_timed_from_the_release() -> None:
    # High for 10 s, then an eighth less in every half second, then low.
    steps = [(second / 2, GIB - max(0, min(8, second - 20)) * GIB // 8) for second in range(60)]
    curve = [Point(time, size) for time, size in steps]
    assert read_fall(curve, 10.0, 29.5) == Fall(GIB, 2.0, 4.0)
    assert read_fall(curve, 9.5, 29.5) == Fall(GIB, 2.5, 4.5)


def test_what_does_not_fall_has_no_times() -> None:
    assert read_fall([Point(second / 2, GIB) for second in range(60)], 10.0, 29.0) == Fall(0, None, None)


def test_a_busy_machine_is_late_by_its_longest_gap() -> None:
    times = (0.0, 0.1, 0.2, 0.9, 1.0, 5.0)
    curve = [Point(moment, 0) for moment in times]
    assert lateness(curve, 0.0, 1.0) == pytest.approx(0.5)
    assert lateness(curve, 0.9, 1.0) == 0.0
