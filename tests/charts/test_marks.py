from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.charts.cells import ASCII, BLOCK
from wsltop.charts.timeline import Mark, place_marks


def row(marks: list[Mark], width: int = 30) -> str:
    cells = "." * width
    for start, text in place_marks(marks, width, BLOCK):
        cells = cells[:start] + text + cells[start + len(text) :]
    return cells


def test_a_label_stands_right_of_its_sign() -> None:
    assert row([Mark(2, "hog", "hogs"), Mark(14, "kill", "kill")]) == "..▲hogs.......▼kill..........."


def test_a_label_at_the_right_edge_stands_left_of_its_sign() -> None:
    assert row([Mark(29, "cache drop", "drop")]) == ".........................drop▼"


def test_when_labels_would_overlap_the_newer_one_stays() -> None:
    assert row([Mark(5, "hog", "hogs"), Mark(8, "kill", "kill")]) == ".hogs▲..▼kill................."
    assert row([Mark(1, "hog", "hogs"), Mark(4, "kill", "kill")]) == ".▲..▼kill....................."


def test_labels_do_not_touch() -> None:
    """``drop▼▽back`` is two marks, and looked like one."""
    assert row([Mark(5, "cache drop", "drop"), Mark(6, "return", "back")]) == ".....▼▽back..................."
    assert row([Mark(5, "cache drop", "drop"), Mark(7, "return", "back")]) == ".drop▼.▽back.................."


def test_neighbors_without_room_are_signs_only() -> None:
    assert row([Mark(0, "hog", "hogs"), Mark(1, "kill", "kill"), Mark(2, "mark", "mark")], 5) == "▲▼●.."


def test_marks_of_one_column_are_merged() -> None:
    assert row([Mark(3, "kill", "kill"), Mark(3, "kill", "kill")]) == "...▼kill......................"
    assert row([Mark(3, "kill", "kill"), Mark(3, "compaction", "compact")]) == "...≡kill+compact.............."


def test_marks_outside_are_left_out() -> None:
    assert row([Mark(-1, "hog", "hogs"), Mark(30, "hog", "hogs")]) == "." * 30


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Mark, st.integers(-3, 80), st.sampled_from([kind for kind, _ in BLOCK.marks]), st.sampled_from(["", "ab"])
        ),
        max_size=30,
    ),
    st.integers(0, 80),
)
def test_marks_stay_inside_and_never_overlap(marks: list[Mark], width: int) -> None:
    end = 0
    for start, text in place_marks(marks, width, ASCII):
        assert start >= end
        end = start + len(text)
    assert end <= width
    shown = {mark.column for mark in marks if 0 <= mark.column < width}
    assert len(place_marks(marks, width, ASCII)) == len(shown)
