"""The panels beside the timeline: the verdict, the idle gate and the hogs, as text in every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.core.diagnosis_scene import gate
from tests.core.gate_machine import times
from tests.core.test_explanation import cache_case
from tests.ui.worlds import FORBIDDEN, HOSTILE, hog
from wsltop.charts.cells import ASCII, BLOCK, Glyphs, Line, plain
from wsltop.core.diagnosis.finding import DROP, Figure, Finding, Remedy
from wsltop.core.explanation import Way, say_way
from wsltop.core.gate.rules import RULE_2_8_7, RULE_POST_2_9_4
from wsltop.core.gate.watch import Blocker, Blockers, Bounds, Gate, WindowState
from wsltop.core.returning import Returning
from wsltop.core.session import Session
from wsltop.model.sample import HogStatus, Unavailable
from wsltop.model.text import GIB, MIB
from wsltop.ui.cards.table import CARDS
from wsltop.ui.context import Context, ViewState
from wsltop.ui.panels.comeback import ComebackPanel, ComebackView, WayRow, comeback_view
from wsltop.ui.panels.findings import whole_steps
from wsltop.ui.panels.gate import GatePanel, GateView, gate_view, tell_bounds, window_row
from wsltop.ui.panels.hogs import STATUS_TEXT, HogsPanel, HogsView, hogs_view, window
from wsltop.ui.panels.memory import memory_view
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.verdict import (
    Hint,
    VerdictPanel,
    VerdictView,
    finding_view,
    hint_of,
    returning_view,
    shorten,
    unsaid,
    verdict_view,
    way_hint,
)

MIXED = st.text(st.sampled_from("abc 漢é\u0301[]/"), max_size=200)
WIDTHS, HEIGHTS = st.integers(1, 120), st.integers(1, 20)
BLOCKERS = Blockers(
    total=0.019,
    visible=tuple(Blocker(name=name, share=0.001, pids=(7,)) for name in ("node", "dockerd", "java", "python")),
    own=0.0004,
    elsewhere=0.002,
)


def told(lines: list[Line]) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def assert_fits(lines: list[Line], width: int, height: int) -> None:
    """Every line is as wide as the panel, and there are no more of them than it has rows."""
    assert {cell_len(plain(line)) for line in lines} <= {width}
    assert len(lines) <= height


# The idle gate


def seen(busy: float | None, *, watched: float = 600.0, ok: bool | None = False) -> WindowState:
    return WindowState(name="10 min", seconds=600, busy=busy, limit=0.00525, watched=watched, ok=ok)


def test_a_window_tells_its_share_and_the_limit() -> None:
    row = window_row(seen(0.019), "")
    assert (row.name, row.text, row.ratio, row.ok) == ("10 min", "1.9 of 0.53 %", 3.62, False)


def test_a_window_that_was_not_watched_long_enough_says_so() -> None:
    row = window_row(seen(0.001, watched=41.6, ok=None), "C")
    assert row.name == "C 10 min"
    assert row.text == "0.1 of 0.53 %, 42 of 600 s seen"
    assert row.ok is None


def test_a_window_of_which_nothing_is_known_claims_nothing() -> None:
    row = window_row(seen(None, watched=0.0, ok=None), "")
    assert (row.ratio, row.text, row.ok) == (None, "of 0.53 %", None)


def test_two_possible_rules_are_told_apart_by_their_releases() -> None:
    view = gate_view([gate(rule=RULE_2_8_7), gate(rule=RULE_POST_2_9_4)], BLOCKERS, "")
    assert [row.name for row in view.rows] == ["to 2.9.4 10 min", "from 2.9.5 10 min"]
    assert [row.name for row in gate_view([gate()], None, "").rows] == ["10 min"]


def test_the_same_verdict_of_two_rules_is_told_once() -> None:
    assert gate_view([gate(rule=RULE_2_8_7), gate(rule=RULE_POST_2_9_4)], None, "").verdict.count("shut: ") == 1


def test_blockers_are_the_biggest_three_and_what_cannot_be_seen() -> None:
    view = gate_view([gate()], BLOCKERS, "")
    assert view.blockers == "node 0.10  dockerd 0.10  java 0.10  elsewhere 0.20  self 0.04 %"
    assert gate_view([gate()], None, "").blockers == ""


@pytest.mark.parametrize(("certainty", "title"), [("configured", "dropCache"), ("default", "dropCache, default")])
def test_the_title_says_how_the_mode_is_known(certainty: str, title: str) -> None:
    assert gate_view([replace(gate(), certainty=certainty)], None, "").title == title


def test_a_problem_is_all_that_is_told() -> None:
    view = gate_view([gate()], BLOCKERS, "CPU times cannot be read")
    assert (view.rows, view.problem, view.verdict) == ((), "CPU times cannot be read", "")
    assert gate_view([], None, "").problem == "unknown"


@pytest.mark.parametrize(
    ("earliest", "latest", "text"),
    [(0.0, 30.0, "within 30 s"), (7.2, 7.4, "in 7 s"), (38.0, 72.0, "in 40 to 70 s"), (11.0, 12.4, "in 10 s")],
)
def test_a_moment_ahead_is_told_coarsely(earliest: float, latest: float, text: str) -> None:
    assert tell_bounds(Bounds(earliest=earliest, latest=latest)) == text


def test_the_gate_of_a_young_watch_is_painted() -> None:
    watched = Gate(RULE_POST_2_9_4, "dropCache", "configured")
    for second in range(8):
        watched.feed(5000.0 + second, times(user=5000, idle=1_995_000 + 400 * second))
    view = gate_view([watched.state()], None, "")
    lines = unscaled(told(GatePanel(BLOCK, id="gate").paint(view, 70, 8)))
    assert "7 of 10 s seen" in lines[1]
    assert "7 of 120 s seen" in lines[2]
    assert any(line.startswith(" cannot tell yet: watched 7 of 10 s") for line in lines)


def test_a_drop_that_was_seen_is_no_reason_to_say_that_nothing_can_be_told() -> None:
    """Eleven seconds after WSL had dropped the cache the panel said "cannot tell yet: watched 39 of 600 s"."""
    watched = Gate(RULE_POST_2_9_4, "dropCache", "configured")
    for second in range(8):
        watched.feed(5000.0 + second, times(user=5000, idle=1_995_000 + 400 * second))
        if second == 5:
            watched.observed(5004.5)
    lines = unscaled(told(GatePanel(BLOCK, id="gate").paint(gate_view([watched.state()], None, ""), 70, 8)))
    assert any(line.startswith(" done: WSL has acted in this idle period") for line in lines)


@pytest.mark.parametrize("busy", [0.0, 0.001, 0.00525, 0.02, 1.0])
@pytest.mark.parametrize("width", [44, 50, 62, 80])
def test_the_limit_stands_in_the_middle_of_the_bar(busy: float, width: int) -> None:
    row = replace(gate(), windows=(seen(busy),))
    (line,) = GatePanel(ASCII, id="gate").paint(gate_view([row], None, ""), width, 8)[1:2]
    text = plain(line)
    room = max(10, min(24, width - 27))
    left = text[9 : 9 + room // 2]
    middle, right = text[9 + room // 2], text[10 + room // 2 : 10 + room]
    assert middle == ASCII.upright
    assert right.strip(right[-1:]) == "" if busy <= 0.00525 else left.strip(left[:1]) == ""


def bar_of(busy: float) -> str:
    state = replace(gate(), windows=(seen(busy),))
    return plain(GatePanel(BLOCK, id="gate").paint(gate_view([state], None, ""), 62, 8)[1])[9:34]


def test_more_use_is_more_bar() -> None:
    filled = [sum(char not in " ·░-" for char in bar_of(busy)) for busy in (0.0, 0.002, 0.005, 0.01, 0.05)]
    assert filled == sorted(filled)
    assert filled[0] < filled[2] < filled[4]


@given(text=MIXED, width=WIDTHS, height=HEIGHTS, rows=st.integers(0, 4), glyphs=st.sampled_from([BLOCK, ASCII]))
def test_the_gate_panel_never_leaves_its_width(text: str, width: int, height: int, rows: int, glyphs: Glyphs) -> None:
    made = replace(gate(), reason=text, intent=(text,), windows=tuple(seen(0.003) for _ in range(rows)))
    named = replace(BLOCKERS, visible=(Blocker(name=text, share=0.5, pids=()),))
    lines = GatePanel(glyphs, id="gate").paint(gate_view([made], named, ""), width, height)
    assert {cell_len(plain(line)) for line in lines} <= {width}
    lines = GatePanel(glyphs, id="gate").paint(gate_view([], None, text), width, height)
    assert_fits(lines, width, max(height, 1))


def unscaled(lines: list[str]) -> list[str]:
    """The panel without the row that says what the bars mean."""
    return [line.rstrip() for line in lines if not line.rstrip().endswith(("limit", "2x"))]


@pytest.mark.parametrize("width", [44, 48, 62, 80])
def test_the_bars_of_the_gate_say_what_their_middle_and_ends_are(width: int) -> None:
    panel = GatePanel(ASCII, id="gate")
    for busy, beyond in ((0.001, False), (0.0105, False), (0.03, True)):
        row = replace(gate(), windows=(seen(busy),))
        lines = [plain(line) for line in panel.paint(gate_view([row], BLOCKERS, ""), width, 8)]
        bar, scale = lines[1:3]
        middle = bar.index(ASCII.upright)
        end = 2 * middle - 9  # the bar begins at cell 9
        assert scale[middle - 2 : middle + 3] == "limit"
        assert scale.rstrip().endswith("2x")
        assert len(scale.rstrip()) == end + 1
        assert (bar[end] == ASCII.right) == beyond
    assert not any("2x" in plain(line) for line in panel.paint(gate_view([row], BLOCKERS, ""), width, 4))


@pytest.mark.parametrize("width", [48, 56, 62])
def test_the_figures_of_the_gate_are_never_the_part_that_is_cut(width: int) -> None:
    windows = (seen(0.07, watched=17.0, ok=None), seen(0.001, watched=9.0, ok=None))
    intent = ("drops the file cache once each time the VM comes to rest",)
    state = replace(gate(), windows=windows, opens=Bounds(earliest=38.0, latest=72.0), intent=intent)
    panel = GatePanel(BLOCK, id="gate")
    for height in (5, 6, 9):
        lines = unscaled(told(panel.paint(gate_view([state], BLOCKERS, ""), width, height)))
        text = " ".join(" ".join(lines).split())
        assert "17 of 600 s" in lines[1]
        assert "9 of 600 s" in lines[2]
        assert "fires in 40 to 70 s" in text
        assert lines[3].startswith(" node 0.10 ")
        assert lines[3].endswith("  elsewhere 0.20  self 0.04 %")
        assert "…" not in text
    assert intent[0] in text


def test_a_window_with_a_long_name_gives_its_bar_for_its_figures() -> None:
    rule = replace(gate(rule=RULE_POST_2_9_4), windows=(seen(0.001, watched=17.0, ok=None),))
    lines = told(GatePanel(BLOCK, id="gate").paint(gate_view([rule, gate(rule=RULE_2_8_7)], None, ""), 48, 8))
    assert lines[1].rstrip().endswith("17 of 600 s")


def test_a_long_name_of_a_blocker_is_cut_before_its_share() -> None:
    named = replace(BLOCKERS, visible=(Blocker(name="x" * 40, share=0.5, pids=()),))
    lines = unscaled(told(GatePanel(BLOCK, id="gate").paint(gate_view([gate()], named, ""), 48, 8)))
    assert lines[2].rstrip().endswith("x… 50.00  elsewhere 0.20  self 0.04 %")


def test_hostile_names_do_not_reach_the_gate() -> None:
    named = replace(BLOCKERS, visible=(Blocker(name=HOSTILE, share=0.5, pids=()),))
    view = gate_view([replace(gate(), reason=HOSTILE)], named, "")
    text = "\n".join(told(GatePanel(BLOCK, id="gate").paint(view, 62, 8)))
    assert not any(bad in text.replace("\n", " ") for bad in FORBIDDEN)


# The verdict

NOT_EXPLAINED = Unavailable("not explained")
FINDING = Finding(
    id="cache-kept",
    severity="warning",
    verdict="CACHE KEPT",
    sentence="5.0 GiB of page cache stays, because WSL's idle gate is shut by node.",
    evidence=(Figure("page cache", "5.0 GiB"), Figure("mode", "dropCache")),
    remedy=(Remedy(kind="command", does="drop it", text="sudo sh -c true", cost="reads again"),),
)


def test_the_verdict_is_the_first_finding() -> None:
    view = finding_view((FINDING, replace(FINDING, id="other")), NOT_EXPLAINED)
    assert view == VerdictView(
        word="WARNING",
        style="warning",
        title="Cache kept",
        note="v 1 more",
        text=FINDING.sentence,
        hints=(Hint("", "run: sudo sh -c true; reads again"),),
    )
    assert finding_view((), NOT_EXPLAINED).title == "no findings yet"
    assert finding_view((replace(FINDING, remedy=()),), NOT_EXPLAINED).hints == ()


def test_where_a_remedy_belongs_is_told() -> None:
    config = Remedy(kind="config", does="", text="[experimental]\nautoMemoryReclaim=gradual")
    assert hint_of(config).text == ".wslconfig: [experimental]  autoMemoryReclaim=gradual"
    windows = Remedy(kind="windows", does="", text="wsl --shutdown")
    assert hint_of(windows).text == "in Windows: wsl --shutdown"


def test_a_key_stands_in_place_of_the_command_that_it_runs() -> None:
    hint = hint_of(replace(DROP, gives=3 * GIB))
    assert hint.key == "d"
    assert "3.0 GiB" in hint.text


@pytest.mark.parametrize(("key", "first"), [("p", "then x (asks first) to "), ("d", "to ")])
def test_the_strip_and_the_sentences_name_the_same_next_key(key: str, first: str) -> None:
    """The rule stood in two places, in two spellings."""
    way = Way(id="end", key=key, does="end node", gives=GIB, low=GIB, high=GIB)
    assert hint_of(replace(DROP, key=key)).text.startswith(first)
    assert way_hint(way).text.startswith(first)
    assert ("then x (asks first)" in say_way(way)) == (key == "p")


def test_a_recording_offers_no_key() -> None:
    """A replay said "→ c", where nothing can be compacted any more."""
    context = Context(Session(1.0), ViewState(hog_size=GIB), BLOCK, can_act=False)
    assert context.session.take(cache_case())
    view = verdict_view(context)
    assert [hint.key for hint in view.hints] == [""]
    assert "it would have helped to drop the file cache" in view.hints[0].text
    rows = comeback_view(context).rows
    assert rows
    assert not any(row.key for row in rows)
    assert "by a drop" in memory_view(context).ways
    card = " ".join(plain(line) for line in CARDS["verdict"][0](context, 80))
    assert "echo 1 | sudo tee /proc/sys/vm/drop_caches" in card
    assert "key d" not in card


def test_what_returns_goes_before_what_is_the_matter() -> None:
    view = returning_view(Returning(cause="4 hogs killed", owed=2 * GIB, got=GIB, measured=True, elapsed=4.1, left=3.0))
    assert (view.word, view.title, view.share) == ("RETURNING", "4 hogs killed", 0.5)
    lines = told(VerdictPanel(BLOCK, id="verdict").paint(view, 80, 2))
    assert "1.0 GiB of 2.0 GiB" in lines[1]
    assert lines[1].endswith("50 %")


def test_the_strip_says_nothing_twice() -> None:
    """It said "lends 4.9 GiB … hold 3.6 GiB." two times: as the finding, and as the explanation."""
    said = "Windows has 3.9 GiB of 15.7 GiB left and lends 4.9 GiB to WSL: programs hold 3.6 GiB."
    assert unsaid("Windows lends 4.9 GiB; Linux uses 3.7 GiB. Programs hold 3.6 GiB.", said) == "Linux uses 3.7 GiB."
    assert unsaid("Programs hold 3.6 GiB.", said) == ""
    assert unsaid("WSL gives nothing back now: it is busy.", said) == "WSL gives nothing back now: it is busy."


def test_the_verdict_keeps_a_row_for_the_key() -> None:
    view = finding_view((FINDING,), NOT_EXPLAINED)
    for height in (2, 3, 4, 5):
        lines = told(VerdictPanel(BLOCK, id="verdict").paint(view, 40, height))
        assert any(line.startswith(" → run: sudo") for line in lines), height
        assert len(lines) <= height


@given(
    word=MIXED,
    text=MIXED,
    hint=MIXED,
    width=WIDTHS,
    height=HEIGHTS,
    goes_on=st.booleans(),
    share=st.none() | st.floats(0, 1),
)
def test_the_verdict_panel_never_leaves_its_place(
    word: str, text: str, hint: str, width: int, height: int, goes_on: bool, share: float | None
) -> None:
    view = VerdictView(
        word=word,
        style="warning",
        title=text,
        note=word,
        text=text,
        hints=(Hint("d", hint),),
        goes_on=goes_on,
        share=share,
    )
    assert_fits(VerdictPanel(BLOCK, id="verdict").paint(view, width, height), width, max(2, height))


@given(st.text(max_size=100))
def test_no_text_of_a_finding_reaches_the_panel_raw(text: str) -> None:
    nasty = replace(FINDING, verdict=text, sentence=text + HOSTILE, evidence=(Figure(HOSTILE, text),))
    lines = VerdictPanel(BLOCK, id="verdict").paint(finding_view((nasty,), NOT_EXPLAINED), 60, 8)
    assert not any(bad in plain(line) for line in lines for bad in FORBIDDEN)


# The hogs


def hogs(*statuses: HogStatus, **changes: object) -> HogsView:
    made = [hog(number, status, **changes) for number, status in enumerate(statuses, 1)]
    return hogs_view(made, selected=1, next_size=GIB, next_kind="anonymous", floor=GIB, focused=False)


@pytest.mark.parametrize("width", range(40, 101))
def test_a_row_shows_pid_kind_amounts_speed_and_status(width: int) -> None:
    view = hogs("holding", "filling", target=GIB, resident=GIB // 2, speed=2.0 * GIB)
    lines = HogsPanel(BLOCK, id="hogs").paint(view, width, 5)
    assert_fits(lines, width, 5)
    first, second = told(lines)[1:]
    if width < 60:
        assert first.startswith(f"{BLOCK.selection}  4001 anonymous 0.5/1.0 GiB  2.0 GiB/s")
    else:
        assert first.startswith(f" {BLOCK.selection}    4001 anonymous  512 MiB / 1.0 GiB")
        assert "2.0 GiB/s" in first
    assert BLOCK.selection not in second
    if width >= 48:
        assert first.endswith(" holding")
        assert second.endswith(" filling")


@pytest.mark.parametrize("status", list(STATUS_TEXT))
def test_every_status_is_told_where_there_is_room(status: HogStatus) -> None:
    lines = told(HogsPanel(BLOCK, id="hogs").paint(hogs(status, speed=None, note="why"), 100, 3))
    assert lines[1].endswith(f"{STATUS_TEXT[status]}: why")


def test_without_hogs_there_is_one_line_that_tells_the_keys() -> None:
    for width in range(1, 121):
        lines = HogsPanel(BLOCK, id="hogs").paint(hogs(), width, 4)
        assert_fits(lines, width, 1)
    assert "no hogs" in told(lines)[0]
    assert "a adds 1.0 GiB anonymous   A four" in told(lines)[0]


@given(count=st.integers(0, 30), height=st.integers(0, 10), selected=st.integers(1, 30))
def test_the_selected_hog_is_always_among_the_rows(count: int, height: int, selected: int) -> None:
    made = [hog(number) for number in range(1, count + 1)]
    rows = hogs_view(made, selected=selected, next_size=GIB, next_kind="anonymous", floor=None, focused=True).rows
    shown = window(rows, height)
    assert len(shown) == min(count, height)
    if shown and selected <= count:
        assert any(row.selected for row in shown)


@given(
    width=WIDTHS,
    pid=st.integers(1, 2**22),
    size=st.integers(0, 512 * GIB),
    speed=st.none() | st.floats(0, 1e12),
    note=MIXED,
)
def test_no_hog_makes_a_row_that_does_not_fit(width: int, pid: int, size: int, speed: float | None, note: str) -> None:
    view = hogs("floor", pid=pid, target=size, resident=size // 2, speed=speed, note=note)
    assert_fits(HogsPanel(BLOCK, id="hogs").paint(view, width, 3), width, 3)


def test_many_hogs_are_counted_in_the_heading() -> None:
    nine: list[HogStatus] = ["holding"] * 9
    view = hogs(*nine, target=64 * MIB)
    lines = told(HogsPanel(BLOCK, id="hogs").paint(view, 80, 4))
    assert "9 hogs, next 1.0 GiB anonymous, floor 1.0 GiB" in lines[0]
    assert len(lines) == 4


def test_equal_views_are_equal_so_that_nothing_is_painted_twice() -> None:
    first, second = (gate_view([gate()], BLOCKERS, "") for _ in range(2))
    assert isinstance(first, GateView)
    assert first == second
    assert finding_view((FINDING,), NOT_EXPLAINED) == finding_view((FINDING,), NOT_EXPLAINED)
    assert issubclass(GatePanel, Panel)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("to drop it: gives back about 2.3 GiB; files are read again", 80, None),
        ("to drop it: gives back about 2.3 GiB; files are read again", 40, "to drop it: gives back about 2.3 GiB"),
        ("to drop it: gives back about 2.3 GiB; files are read again", 20, "to drop it: 2.3 GiB"),
        ("End node, which holds the most: 783 MiB; unsaved work in it is lost", 36, "End node: 783 MiB"),
        ("run: wsl --update", 10, None),
    ],
)
def test_what_to_do_keeps_its_figure_where_there_is_little_room(text: str, width: int, shown: str | None) -> None:
    assert shorten(text, width) == (text if shown is None else shown)


WAYS = ComebackView(
    rows=(
        WayRow("d", "drop the file cache", "1.6 GiB"),
        WayRow("p", "end vscode-server, which holds 862 MiB of this machine", "840 MiB"),
        WayRow("", "stop the container 3f4a5b6c7d8e, which holds 656 MiB", "640 MiB"),
    ),
    orders=(),
    reporting=9,
    problem="",
)


def test_a_way_that_is_longer_than_its_row_goes_on_in_the_next_where_there_is_room() -> None:
    """At 240x60 rows ended in "which holds 862..." above ten blank ones."""
    panel = ComebackPanel(BLOCK, id="comeback")
    told = [plain(line).rstrip() for line in panel.paint(WAYS, 52, 12)[1:]]
    assert len(told) == 5
    assert not any(BLOCK.ellipsis in line for line in told)
    assert [panel.action_at(5, y) for y in (1, 2, 3, 4)] == [
        "app.act('drop-cache')",
        "app.card('holders')",
        "app.card('holders')",
        "",
    ]
    low = [plain(line).rstrip() for line in panel.paint(WAYS, 52, 4)[1:]]
    assert [line.split()[-2:] for line in low] == [["1.6", "GiB"], ["840", "MiB"], ["640", "MiB"]]


def test_no_remedy_but_the_first_is_cut_in_its_middle() -> None:
    details = ("  sentence", "  -> first", "     cost", "  -> second, which goes", "     on here", "     cost")
    assert [whole_steps(details, rows) for rows in (2, 3, 4, 5, 6)] == [2, 3, 3, 3, 6]
