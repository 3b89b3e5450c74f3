"""How the panels share the terminal."""

from __future__ import annotations

from itertools import combinations

import pytest

from wsltop.ui.layout import LATE_ROWS, LEAST, LEAST_HEIGHT, LEAST_WIDTH, PANELS, Layout, lay_out
from wsltop.ui.panels.comeback import MORE_ORDERS

WANTED = {"memory": 3, "verdict": 4, "hogs": 1, "events": 9, "gate": 6, "who": 12, "comeback": 8, "ledger": 17}
SWITCHED = ("memory", "timeline", "hogs", "events", "verdict")
HIDDEN = [frozenset(some) for count in range(len(SWITCHED) + 1) for some in combinations(SWITCHED, count)]


def laid_out(width: int, height: int, **options: object) -> Layout:
    layout = lay_out(width, height, WANTED, **options)  # type: ignore[arg-type]
    assert layout is not None
    return layout


def assert_whole(layout: Layout, width: int, height: int, *, full: bool = True) -> None:
    """No panel touches another's cells, the status line or the keys; and every row belongs to some panel."""
    taken: set[tuple[int, int]] = set()
    for name, place in layout.items():
        assert place.height >= min(LEAST[name], 1), name
        assert place.x >= 0
        assert place.x + place.width <= width, name
        assert 1 <= place.y <= place.y + place.height <= height - 1, name
        cells = {(x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)}
        assert not cells & taken, name
        taken |= cells
    if full:
        assert {y for _, y in taken} == set(range(1, height - 1))


@pytest.mark.slow
@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("scrubber", [False, True])
def test_panels_never_overlap_and_leave_no_row_empty(gate: bool, scrubber: bool) -> None:
    for width in (40, 59, 60, 79, 80, 119, 120, 121, 159, 160, 239, 240, 250):
        for height in range(8, 81):
            assert_whole(laid_out(width, height, gate=gate, scrubber=scrubber), width, height)


@pytest.mark.parametrize(("width", "height"), [(39, 24), (200, 7), (1, 1), (0, 0)])
def test_a_terminal_that_is_too_small_has_no_layout(width: int, height: int) -> None:
    assert lay_out(width, height, WANTED) is None


def test_the_smallest_terminal_shows_bars_and_verdict() -> None:
    assert set(laid_out(LEAST_WIDTH, LEAST_HEIGHT)) == {"memory", "verdict"}


@pytest.mark.parametrize("size", [(80, 10), (120, 12)])
def test_a_split_of_a_terminal_shows_the_timeline_too(size: tuple[int, int]) -> None:
    assert set(laid_out(*size)) >= {"memory", "verdict", "timeline"}


@pytest.mark.parametrize("hidden", [frozenset[str](), frozenset({"verdict"}), frozenset({"memory"})])
def test_the_line_of_time_never_takes_the_timeline_away(hidden: frozenset[str]) -> None:
    """In a look back at 80x10 the timeline was gone: a drag ended in its first cell."""
    for height in range(LEAST_HEIGHT, 30):
        live, back = (laid_out(80, height, hidden=hidden, scrubber=scrubber) for scrubber in (False, True))
        assert ("timeline" in back) == ("timeline" in live), height
    assert "scrubber" in laid_out(80, 11, scrubber=True)


def test_at_80x24_everything_stands_but_the_columns() -> None:
    assert set(laid_out(80, 24)) == {"memory", "verdict", "timeline", "events", "hogs"}


@pytest.mark.parametrize(
    ("size", "names"),
    [
        ((120, 24), {"who"}),
        ((120, 36), {"who", "gate", "hogs"}),
        ((160, 48), {"who", "gate", "hogs", "comeback"}),
        ((240, 60), {"who", "gate", "hogs", "comeback", "ledger", "findings"}),
    ],
)
def test_cards_become_columns_where_there_is_room(size: tuple[int, int], names: set[str]) -> None:
    assert set(laid_out(*size, gate=True)) >= names


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda hidden: "-".join(sorted(hidden)) or "nothing")
def test_what_is_hidden_leaves_its_rows_to_the_others(hidden: frozenset[str]) -> None:
    for width in (40, 80, 120, 160, 240):
        for height in (8, 10, 16, 24, 36, 60):
            layout = laid_out(width, height, hidden=hidden, gate=True)
            assert not hidden & set(layout)
            assert_whole(layout, width, height, full=not hidden)


def test_a_gate_that_is_not_there_takes_no_row() -> None:
    assert "gate" not in laid_out(160, 48)
    assert "gate" not in laid_out(160, 48, gate=True, hidden=frozenset({"gate"}))


def test_every_panel_of_a_layout_is_in_the_table() -> None:
    assert set(laid_out(240, 60, gate=True, scrubber=True)) <= {row.name for row in PANELS}


def test_a_column_gives_what_is_left_to_a_longer_form_and_to_panels_that_fill_it() -> None:
    few = {"ledger": 12, "comeback": 5, "groups": 3, "who": 7, "gate": 8, "hogs": 1, "findings": 4, "pressure": 5}
    layout = lay_out(240, 60, {**few, "memory": 3, "verdict": 3, "events": 5, "outcomes": 2}, gate=True)
    assert layout is not None
    assert {"pressure", "outcomes"} <= layout.keys()
    assert layout["comeback"].height >= 5 + MORE_ORDERS
    small = lay_out(160, 30, {**few, "who": 40, "memory": 3, "verdict": 3}, gate=True)
    assert small is not None
    assert not {"pressure", "outcomes"} & small.keys()


def test_the_findings_take_the_rows_that_a_column_leaves_and_none_of_the_others() -> None:
    """At 160 columns and few processes there were blank rows below them."""
    wanted = {"memory": 3, "verdict": 3, "events": 5, "who": 10, "comeback": 8, "gate": 8, "hogs": 1, "pressure": 5}
    low, high = (lay_out(160, height, {**wanted, "outcomes": 2}, gate=True) for height in (48, 66))
    assert low is not None
    assert high is not None
    assert "findings" not in low
    assert high["findings"].height >= LATE_ROWS
    assert all(high[name].height >= wanted[name] for name in ("who", "comeback", "gate", "hogs", "pressure"))
    assert high["who"].height <= wanted["who"] + 1
