"""The cards over the main screen: every byte, who holds it, all findings; and how they open, follow and close."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.containers import Vertical, VerticalScroll
from textual.pilot import Pilot

from tests.ui.worlds import FORBIDDEN, HOST, HOSTILE, MEMINFO, SAMPLE, START, World, hog
from wsltop.charts.cells import ASCII, BLOCK, Glyphs, Line, plain
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy
from wsltop.core.ledger import FreeSplit, Ledger
from wsltop.core.moment import Moment, interpret
from wsltop.core.outcomes import SETTLE, Outcomes
from wsltop.core.prediction import predict_kill
from wsltop.model.sample import Census, Event, Family, Group, Holders, ProcessUse, Unavailable
from wsltop.model.text import GIB, MIB, format_size
from wsltop.ui.cards.card import BORDER, CLEAR, MARGIN, READABLE, WIDTH, Card, CardText
from wsltop.ui.cards.ledger import ledger_lines
from wsltop.ui.cards.table import finding_card
from wsltop.ui.panels.footer import KeyRow
from wsltop.ui.panels.ledger import BUCKETS

NO = Unavailable("not read here", "Read it there.")


def texts(lines: Iterable[Line]) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def ledger_card(moment: Moment, outcomes: Outcomes | None = None, hogs: int = 0, glyphs: Glyphs = BLOCK) -> list[str]:
    return texts(ledger_lines(moment, outcomes or Outcomes(), hogs, WIDTH, glyphs))


def row(lines: list[str], name: str) -> str:
    """What stands behind a name, in one line."""
    (place,) = [index for index, line in enumerate(lines) if line[1:].startswith(f"{name:<20}")]
    more = takewhile(lambda line: line.startswith(" " * 33), lines[place + 1 :])
    return " ".join([lines[place][1:].removeprefix(name).strip(), *(line.strip() for line in more)])


def fitted(lines: Iterable[Line]) -> list[str]:
    """The lines as the card paints them."""
    return [plain(line) for line in CardText(BLOCK, id="card").paint(tuple(lines), WIDTH, 1000)]


# Every byte


def ledger_of(moment: Moment) -> Ledger:
    assert isinstance(moment.ledger, Ledger)
    return moment.ledger


sizes = st.integers(0, 2 * GIB)


@given(
    free=sizes,
    cached=sizes,
    anonymous=sizes,
    shared=sizes,
    mapped=sizes,
    dirty=sizes,
    slab=sizes,
    tables=sizes,
    huge=sizes,
)
def test_the_rows_are_all_of_the_guests_memory(
    free: int,
    cached: int,
    anonymous: int,
    shared: int,
    mapped: int,
    dirty: int,
    slab: int,
    tables: int,
    huge: int,
) -> None:
    figures = replace(
        MEMINFO,
        free=free,
        cached=cached,
        anon_pages=anonymous,
        shmem=shared,
        mapped=mapped,
        dirty=dirty,
        slab_reclaimable=slab,
        page_tables=tables,
        huge_pages=huge,
    )
    moment = interpret(replace(SAMPLE, meminfo=figures), 1.0)
    ledger, lines = ledger_of(moment), ledger_card(moment)
    shown = {name: int(getattr(ledger, attribute)) for name, attribute, _ in BUCKETS}
    split = ledger.free_split
    assert isinstance(split, FreeSplit)
    shown |= {"scattered free": split.fragmented, "free for Windows": split.reportable}
    parts = {name: size for name, size in shown.items() if name.startswith("- ")}
    assert sum(shown.values()) - sum(parts.values()) == ledger.total
    assert sum(parts.values()) == shown["file cache"], "the legend's figure, and its parts below it"
    assert min(shown.values()) >= 0
    for name, size in shown.items():
        assert row(lines, name).startswith(format_size(size))
    assert format_size(ledger.total) in lines[0]


def test_without_free_lists_free_is_one_row_that_still_sums() -> None:
    moment = interpret(replace(SAMPLE, free_blocks=NO), 1.0)
    ledger, lines = ledger_of(moment), ledger_card(moment)
    rows = [bucket.attribute for bucket in BUCKETS if not bucket.name.startswith("- ")]
    assert sum(int(getattr(ledger, attribute)) for attribute in rows) + ledger.free == ledger.total
    assert "not read here. Read it there." in row(lines, "free")
    assert row(lines, "by compaction").startswith("unknown")


def test_unknown_parts_say_why() -> None:
    lines = ledger_card(interpret(replace(SAMPLE, host=NO, zones=NO), 1.0))
    for name in ("expected", "working set"):
        assert " ".join(row(lines, name).split()) == "unknown not read here. Read it there."
    assert not any("residue" in line for line in lines)
    blind = ledger_card(interpret(replace(SAMPLE, meminfo=NO), 1.0))
    assert blind[1].strip() == "not read here. Read it there."
    assert len(blind) == 2


def test_free_blocks_without_a_zone_are_survived() -> None:
    assert ledger_card(interpret(replace(SAMPLE, free_blocks=()), 1.0))


def test_predictions_and_what_came_of_them_are_shown() -> None:
    moment, outcomes = interpret(SAMPLE, 1.0), Outcomes()
    before = ledger_card(moment, outcomes, hogs=GIB)
    assert not any("what did come back" in line for line in before)
    for name in ("by compaction", "by dropping cache", "… and slab", "by killing the hogs", "by wsl --shutdown"):
        assert "B  " in row(before, name)
    assert not any("by killing" in line for line in ledger_card(moment))

    killed = Event(kind="hog", origin="wsltop", time=0.0, start=0.0, end=0.0, text="", amounts={"freed": GIB})
    ledger = ledger_of(moment)
    split = ledger.free_split
    assert isinstance(split, FreeSplit)
    outcomes.feed(START, ledger, ledger, [killed])
    freed = replace(ledger, free_split=replace(split, reportable=split.reportable + GIB // 2))
    outcomes.feed(START + SETTLE, ledger, freed, [])
    after = ledger_card(moment, outcomes, hogs=GIB)
    (settled,) = outcomes.settled
    assert any("what did come back" in line for line in after)
    told = row(after, "kill")
    assert told.startswith(format_size(settled.outcome.predicted.likely))
    assert "measured 512 MiB" in told
    assert f"error {format_size(settled.outcome.error)}" in told
    learned = predict_kill(ledger, GIB, outcomes.shares)
    assert not isinstance(learned, Unavailable)
    assert row(after, "by killing the hogs").startswith(format_size(learned.likely))


def test_no_large_free_block_is_a_warning() -> None:
    (zone,) = SAMPLE.free_blocks if not isinstance(SAMPLE.free_blocks, Unavailable) else ()
    scattered = replace(zone, counts=(*zone.counts[:7], 0, 0, 0, 0))
    assert any("40650" in line for line in ledger_card(interpret(replace(SAMPLE, free_blocks=(scattered,)), 1.0)))
    assert not any("40650" in line for line in ledger_card(interpret(SAMPLE, 1.0)))


@pytest.mark.parametrize("glyphs", [BLOCK, ASCII], ids=["block", "ascii"])
def test_the_ledger_card_of_a_healthy_machine_fits_and_is_not_cut(glyphs: Glyphs) -> None:
    moment = interpret(replace(SAMPLE, host=HOST), 1.0)
    lines = ledger_card(moment, glyphs=glyphs, hogs=GIB)
    assert [line for line in lines if cell_len(line) > WIDTH or glyphs.ellipsis in line[20:]] == []


# Who holds it


def process(pid: int = 7, name: str = "node", rss: int = 300 * MIB, *, own: bool = False) -> ProcessUse:
    return ProcessUse(
        pid=pid,
        started=1,
        name=name,
        family=name,
        parent=1,
        state="S",
        rss=rss,
        shared=rss // 3,
        user_ticks=0,
        system_ticks=0,
        nice=0,
        own=own,
    )


def family(name: str, held: int = GIB, *, own: bool = False) -> Family:
    return Family(name=name, held=held, anonymous=held, pids=(7, 8), estimated=True, own=own)


def holders(name: str = "node", **changes: object) -> Holders:
    made = Holders(
        processes=(process(name=name),),
        families=(family(name),),
        groups=(Group(path="x", name=name, kind="unit", current=GIB),),
        elsewhere=3 * GIB,
        reason="held outside this distro",
        unread=0,
    )
    return replace(made, **changes)


NASTY = [HOSTILE, "漢字" * 40, "x" * 500, "", "[b]bold[/b]", "e\u0301" * 30]


# Findings

FINDING = Finding(
    id="cache-kept",
    severity="warning",
    verdict="CACHE KEPT",
    sentence="5.0 GiB of page cache stays, because WSL's idle gate is shut by node.",
    evidence=(Figure("page cache", "5.0 GiB"),),
    remedy=(Remedy(kind="command", does="drop it", text="sudo true", cost="nothing"),),
)


def test_the_finding_card_tells_everything() -> None:
    told = "\n".join(texts(finding_card([FINDING, replace(FINDING, id="other")], WIDTH, BLOCK)))
    for words in ("CACHE KEPT", "[cache-kept]", "[other]", "page cache", "5.0 GiB", "sudo true", "cost: nothing"):
        assert words in told
    assert len(texts(finding_card([], WIDTH, BLOCK))) == 1


@pytest.mark.parametrize("text", NASTY)
def test_hostile_findings_fit_and_are_cleaned(text: str) -> None:
    nasty = replace(FINDING, verdict=text, sentence=text, evidence=(Figure(text, text),))
    for line in fitted(finding_card([nasty], WIDTH, BLOCK)):
        assert cell_len(line) == WIDTH
        assert not any(bad in line for bad in FORBIDDEN)


# Opening, following, closing

TITLES = {"v": "findings", "b": "every byte of the guest", "p": "who holds it"}


def title(world: World) -> str:
    """The heading of the card that is open."""
    assert isinstance(world.app.screen, Card)
    return next(line for line in world.lines if any(name in line for name in TITLES.values()))


@pytest.mark.slow
@pytest.mark.parametrize("key", list(TITLES))
@pytest.mark.parametrize("closing", ["escape", "q", "the same"])
def test_a_card_opens_and_closes_by_its_keys(world: World, key: str, closing: str) -> None:
    world.sampler.step = 0.0  # the processes are counted at once, with a sample: it must not move the timeline

    async def play(pilot: Pilot[None]) -> None:
        main = world.lines[:5]
        await world.press(pilot, key)
        assert TITLES[key] in title(world)
        await world.press(pilot, key if closing == "the same" else closing)
        assert world.app.screen is world.app.main
        assert world.lines[:5] == main, "looking at the processes takes a sample, which moves the timeline"
        assert not world.sampler.attended

    world.run(play)
    assert world.app.return_code in (0, None)


@pytest.mark.slow
def test_the_processes_open_right_away(world: World) -> None:
    """The card was once asked for its text before it was composed, as looking takes a sample at once."""

    async def play(pilot: Pilot[None]) -> None:
        taken = world.sampler.taken
        world.app.action_card("holders")
        world.app.tick()
        await world.tick(pilot)
        assert world.sampler.taken == taken + 3
        assert world.sampler.attended
        assert "who holds it" in title(world)
        await world.press(pilot, "escape", "p", "p", "p", "escape")
        assert not world.sampler.attended

    world.run(play)


def test_a_card_follows_the_samples(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "b")
        assert "programs               2.0 GiB" in world.text
        world.sampler.next = replace(world.sampler.next, meminfo=replace(MEMINFO, anon_pages=GIB))
        await world.tick(pilot)
        assert "programs               1.0 GiB" in world.text
        world.sampler.next = replace(world.sampler.next, meminfo=NO)
        await world.tick(pilot)
        assert "not read here. Read it there." in world.text
        world.sampler.next = replace(world.sampler.next, meminfo=MEMINFO)
        await world.tick(pilot)
        assert "programs               2.0 GiB" in world.text
        assert "free for Windows" in world.text

    world.run(play)


@pytest.mark.slow
@pytest.mark.parametrize("key", list(TITLES))
def test_in_a_pause_a_card_shows_the_frozen_moment(world: World, key: str) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.next = replace(world.sampler.next, census=Census(read_at=START, holders=holders("early")))
        await world.tick(pilot, 5)
        await world.press(pilot, "space", key)
        frozen = world.lines[1:]  # the first counts the samples that wait
        world.sampler.next = replace(
            world.sampler.next,
            meminfo=replace(MEMINFO, anon_pages=GIB, available=MIB, free=0),
            host=replace(HOST, working_set=GIB),
            census=Census(read_at=START + 20, holders=holders("later")),
        )
        await world.tick(pilot, 8)
        assert world.lines[1:] == frozen
        await world.press(pilot, "escape", "space", key)
        assert world.lines[1:] != frozen

    world.run(play, size=(80, 50))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 8), (60, 16), (80, 24), (120, 40)])
@pytest.mark.parametrize("key", list(TITLES))
def test_a_card_fits_every_size_and_scrolls(world: World, key: str, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        many = holders(
            families=tuple(family(f"family{number}") for number in range(9)),
            processes=tuple(process(number, f"p{number}") for number in range(30)),
        )
        world.sampler.next = replace(world.sampler.next, census=Census(read_at=START, holders=many))
        await world.tick(pilot, 5)
        await world.press(pilot, key)
        assert [cell_len(line) for line in world.lines] == [size[0]] * size[1]
        scroll = world.app.screen.query_one(VerticalScroll)
        before = scroll.scroll_y
        if key == "p":  # there they select
            await world.press(pilot, *["j"] * 10)
            assert "►" in world.text
            assert not scroll.show_horizontal_scrollbar
            return
        await world.press(pilot, "j", "j", "down")
        assert scroll.scroll_y == min(before + 3, scroll.max_scroll_y)
        await world.press(pilot, "k", "up", "k", "k")
        assert scroll.scroll_y == 0

    world.run(play, size=size)


@pytest.mark.slow
def test_hostile_names_do_not_reach_the_terminal(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.sampler.next = replace(
            world.sampler.next,
            host=replace(HOST, process=HOSTILE),
            census=Census(read_at=START, holders=holders(HOSTILE, reason=HOSTILE)),
        )
        await world.tick(pilot)
        for key in TITLES:
            await world.press(pilot, key)
            assert not any(bad in line for line in world.lines for bad in FORBIDDEN)
            await world.press(pilot, "escape")

    world.run(play)


def test_hogs_that_end_while_the_ledger_is_open_leave_it(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        world.pool.there = {1: hog(1, resident=GIB)}
        await world.tick(pilot)
        await world.press(pilot, "b")
        assert "by killing the hogs" in world.text
        world.pool.there = {}
        await world.tick(pilot)
        assert "by killing the hogs" not in world.text

    world.run(play, size=(80, 60))


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 78, 80, 81, 84, 95, 97, 120])
@pytest.mark.parametrize("key", ["b", "question_mark", "c"])
def test_a_card_leaves_no_sliver_of_the_screen_below(world: World, key: str, width: int) -> None:
    """From 81 to 84 columns one or two of the main screen's showed at each side of a card."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, key)
        box = world.app.screen.query_one(Vertical).region
        assert box.width == width or min(box.x, width - box.right) >= MARGIN

    world.run(play, size=(width, 24))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 8), (80, 24), (160, 48)])
@pytest.mark.parametrize("key", [*TITLES, "question_mark"])
def test_a_card_names_its_keys_at_its_foot_and_they_can_be_clicked(
    world: World, key: str, size: tuple[int, int]
) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, key)
        keys = world.app.screen.query_one(KeyRow)
        shown = world.lines[keys.region.y][keys.region.x : keys.region.right]
        assert shown.rstrip().endswith("Esc close")
        assert f" {key} " not in shown
        assert await pilot.click(keys, offset=(keys.region.width - 3, 0))
        await world.tick(pilot)
        assert world.app.screen is world.app.main

    world.run(play, size=size)


@pytest.mark.parametrize("size", [(40, 8), (80, 24), (120, 36), (160, 48)])
def test_below_a_plan_the_main_footer_does_not_show(world: World, size: tuple[int, int]) -> None:
    """At 120x36 the last row was ``a hog  c compact  d y run … n cancel  ? help``."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "D")
        keys = world.app.screen.query_one(KeyRow)
        assert keys.region.y == size[1] - 1
        last = world.lines[-1]
        beside = last[: keys.region.x] + last[keys.region.right :]
        assert not beside.strip()
        assert " n cancel" in last
        await world.press(pilot, "escape")
        assert world.app.screen is world.app.main
        assert "cancel" not in world.lines[-1]

    world.run(play, size=size)


def test_a_wrong_time_keeps_the_box_open(world: World) -> None:
    """It closed the box, and said so in a notice only."""

    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 30)
        await world.press(pilot, "g", *"25:61", "enter")
        assert "'25:61' is not a time of day" in " ".join(world.text.split())
        assert not world.app.context.frozen
        await world.press(pilot, *["backspace"] * 5, *"10s", "enter")
        assert world.app.screen is world.app.main
        assert world.app.context.frozen

    world.run(play, size=(40, 8))


def test_a_click_on_the_key_of_another_card_opens_it(world: World) -> None:
    """The row of keys waited for its own end, and the screen heard nothing any more. The monkey found it."""

    async def play(pilot: Pilot[None]) -> None:
        await world.press(pilot, "b")
        opened = world.app.screen
        keys = opened.query_one(KeyRow)
        (start,) = [start for start, _, action in keys._places if action == "app.change_card('verdict')"]
        await asyncio.wait_for(pilot.click(keys, offset=(start, 0)), 5.0)
        await asyncio.wait_for(world.press(pilot, "escape"), 5.0)
        assert not opened.is_attached
        assert world.app.screen is world.app.main

    world.run(play)


def test_at_40_columns_each_bucket_is_one_row_and_reasons_have_rows_of_their_own() -> None:
    lines = fitted(ledger_lines(interpret(SAMPLE, 1.0), Outcomes(), 0, 38, BLOCK))
    start = next(index for index, line in enumerate(lines) if BUCKETS[0].name in line)
    for bucket, line in zip(BUCKETS, lines[start:], strict=False):
        assert line.strip().startswith(bucket.name)
        assert line.rstrip().endswith("B")
    assert not any(line.rstrip().endswith("…") for line in lines)


def test_the_id_of_a_finding_never_has_a_row_of_its_own() -> None:
    finding = Finding(id="a-rather-long-name", severity="warning", verdict="SETTINGS NOT LOADED", sentence="It is so.")
    assert texts(finding_card((finding,), 38, BLOCK))[1].split() == ["WARNING", "SETTINGS", "NOT", "LOADED"]
    assert texts(finding_card((finding,), 77, BLOCK))[1].split()[-1] == "[a-rather-long-name]"


def test_a_plan_at_40x8_begins_with_what_it_gives_back(world: World) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await world.tick(pilot, 3)
        await world.press(pilot, "d")
        assert world.lines[1].split()[0] == "returns"

    world.run(play, size=(40, 8))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (160, 48), (240, 60)])
@pytest.mark.parametrize("key", ["v", "b"])
def test_a_card_uses_the_width_and_leaves_the_bars_to_be_seen(world: World, key: str, size: tuple[int, int]) -> None:
    """Both stayed 80 cells wide on 240 and lay over the bars."""

    async def play(pilot: Pilot[None]) -> None:
        bars = world.lines[1:4]
        await world.press(pilot, key)
        box = world.app.screen.query_one(Vertical).region
        assert box.width == min(size[0], READABLE + BORDER + 1)
        assert box.bottom <= size[1]
        scrolls = world.app.screen.query_one(CardText).size.height >= size[1] - CLEAR
        assert scrolls or world.lines[1:4] == bars

    world.run(play, size=size)
