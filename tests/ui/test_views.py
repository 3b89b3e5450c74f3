"""What the panels are told to show."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import samples
from tests.ui.worlds import FORBIDDEN, HOST, HOSTILE, MEMINFO, NOON, SAMPLE, START, drops, hog
from wsltop.charts.cells import ASCII, BLOCK, Glyphs, Span, plain
from wsltop.core.events import tell_amounts
from wsltop.core.session import Bookmark, Session
from wsltop.model.sample import (
    WAITING,
    Event,
    EventKind,
    Hog,
    HogStatus,
    HostMemory,
    Identity,
    KernelLog,
    OwnUse,
    Sample,
    Unavailable,
)
from wsltop.model.text import GIB, MIB, format_short
from wsltop.ui.cards.table import event_lines
from wsltop.ui.context import (
    DEFAULT_WINDOW,
    GROWING,
    LEAST_HOG,
    WINDOWS,
    Context,
    Notice,
    Position,
    ViewState,
    scroll,
    tell_file,
)
from wsltop.ui.panels.events import KIND_WIDTH, EventsPanel, events_view, position_at
from wsltop.ui.panels.hogs import HogsPanel, hog_row, hogs_view, window
from wsltop.ui.panels.memory import EMPTY, MemoryPanel, MemoryView, Part, memory_view
from wsltop.ui.panels.panel import width_of
from wsltop.ui.panels.status import StatusLine, status_view
from wsltop.ui.panels.timeline import TimelinePanel, TimelineView, event_mark, tell_window


def event(number: int, kind: str = "cache drop", **changes: object) -> Event:
    at = START + number
    made = samples.event(f"event {number}", kind=kind, origin="kmsg", time=NOON + number, start=at, end=at)
    return replace(made, **changes)


def view_of(events: list[Event], position: Position, rows: int = 5) -> tuple[list[str], str, list[str]]:
    """The texts of the rows, the state, the selected texts."""
    view = events_view(events, position, rows=rows, everything=True, problem="", focused=False)
    return [row.text for row in view.rows], view.state, [row.text for row in view.rows if row.selected]


# Memory


def view_of_memory(sample: Sample) -> MemoryView:
    return memory_view(context_of(sample))


def test_host_and_guest_are_on_one_scale() -> None:
    view = view_of_memory(SAMPLE)
    assert view.host.size == 7 * GIB
    assert view.host.measured
    assert view.scale >= MEMINFO.total
    assert view.used == 3 * GIB
    assert view.problem == ""


def test_the_parts_are_those_of_the_explanation() -> None:
    context = context_of(SAMPLE)
    explanation = context.explanation
    assert not isinstance(explanation, Unavailable)
    parts = {part.name: part.size for part in memory_view(context).parts}
    assert abs(parts["programs"] - explanation.lent["programs"]) <= 4 * MIB
    assert abs(parts["file cache"] - explanation.lent.group("file cache")) <= 4 * MIB


def test_a_host_that_holds_more_than_the_guest_has_stretches_the_scale() -> None:
    assert view_of_memory(replace(SAMPLE, host=replace(HOST, working_set=20 * GIB))).scale == 20 * GIB


@pytest.mark.parametrize("width", [80, 120, 160])
def test_what_is_lent_beyond_the_vms_size_is_said(width: int) -> None:
    """The bar was full and no word told that Windows held more than ``VM max``."""
    view = view_of_memory(replace(SAMPLE, host=replace(HOST, working_set=10 * GIB)))
    line = plain(MemoryPanel(BLOCK, id="memory").paint(view, width, 4)[0])
    over = 10 * GIB - view.vm
    assert f"+{format_short(over)}" in line
    assert width < 120 or "left" in line
    assert BLOCK.upright in line
    within = plain(MemoryPanel(BLOCK, id="memory").paint(view_of_memory(SAMPLE), width, 4)[0])
    assert BLOCK.upright not in within


def test_without_a_host_the_expected_figure_is_never_called_measured() -> None:
    view = view_of_memory(replace(SAMPLE, host=Unavailable("no interop", "Enable it.")))
    assert not view.host.measured
    assert view.host.problem == "no interop. Enable it."
    lines = [plain(line) for line in MemoryPanel(BLOCK, id="memory").paint(view, 80, 4)]
    assert lines[0].startswith(" Expected lent")
    assert "not measured" in lines[0]
    assert "no interop. Enable it." in lines[1]


def test_an_old_host_reading_is_not_the_present() -> None:
    view = view_of_memory(replace(SAMPLE, host=replace(HOST, read_at=START - 60)))
    assert not view.host.measured
    assert "60 s old" in view.host.problem


def test_an_unreadable_guest_says_so_and_shows_no_number() -> None:
    view = view_of_memory(replace(SAMPLE, meminfo=Unavailable("gone", "Look.")))
    assert view.problem == "gone. Look."
    assert view.parts == ()
    assert view.ways == ""


def test_a_host_process_is_a_host_and_not_windows() -> None:
    view = view_of_memory(replace(SAMPLE, host=replace(HOST, source="process", process="qemu")))
    assert view.host.name == "Host"


@given(width=st.integers(1, 250), height=st.integers(1, 6), glyphs=st.sampled_from([BLOCK, ASCII]))
def test_the_bars_have_their_size_at_every_width(width: int, height: int, glyphs: Glyphs) -> None:
    for sample in (SAMPLE, replace(SAMPLE, host=Unavailable("no interop", "Enable it."))):
        lines = MemoryPanel(glyphs, id="memory").paint(view_of_memory(sample), width, height)
        assert {width_of(line) for line in lines} == {width}


def test_a_bracket_reaches_from_what_linux_uses_to_what_is_lent() -> None:
    view = view_of_memory(SAMPLE)
    (line,) = MemoryPanel(BLOCK, id="memory").paint(view, 120, 3)[1:2]
    text = plain(line)
    bar = text[25:]
    start, end = bar.index(BLOCK.bracket_left), bar.index(BLOCK.bracket_right) + 1
    lends = plain(MemoryPanel(BLOCK, id="memory").paint(view, 120, 3)[0])[25:]
    assert "4.0 GiB" in bar[start:end]
    assert abs(end - lends.rindex("█") - 1) <= 1


# Hogs


def test_of_the_ways_behind_the_bars_none_is_cut() -> None:
    ways = "could come back: 160 MiB by waiting, 1.1 GiB by d, 276 MiB by c"
    view = replace(view_of_memory(SAMPLE), ways=ways)
    line = plain(MemoryPanel(BLOCK, id="memory").paint(view, 240, 3)[1]).rstrip()
    assert line.endswith("could come back: 160 MiB by waiting, 1.1 GiB by d")


@pytest.mark.parametrize("status", ["starting", "filling", "holding", "floor", "ending", "failed"])
def test_every_status_of_a_hog_has_a_word(status: HogStatus) -> None:
    assert hog_row(hog(1, status), selected=False).status


def test_a_hogs_note_is_made_harmless() -> None:
    row = hog_row(hog(1, "failed", note=HOSTILE), selected=False)
    assert not any(char in row.status for char in FORBIDDEN)


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50))
def test_a_hogs_share_stays_within_its_bar(resident: int, target: int) -> None:
    assert 0 <= hog_row(hog(1, resident=resident, target=target), selected=False).share <= 1


def test_the_next_size_and_the_floor_are_told() -> None:
    view = hogs_view((), selected=None, next_size=GIB, next_kind="anonymous", floor=512 * MIB, focused=True)
    assert (view.next, view.floor) == ("next 1.0 GiB anonymous", "floor 512 MiB")
    view = hogs_view((), selected=None, next_size=GIB, next_kind="anonymous", floor=None, focused=True)
    assert view.floor == ""


@given(st.integers(0, 30), st.integers(0, 40), st.integers(-2, 20))
def test_the_selected_hog_is_always_among_the_rows_shown(count: int, selected: int, height: int) -> None:
    hogs = tuple(hog(number) for number in range(count))
    view = hogs_view(hogs, selected=selected, next_size=GIB, next_kind="anonymous", floor=None, focused=False)
    shown = window(view.rows, height)
    assert len(shown) == max(0, min(count, height))
    if selected < count and height > 0:
        assert any(row.selected for row in shown)


# Events


def test_the_list_follows_its_end() -> None:
    events = [event(number) for number in range(9)]
    texts, state, selected = view_of(events, Position())
    assert texts == [f"event {number}" for number in range(4, 9)]
    assert (state, selected) == ("TAIL", [])


def test_scrolling_up_stops_following_and_counts_what_comes() -> None:
    events = [event(number) for number in range(9)]
    position = scroll(Position(), 3, 9, 5)
    assert view_of(events, position) == ([f"event {n}" for n in range(3, 8)], "End follows", [])
    texts, state, selected = view_of([*events, event(9), event(10)], position)
    assert texts == [f"event {number}" for number in range(3, 8)]
    assert (state, selected) == ("2 new, End follows", [])


def test_scrolling_to_the_end_follows_again() -> None:
    assert scroll(scroll(Position(), 3, 9, 5), 4, 9, 5).following


def test_a_list_that_is_all_in_sight_does_not_scroll() -> None:
    assert scroll(Position(), -1, 5, 5) == scroll(Position(), -1, 0, 5) == Position()


@given(st.integers(1, 60), st.integers(1, 20), st.lists(st.integers(-70, 70), max_size=30))
def test_a_list_that_is_scrolled_is_always_full(count: int, rows: int, tops: list[int]) -> None:
    events = [event(number) for number in range(count)]
    position = Position()
    for top in tops:
        position = scroll(position, top, count, rows)
        texts, _, _ = view_of(events, position, rows)
        assert len(texts) == min(count, rows)
        assert position.following == (count <= rows or top >= count - rows)


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_the_event_of_a_look_back_is_always_in_sight(count: int, rows: int, data: st.DataObject) -> None:
    events = [event(number) for number in range(count)]
    chosen = data.draw(st.integers(0, count - 1))
    for position in (position_at(events, events[chosen].start, rows), position_at(events, 0.0, rows, chosen)):
        assert view_of(events, position, rows)[2] == [f"event {chosen}"]


@pytest.mark.parametrize(("level", "style"), [(0, "error"), (3, "error"), (4, "warning"), (6, "value")])
def test_an_error_of_the_kernel_looks_like_one(level: int, style: str) -> None:
    view = events_view([event(1, level=level)], Position(), rows=3, everything=True, problem="", focused=False)
    assert view.rows[0].style == style


def test_the_end_of_a_hog_has_another_sign_than_its_start() -> None:
    events = [event(1, "hog", amounts={"added": 1}), event(2, "hog", amounts={"killed": 1})]
    view = events_view(events, Position(), rows=3, everything=True, problem="", focused=False)
    assert [row.mark for row in view.rows] == ["hog", "kill"]
    assert [event_mark(one) for one in events] == [("hog", "hog"), ("kill", "kill")]


def test_each_kind_of_event_fits_its_column_and_a_result_is_whole_at_80() -> None:
    """``proactive reclaim206 MiB``; the result of a demo was cut at ``half i…``."""
    text = "Windows got 221 MiB back in 3.0 s, half in 2.6 s"
    marks = [event(1, "mark", text="demo: hold"), event(2, "mark", text=f"demo result: {text}")]
    events = [*marks, *(event(number, kind, text=text) for number, kind in enumerate(get_args(EventKind), 3))]
    view = events_view(events, Position(), rows=40, everything=True, problem="", focused=False)
    assert [(row.kind, row.text) for row in view.rows[:2]] == [("demo", "hold"), ("result", text)]
    assert all(len(row.kind) < KIND_WIDTH for row in view.rows)
    panel = EventsPanel(BLOCK, id="events")
    assert all(plain(line).count(text) == 1 for line in panel.paint(view, 80, 40)[2:])


def test_the_figures_of_an_event_are_told_in_words() -> None:
    """``got: 200716049``."""
    amounts = {"got": 200716049, "owed": 200802304, "within": 0}
    text = "\n".join(map(plain, event_lines(event(1, "return", amounts=amounts), BLOCK, 80)))
    assert "191 MiB back at Windows" in text
    assert "200716049" not in text
    assert dict(tell_amounts("proactive reclaim", {"requested": 2**30}))["reclaimed on request"] == "1.0 GiB"
    assert list(tell_amounts("hog", {"killed": 1, "hogs": 4, "freed": 2**30})) == [
        ("hogs", "4"),
        ("held until then", "1.0 GiB"),
    ]


def test_an_event_of_another_day_has_its_date() -> None:
    """Kernel lines of yesterday stood there like those of today."""
    view = events_view(
        [event(1), event(2 * 86400)], Position(), rows=3, everything=True, problem="", focused=False, now=NOON + 172800
    )
    assert view.rows[0].clock == time.strftime("%m-%d %H:%M", time.localtime(NOON + 1))
    assert view.rows[1].clock == time.strftime("%H:%M:%S", time.localtime(NOON + 172800))
    lines = [plain(line) for line in EventsPanel(BLOCK, id="events").paint(view, 80, 3)]
    assert lines[1].index("▼") == lines[2].index("▼")


def test_hostile_events_are_made_harmless() -> None:
    hostile = replace(event(1), text=HOSTILE)
    view = events_view([hostile], Position(), rows=3, everything=True, problem="", focused=False)
    assert not any(char in view.rows[0].text for char in FORBIDDEN)
    assert "[red]evil[/red]" in view.rows[0].text


# Timeline


@pytest.mark.parametrize(
    ("seconds", "text"), [(60.0, "1 min"), (300.0, "5 min"), (3600.0, "1 h"), (21600.0, "6 h"), (86400.0, "24 h")]
)
def test_a_window_is_told_in_round_words(seconds: float, text: str) -> None:
    assert tell_window(seconds) == text


def test_all_windows_are_told_and_sorted() -> None:
    assert list(WINDOWS) == sorted(WINDOWS)
    assert len({tell_window(seconds) for seconds in WINDOWS}) == len(WINDOWS)
    assert DEFAULT_WINDOW in WINDOWS


def context_of(*samples: Sample) -> Context:
    session = Session(1.0)
    for one in samples:
        session.take(one)
    return Context(session, ViewState(hog_size=GIB), BLOCK)


def timeline_of(context: Context) -> TimelineView:
    assert context.moment is not None
    return TimelinePanel(BLOCK, id="timeline").view_of(context, context.moment, 75, context.top)


def later(sample: Sample, seconds: float, **changes: object) -> Sample:
    moved = replace(sample, time=NOON + seconds, monotonic=START + seconds, **changes)
    host = moved.host
    return replace(moved, host=replace(host, read_at=moved.monotonic)) if isinstance(host, HostMemory) else moved


def test_the_timeline_is_scaled_to_the_vm_and_not_to_the_data() -> None:
    shown = context_of(SAMPLE)
    view = timeline_of(shown)
    assert view.chart.maximum >= MEMINFO.total
    assert view.host_label == "Windows"
    assert view.chart.host_style == "measured"
    assert len([column for column in view.chart.columns if column is not None]) == 1


def test_without_a_host_the_timeline_says_expected() -> None:
    shown = context_of(replace(SAMPLE, host=Unavailable("none")))
    view = timeline_of(shown)
    assert (view.host_label, view.chart.host_style) == ("expected", "expected")


def test_a_pause_survives_what_comes_and_ends() -> None:
    shown = context_of(SAMPLE)
    shown.show(Bookmark(shown.live).open(), shown.live)
    frozen = shown.moment
    log = KernelLog(origin="kmsg", records=drops(3, monotonic=START + 1))
    shown.live.take(later(SAMPLE, 1, kernel_log=log))
    assert shown.moment is frozen
    assert shown.moment is not None
    assert not shown.state.events(shown.session)
    assert StatusLine(BLOCK, id="status").make_view(shown).mode.startswith("PAUSED at 12:00:00, 1 s behind")
    shown.show(shown.live, shown.live)
    assert shown.moment is shown.session.moment
    assert len(shown.state.events(shown.session)) == 3


def test_an_event_that_goes_on_does_not_change_in_a_pause() -> None:
    one = replace(drops(1)[0], monotonic=START + 1)
    shown = context_of(SAMPLE, later(SAMPLE, 1, kernel_log=KernelLog(origin="kmsg", records=(one,))))
    shown.show(Bookmark(shown.live).open(), shown.live)
    before = [event.text for event in shown.state.events(shown.session)]
    again = replace(one, sequence=2, monotonic=START + 2)
    shown.live.take(later(SAMPLE, 2, kernel_log=KernelLog(origin="kmsg", records=(again,))))
    assert [event.text for event in shown.state.events(shown.session)] == before


def test_every_view_can_be_made_of_a_sample_that_knows_nothing() -> None:
    away = Unavailable("gone")
    blind = replace(
        SAMPLE,
        meminfo=away,
        free_blocks=away,
        zones=away,
        reporting=away,
        counters=away,
        kernel_log=away,
        host=away,
        identity=Identity(kernel=away, distro=away, wsl_version=away),
        own=OwnUse(cpu=None, resident=away),
    )
    shown = context_of(blind, later(blind, 1))
    MemoryPanel(BLOCK, id="memory").make_view(shown)
    timeline_of(shown)
    assert HogsPanel(BLOCK, id="hogs").make_view(shown).floor == ""
    assert EventsPanel(BLOCK, id="events").make_view(shown).problem == "gone"
    status = StatusLine(BLOCK, id="status").make_view(shown)
    assert (status.identity, status.host, status.own) == (("up 1 h",), "no host", "")


# Status


def status_of(sample: Sample) -> tuple[str, bool]:
    view = status_view(context_of(sample))
    return view.host, view.host_is_old


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (0.0, ("host ok", False)),
        (1.9, ("host ok", False)),
        (8.0, ("host 8 s old", False)),
        (60.0, ("host 60 s old", True)),
    ],
)
def test_the_age_of_the_host_reading_is_told(age: float, told: tuple[str, bool]) -> None:
    assert status_of(replace(SAMPLE, host=replace(HOST, read_at=START - age))) == told


def test_no_host_is_told() -> None:
    assert status_of(replace(SAMPLE, host=Unavailable("none"))) == ("no host", True)


def test_a_host_that_has_not_answered_yet_is_no_failure() -> None:
    assert status_of(replace(SAMPLE, host=Unavailable("waiting for Windows' first answer"))) == ("asking Windows", True)


def test_the_status_names_the_guest_and_its_own_cost() -> None:
    view = status_view(context_of(SAMPLE))
    assert view.identity[:3] == ("Ubuntu 24.04.1 LTS", "WSL 2.6.3", "Linux 6.6.87.2")
    assert view.identity[-1] == "up 1 h"
    assert view.mode == "LIVE 1 s"
    assert view.own == "self 0.4 %"


def test_the_clock_stands_at_80_and_the_uptime_at_120() -> None:
    """19 blank columns and no clock at 80; the kernel's long name in place of the uptime at 120."""
    view = status_view(context_of(SAMPLE))
    assert view.clock
    lines = {width: plain(StatusLine(BLOCK, id="status").paint(view, width, 1)[0]) for width in (80, 120)}
    assert view.clock in lines[80]
    assert "up 1 h" in lines[120]


def test_the_name_of_a_recording_is_whole_or_not_there() -> None:
    """It was cut in the heading of the hogs."""
    name = "The classic: four hogs of 384 MiB, killed after half a minute, then compacted"
    view = hogs_view([], selected=None, next_size=GIB, next_kind="anonymous", floor=None, focused=False, hint=name)
    for width, shown in ((80, False), (120, True)):
        line = plain(HogsPanel(BLOCK, id="hogs").paint(view, width, 1)[0])
        assert (name in line, "classic" in line) == (shown, shown)


def test_a_notice_takes_the_place_of_the_names_and_leaves_the_severity() -> None:
    context = context_of(SAMPLE)
    context.notice = Notice("saved it", failed=False)
    line = plain(StatusLine(BLOCK, id="status").paint(status_view(context), 80, 1)[0])
    assert line.startswith(" saved it")
    assert "LIVE 1 s" in line
    assert "Ubuntu" not in line


@given(width=st.integers(10, 250), recording=st.sampled_from(["", "REC 1.2 MiB 4 min"]), banner=st.booleans())
def test_nothing_is_glued_to_a_name(width: int, recording: str, banner: bool) -> None:
    context = context_of(replace(SAMPLE, identity=replace(SAMPLE.identity, distro="a" * 60)))
    context.recording = recording
    context.banner = "REPLAY x4  12:00:00" if banner else None
    line = plain(StatusLine(BLOCK, id="status").paint(status_view(context), width, 1)[0])
    assert width_of((Span(line),)) == width
    for word in (recording, context.banner or "LIVE 1 s"):
        if word and word in line:
            assert line[: line.index(word)].endswith((" ", BLOCK.filled + " "))


# The way the user looks at it


@given(st.lists(st.sampled_from([-1, 1]), max_size=30), st.integers(0, 64 * GIB))
def test_the_hogs_size_stays_within_its_bounds(steps: list[int], most: int) -> None:
    state = ViewState(hog_size=GIB)
    for step in steps:
        state.resize_hog(step, most)
        assert LEAST_HOG <= state.hog_size <= max(LEAST_HOG, most)


@given(st.lists(st.integers(-3, 3), max_size=20), st.lists(st.booleans(), min_size=0, max_size=6))
def test_a_chosen_hog_is_one_that_lives(steps: list[int], ending: list[bool]) -> None:
    hogs: list[Hog] = [hog(number, "ending" if one else "holding") for number, one in enumerate(ending)]
    state = ViewState(hog_size=GIB)
    for step in steps:
        state.move_hog(step, hogs)
        chosen = state.chosen_hog(hogs)
        if all(ending):
            assert chosen is None
        else:
            assert chosen is not None
            assert not ending[chosen]


@pytest.mark.parametrize("width", [40, 80, 100, 120, 160])
def test_the_bracket_has_its_figure_where_there_are_cells_for_it(width: int) -> None:
    """At 120 columns a gap of 2 GiB was a bracket without a figure."""
    inside = []
    for eighth in range(8 * 8):
        view = view_of_memory(replace(SAMPLE, host=replace(HOST, working_set=eighth * GIB // 8)))
        (_, guest, *_) = MemoryPanel(BLOCK, id="memory").paint(view, width, 3)
        inside += re.findall(f"{BLOCK.bracket_left}(.*){BLOCK.bracket_right}", plain(guest))
    assert any(inside)
    assert [text for text in inside if len(text) > 4 and not re.search("[0-9]", text)] == []


def test_zooming_stops_at_both_ends() -> None:
    state = ViewState(hog_size=GIB)
    for _ in range(20):
        state.zoom(1, state.window or 300.0)
    assert state.window == WINDOWS[-1]
    for _ in range(20):
        state.zoom(-1, state.window or 300.0)
    assert state.window == WINDOWS[0]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("compact was started here", "compact"),
        ("pressure 512 MiB was started here", "pressure"),
        ("compact: returned 462 MiB, predicted 480 MiB", "returned"),
        ("compact: failed, sudo failed: sudo: something new", "failed"),
        ("experiment 1 of 2: hold", "hold"),
        ("experiment: result: All of it came back", "result"),
        ("", ""),
    ],
)
def test_a_mark_has_a_word_on_the_timeline(text: str, label: str) -> None:
    event = Event(kind="mark", origin="wsltop", time=NOON, start=START, end=START, text=text)
    assert event_mark(event) == ("mark", label)


def test_an_incompressible_hog_is_told_apart() -> None:
    row = hog_row(hog(1, incompressible=True), selected=False)
    assert (row.kind, row.status) == ("incompr.", "holding, incompressible")
    assert len(row.kind) <= 9
    row = hog_row(hog(1), selected=False)
    assert (row.kind, row.status) == ("anonymous", "holding")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_legend_names_the_largest_parts_and_no_two_alike(width: int) -> None:
    """At 40 columns the figure of the cache was cut, and shared memory and slab were both ``s``."""
    sizes = {"progs": 4 * GIB, "shm": 128 * MIB, "kern": 768 * MIB, "slab": 256 * MIB, "cache": 2560 * MIB, "free": GIB}
    parts = tuple(Part(name=name, short=name, style="cache", size=size) for name, size in sizes.items())
    view = replace(EMPTY, scale=8 * GIB, vm=8 * GIB, parts=parts, used=5 * GIB, problem="")
    legend = plain(MemoryPanel(BLOCK, id="memory").paint(view, width, 3)[2])
    assert BLOCK.ellipsis not in legend
    assert "4.0" in legend
    assert "2.5" in legend


@pytest.mark.parametrize("host", [HOST, WAITING])
@pytest.mark.parametrize("recording", ["", "REC 28 KiB 1.0 s"])
@pytest.mark.parametrize("width", range(40, 121))
def test_no_word_of_the_status_line_is_cut(host: HostMemory | Unavailable, recording: str, width: int) -> None:
    """``wslt…`` and ``● host …`` stood there in 40 cells."""
    context = context_of(replace(SAMPLE, host=host))
    context.recording = recording
    view = status_view(context)
    line = plain(StatusLine(BLOCK, id="status").paint(view, width, 1)[0])
    assert width_of((Span(line),)) == width
    known = " ".join(("wsltop", *view.identity, view.mode, "○ ●", view.host, view.own, recording, view.clock, "·"))
    assert set(line.replace("…", "").split()) <= set(known.split())
    assert view.mode in line
    assert recording in line


def test_a_notice_of_a_file_keeps_its_name_where_it_is_cut() -> None:
    """At 80 columns it said "recording to /home/…/wsltop…", and not the name."""
    context = context_of(SAMPLE)
    path = Path("/home/ada.lovelace/.local/state/wsltop/and/a/long/way/below/recording-20261126-140320.wsltop")
    context.notice = Notice(f"recorded 102.4 MiB: {tell_file(path)}", failed=False)
    assert path.name in plain(StatusLine(BLOCK, id="status").paint(status_view(context), 80, 1)[0])


@pytest.mark.parametrize(("width", "named"), [(40, False), (60, True), (80, True)])
def test_a_notice_hides_what_a_look_back_shows_only_where_there_is_no_room(width: int, named: bool) -> None:
    context = context_of(SAMPLE)
    context.banner = "REPLAY x4  12:00:00"
    context.notice = Notice("recording to /home/ada/.local/state/wsltop/recording-20261126.wsltop", failed=False)
    line = plain(StatusLine(BLOCK, id="status").paint(status_view(context), width, 1)[0])
    assert line.startswith(" recording to")
    assert (context.banner in line) is named


def test_the_window_grows_so_that_the_data_fills_at_least_half_of_it() -> None:
    """From two minutes it went to five."""
    assert all(later <= 2 * earlier for earlier, later in pairwise(GROWING))
    assert set(GROWING) <= set(WINDOWS)
