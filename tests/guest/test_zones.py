"""buddyinfo and zoneinfo, which tell of the same zones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.guest.texts import KERNELS, kernel_text, plant
from wsltop.guest.kernel_files import BuddyinfoSource, ZoneinfoSource, parse_buddyinfo, parse_meminfo, parse_zoneinfo
from wsltop.model.sample import FreeBlocks, Meminfo, Unavailable, Zone

ZONE_NAMES = st.sampled_from(["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"])
PAGES = st.integers(0, 10**18)


@st.composite
def free_blocks(draw: st.DrawFn) -> tuple[FreeBlocks, ...]:
    orders = draw(st.integers(1, 14))
    counts = st.tuples(*[PAGES] * orders)
    block = st.builds(FreeBlocks, node=st.integers(0, 1023), zone=ZONE_NAMES, counts=counts)
    return tuple(draw(st.lists(block, min_size=1, max_size=6)))


def zone_text(zone: Zone, cpus: int, boost: bool) -> str:
    pagesets = "".join(
        f"    cpu: {cpu}\n              count: {3 + cpu}\n              high:  8\n" for cpu in range(cpus)
    )
    return (
        f"Node {zone.node}, zone {zone.zone:>8}\n  per-node stats\n      nr_dirty     77\n"
        f"  pages free     4242\n{'        boost    3' + chr(10) if boost else ''}        min      1\n"
        f"        low      {zone.low}\n        high     2\n{'        promo    5' + chr(10) if boost else ''}"
        f"        spanned  9999\n        present  {zone.present}\n        managed  {zone.managed}\n"
        f"        cma      0\n        protection: (0, 1, 2)\n      nr_free_pages 4242\n  pagesets\n{pagesets}"
        f"  start_pfn:           1\n"
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_understood(kernel: str) -> None:
    blocks = parse_buddyinfo(kernel_text(kernel, "buddyinfo"))
    zones = parse_zoneinfo(kernel_text(kernel, "zoneinfo"))
    assert isinstance(blocks, tuple)
    assert isinstance(zones, tuple)
    assert [(block.node, block.zone) for block in blocks] == [(zone.node, zone.zone) for zone in zones]
    for block, zone in zip(blocks, zones, strict=True):
        assert len(block.counts) == 11
        assert 0 < zone.low < zone.managed <= zone.present
        assert sum(count << order for order, count in enumerate(block.counts)) <= zone.managed


@pytest.mark.parametrize("kernel", ["4.19", "5.15", "6.6"])
def test_managed_pages_are_the_total(kernel: str) -> None:
    meminfo, zones = parse_meminfo(kernel_text(kernel, "meminfo")), parse_zoneinfo(kernel_text(kernel, "zoneinfo"))
    assert isinstance(meminfo, Meminfo)
    assert isinstance(zones, tuple)
    assert meminfo.total == sum(zone.managed for zone in zones) * 4096


def test_figures_of_two_nodes() -> None:
    blocks = parse_buddyinfo(kernel_text("6.6", "buddyinfo"))
    zones = parse_zoneinfo(kernel_text("6.6", "zoneinfo"))
    assert isinstance(blocks, tuple)
    assert isinstance(zones, tuple)
    assert blocks[-1].counts == (1747, 519, 188, 97, 49, 22, 19, 14, 8, 8, 1865)
    assert tuple(replace(zone, per_cpu=0) for zone in zones) == (
        Zone(node=0, zone="DMA", present=3998, managed=3840, low=26),
        Zone(node=0, zone="DMA32", present=520156, managed=496486, low=3358),
        Zone(node=0, zone="Normal", present=1572864, managed=1552266, low=10591),
        Zone(node=1, zone="Normal", present=2097152, managed=2086594, low=14181),
    )


def test_the_lists_of_all_cpus_are_added_up() -> None:
    zones = parse_zoneinfo(kernel_text("4.19", "zoneinfo"))
    assert isinstance(zones, tuple)
    # By hand: 176+23+60+97+134+171+18+55+92+129+166+13 in the first zone.
    assert zones[0].per_cpu == 1134


@pytest.mark.slow
@given(free_blocks())
def test_any_number_of_orders_round_trips(blocks: tuple[FreeBlocks, ...]) -> None:
    text = "".join(
        f"Node {block.node}, zone {block.zone:>8} {''.join(f'{count:6} ' for count in block.counts)}\n"
        for block in blocks
    )
    assert parse_buddyinfo(text) == blocks
    assert isinstance(parse_buddyinfo(text[:-1]), Unavailable)
    assert isinstance(parse_buddyinfo(text + "Node 0, zone   Normal\n"), Unavailable)


@given(
    st.lists(
        st.builds(Zone, node=st.integers(0, 1023), zone=ZONE_NAMES, present=PAGES, managed=PAGES, low=PAGES),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 40),
    st.booleans(),
)
def test_any_zones_round_trip_and_empty_ones_are_left_out(zones: list[Zone], cpus: int, boost: bool) -> None:
    kept = sum(3 + cpu for cpu in range(cpus))
    expected = tuple(replace(zone, per_cpu=kept) for zone in zones if zone.present)
    parsed = parse_zoneinfo("".join(zone_text(zone, cpus, boost) for zone in zones))
    if expected:
        assert parsed == expected
    else:
        assert isinstance(parsed, Unavailable)


@given(st.sampled_from(KERNELS), st.integers(0, 20_000))
def test_a_zoneinfo_that_is_cut_off_gives_whole_zones_or_nothing(kernel: str, length: int) -> None:
    text = kernel_text(kernel, "zoneinfo")
    whole, cut = parse_zoneinfo(text), parse_zoneinfo(text[:length])
    assert isinstance(whole, tuple)
    if isinstance(cut, tuple):
        # Of the last zone only the CPUs that are left can be counted.
        assert cut[:-1] == whole[: len(cut) - 1]
        assert cut[-1].per_cpu <= whole[len(cut) - 1].per_cpu
        assert replace(cut[-1], per_cpu=0) == replace(whole[len(cut) - 1], per_cpu=0)


@pytest.mark.parametrize("line", ["low", "present", "managed", "pages free"])
def test_a_zone_without_one_of_its_lines_spoils_the_sum(line: str) -> None:
    lines = kernel_text("6.18", "zoneinfo").splitlines(keepends=True)
    at = next(number for number, text in enumerate(lines) if text.strip().startswith(line))
    assert isinstance(parse_zoneinfo("".join(lines[:at] + lines[at + 1 :])), Unavailable)


@given(st.text())
def test_garbage_is_unavailable(text: str) -> None:
    assert isinstance(parse_buddyinfo(text), Unavailable)
    assert isinstance(parse_zoneinfo(text), Unavailable)


def test_no_files_no_figures(tmp_path: Path) -> None:
    assert isinstance(BuddyinfoSource(tmp_path).read(), Unavailable)
    assert isinstance(ZoneinfoSource(tmp_path).read(), Unavailable)


def test_sources_read_their_tree(tmp_path: Path) -> None:
    plant(tmp_path, "proc/buddyinfo", "Node 0, zone   Normal      5      3 \n")
    source = BuddyinfoSource(tmp_path)
    assert source.read() == (FreeBlocks(node=0, zone="Normal", counts=(5, 3)),)
    source.close()


def test_this_machine_names_the_same_zones_in_both() -> None:
    buddyinfo, zoneinfo = BuddyinfoSource(), ZoneinfoSource()
    blocks, zones = buddyinfo.read(), zoneinfo.read()
    buddyinfo.close()
    zoneinfo.close()
    assert isinstance(blocks, tuple)
    assert isinstance(zones, tuple)
    assert [(block.node, block.zone) for block in blocks] == [(zone.node, zone.zone) for zone in zones]
