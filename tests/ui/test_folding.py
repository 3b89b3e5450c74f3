from __future__ import annotations

from itertools import combinations

import pytest

from wsltop.ui.layout import LEAST_HEIGHT, LEAST_WIDTH, Rows, lay_out

PANELS = ("memory", "timeline", "hogs", "events")
"""Those that stand at every size; verdict and gate come and go with the room."""
HIDDEN = [frozenset(some) for count in range(len(PANELS) + 1) for some in combinations(PANELS, count)]


def stacked(shape: Rows) -> int:
    """Rows that the panels take one below the other; on a wide screen the lists stand beside the timeline."""
    beside = shape.verdict + shape.gate + shape.hogs
    assert not shape.wide or beside in (0, shape.timeline)
    assert shape.wide or shape.verdict in (0, shape.hogs) or not shape.hogs
    return shape.memory + shape.timeline + shape.events + (0 if shape.wide else max(shape.hogs, shape.verdict))


@pytest.mark.parametrize("hogs", [0, 1, 4, 50])
def test_the_rows_add_up_for_every_size(hogs: int) -> None:
    for width in range(1, 251):
        for height in range(1, 81):
            shape = lay_out(width, height, hogs)
            if width < LEAST_WIDTH or height < LEAST_HEIGHT:
                assert shape is None
                continue
            assert shape is not None
            assert stacked(shape) == height - 2
            assert min(shape.memory, shape.timeline, shape.hogs, shape.events) >= 2
            assert 0 <= shape.side_width <= width * 2 // 3
            assert not shape.wide or shape.side_width > 0
            assert (shape.verdict > 0) == (height >= 20 and width >= 80) or shape.wide


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda hidden: "-".join(sorted(hidden)) or "nothing")
def test_what_is_hidden_leaves_its_rows_to_the_others(hidden: frozenset[str]) -> None:
    for width in (60, 80, 119, 120, 121, 250):
        for height in range(LEAST_HEIGHT, 81):
            for hogs in (0, 3, 9):
                shape = lay_out(width, height, hogs, hidden)
                assert shape is not None
                for name in PANELS:
                    assert (getattr(shape, name) == 0) == (name in hidden), (name, width, height)
                assert stacked(shape) <= height - 2
                if not hidden >= {"timeline", "hogs", "events"}:  # the memory panel does not grow
                    assert stacked(shape) == height - 2, (width, height)


def test_everything_is_shown_at_80x24() -> None:
    shape = lay_out(80, 24, 4)
    assert shape is not None
    assert shape.memory >= 6
    assert shape.hogs >= 5
    assert shape.events >= 4
    assert shape.timeline >= 5


@pytest.mark.parametrize("gate", [False, True])
def test_a_gate_takes_its_rows_from_the_list_of_hogs_on_a_wide_screen_only(gate: bool) -> None:
    for width in (60, 80, 120, 200):
        for height in range(LEAST_HEIGHT, 81):
            shape = lay_out(width, height, 2, gate=gate)
            assert shape is not None
            assert stacked(shape) == height - 2
            assert shape.hogs >= 2
            assert not shape.gate or (gate and shape.wide)
    wide = lay_out(160, 48, 2, gate=gate)
    assert wide is not None
    assert (wide.gate > 0) == gate


def test_more_rows_never_take_any_from_a_panel_of_the_same_kind_of_screen() -> None:
    for width in (80, 200):
        for height in range(36, 80):
            low, high = lay_out(width, height, 4), lay_out(width, height + 1, 4)
            assert low is not None
            assert high is not None
            for name in PANELS:
                assert getattr(high, name) >= getattr(low, name)
