"""Addresses of networks go, versions stay, and neither is taken for the other."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wsltop.report.redact import is_everywhere, take_addresses, versions_in

PLACES = (
    "at {}",
    "{}:8080",
    "http {}",
    "--host={}",
    "nameserver {}.",
    "({})",
    "{},",
    "from {} to",
    "{}/24",
    "ip={}::x",
)
VERSIONS = (
    "WSL {}",
    "WSL version: {}",
    "kernel {}",
    "kernel  {}-1",
    "{}-microsoft-standard-WSL2",
    "Linux version {}+ (gcc)",
    "{}-rc1",
    "v{}",
    "WSLg: {}",
    "Windows version {}",
)
CARDS = st.tuples(st.binary(min_size=6, max_size=6), st.sampled_from(":-"))


@given(address=st.ip_addresses(v=4), place=st.sampled_from(PLACES))
def test_ipv4_addresses_go(address: ipaddress.IPv4Address, place: str) -> None:
    assume(not is_everywhere(address))
    told = take_addresses(place.format(address), "#")
    assert str(address) not in told
    assert told == place.replace("{}/24", "{}").format("#")


@pytest.mark.slow
@given(network=st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]), data=st.data())
@pytest.mark.parametrize("place", VERSIONS)
def test_private_addresses_go_whatever_they_are_called(place: str, network: str, data: st.DataObject) -> None:
    address = data.draw(st.ip_addresses(network=network))
    assert str(address) not in take_addresses(place.format(address), "#")


@given(address=st.ip_addresses(v=6), place=st.sampled_from(PLACES[:8]), long=st.booleans(), shout=st.booleans())
def test_ipv6_addresses_go(address: ipaddress.IPv6Address, place: str, long: bool, shout: bool) -> None:
    assume(not is_everywhere(address))
    text = address.exploded if long else str(address)
    text = text.upper() if shout else text
    place = place.replace("{}:8080", "[{}]:8080")
    assert take_addresses(place.format(text), "#") == place.format("#")


@given(card=CARDS, place=st.sampled_from(PLACES[:8]), shout=st.booleans())
def test_addresses_of_cards_go(card: tuple[bytes, str], place: str, shout: bool) -> None:
    text = card[0].hex(card[1])
    place = place.replace("{}:8080", "{} 8080")
    assert take_addresses(place.format(text.upper() if shout else text), "#") == place.format("#")


@given(
    version=st.tuples(st.integers(0, 9), *[st.integers(0, 400)] * 3).map(lambda parts: ".".join(map(str, parts))),
    place=st.sampled_from(VERSIONS),
)
def test_versions_stay(version: str, place: str) -> None:
    text = place.format(version)
    assert take_addresses(text, "#") == text


@given(
    version=st.tuples(*[st.integers(0, 255)] * 4).map(lambda parts: ".".join(map(str, parts))),
    place=st.sampled_from(PLACES),
)
def test_what_is_known_as_a_version_stays_wherever_it_stands(version: str, place: str) -> None:
    text = place.format(version)
    assert take_addresses(text, "#", versions_in(f"It is {version}-x.")) == text


@given(build=st.integers(10240, 99999), patch=st.integers(0, 9999))
def test_a_build_of_windows_stays(build: int, patch: int) -> None:
    assert take_addresses(f"10.0.{build}.{patch}", "#") == f"10.0.{build}.{patch}"


@pytest.mark.parametrize(
    "text",
    [
        "14:03:20",
        "12:34:56:",
        "std::vector",
        "0000:00:1f.2",
        "127.0.0.1",
        "::1",
        "1.2.3",
        "1.2.3.4.5",
        "300.1.2.3",
        "1:2:3",
        "ff:ff",
        "3.1 GiB",
        "2026-11-22 14:03:20 +0100",
        "6.6.87.2-microsoft-standard-WSL2",
    ],
)
def test_what_only_looks_like_an_address_stays(text: str) -> None:
    assert take_addresses(text, "#") == text


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    take_addresses(text, "#")


@given(st.lists(st.sampled_from(["1", ":", ".", "::", "a", "/", "%", " ", "255.", "00:"]), max_size=300))
def test_long_nonsense_is_quick(parts: list[str]) -> None:
    take_addresses("".join(parts) * 20, "#")
