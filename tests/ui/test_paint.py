from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wsltop.charts.cells import ASCII, BLOCK, Span, plain
from wsltop.ui.panels.panel import fit, fit_spans, fold_spans, heading, row, width_of, wrap

TEXTS = st.text(st.sampled_from("ab c é界語\U0001f600\u0301"), max_size=40)
SPANS = st.lists(st.builds(Span, TEXTS, st.sampled_from(["", "value", "note"])), max_size=6)
WIDTHS = st.integers(0, 60)
GLYPHS = st.sampled_from([BLOCK, ASCII])


@given(TEXTS, WIDTHS, GLYPHS)
def test_fitted_text_has_exactly_the_width(text: str, width: int, glyphs: object) -> None:
    assert cell_len(fit(text, width, BLOCK if glyphs is BLOCK else ASCII)) == width


@given(SPANS, WIDTHS)
def test_fitted_spans_have_exactly_the_width(spans: list[Span], width: int) -> None:
    assert width_of(fit_spans(spans, width, BLOCK)) == width


@given(SPANS, SPANS, WIDTHS)
def test_a_row_has_exactly_the_width_and_keeps_its_right_side(left: list[Span], right: list[Span], width: int) -> None:
    line = row(left, right, width, BLOCK)
    assert width_of(line) == width
    if width_of(right) < width:
        assert plain(line).endswith("".join(span.text for span in right))


@given(TEXTS, TEXTS, WIDTHS, st.booleans())
def test_a_heading_has_exactly_the_width(title: str, note: str, width: int, focused: bool) -> None:
    assert width_of(heading(title, note, width, BLOCK, focused=focused)) == width


@given(TEXTS, st.integers(1, 40), st.integers(0, 5))
def test_wrapped_rows_have_exactly_the_width_and_are_not_too_many(text: str, width: int, lines: int) -> None:
    rows = wrap(text, width, lines, BLOCK)
    assert len(rows) <= lines
    assert all(cell_len(one) == width for one in rows)


@given(st.lists(st.text("abc", min_size=1, max_size=8), max_size=12), st.integers(8, 40))
def test_wrapping_loses_no_word_where_there_is_room(words: list[str], width: int) -> None:
    assert " ".join(wrap(" ".join(words), width, 100, BLOCK)).split() == words


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [("abc", 5, "abc  "), ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("界界", 3, "界…"), ("a界", 2, "a…"), ("ab", 1, "a")],
)
def test_what_is_cut_says_so(text: str, width: int, fitted: str) -> None:
    assert fit(text, width, BLOCK) == fitted


def test_a_span_that_is_followed_by_a_lost_one_is_cut_visibly() -> None:
    assert plain(fit_spans([Span("abc"), Span("def")], 3, BLOCK)) == "ab…"
    assert plain(fit_spans([Span("abc"), Span("")], 3, BLOCK)) == "abc"


def test_the_left_side_gives_way_with_a_blank_before_the_right_one() -> None:
    assert plain(row([Span("a long name")], [Span("LIVE")], 10, BLOCK)) == "a lo… LIVE"


@pytest.mark.parametrize("width", [3, 20, 37, 76, 77])
def test_a_line_that_is_folded_keeps_its_words_and_its_width(width: int) -> None:
    words = [f"w{number}" for number in range(25)]
    rows = fold_spans((Span("►", "key"), Span(" ".join(words), "value")), width)
    assert all(width_of(row) <= width for row in rows)
    assert "".join("".join(map(plain, rows)).split()) == "►" + "".join(words)
    assert rows[0][0] == Span("►", "key")


def test_a_heading_gives_cells_of_its_rule_before_it_is_folded() -> None:
    line = heading("who holds it", "Esc closes", 77, BLOCK)
    (row,) = fold_spans(line, 40)
    assert width_of(row) == 40
    assert "Esc closes" in plain(row)
