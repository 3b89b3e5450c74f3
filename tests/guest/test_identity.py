from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant, script
from tests.samples import record
from wsltop.guest.identity import IdentitySource, parse_pretty_name, wsl_flavor
from wsltop.model.sample import Unavailable

RELEASE = "6.6.87.2-microsoft-standard-WSL2"
OSRELEASE = "proc/sys/kernel/osrelease"


@pytest.mark.parametrize(
    ("release", "environ", "flavor"),
    [
        (RELEASE, {}, "wsl2"),
        ("4.19.104-microsoft-standard", {}, "wsl2"),
        ("4.4.0-19041-Microsoft", {"WSL_DISTRO_NAME": "Ubuntu"}, "wsl1"),
        ("6.12.0-mine", {"WSL_DISTRO_NAME": "Arch"}, "wsl2"),
        ("6.12.0-mine", {"WSL_INTEROP": "/run/WSL/9_interop"}, "wsl2"),
        ("6.8.0-110-generic", {"WSL_DISTRO_NAME": ""}, "none"),
        ("", {}, "none"),
    ],
)
def test_flavor(tmp_path: Path, release: str, environ: dict[str, str], flavor: str) -> None:
    assert wsl_flavor(release, environ, tmp_path) == flavor


def test_a_kernel_of_ones_own_under_sudo_is_known_by_run_wsl(tmp_path: Path) -> None:
    (tmp_path / "run/WSL").mkdir(parents=True)
    assert wsl_flavor("6.12.0-mine", {}, tmp_path) == "wsl2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n', "Ubuntu 24.04.1 LTS"),
        ("PRETTY_NAME='Debian GNU/Linux 12 (bookworm)'\n", "Debian GNU/Linux 12 (bookworm)"),
        ("PRETTY_NAME=Arch\\ Linux\n", "Arch Linux"),
        ('PRETTY_NAME="A \\"quoted\\" \\$name"\n', 'A "quoted" $name'),
        ('  PRETTY_NAME="Evil\x1b]0;x\x07 \u202eLinux"\n', "Evil Linux"),
    ],
)
def test_pretty_name(text: str, name: str) -> None:
    assert parse_pretty_name(text) == name


@pytest.mark.parametrize("text", ["", "PRETTY_NAME=\n", 'PRETTY_NAME="open\n', "# PRETTY_NAME=x\n", "PRETTY_NAME\n"])
def test_no_pretty_name(text: str) -> None:
    assert isinstance(parse_pretty_name(text), Unavailable)


@given(st.text())
def test_garbage_never_raises(text: str) -> None:
    parse_pretty_name(f"PRETTY_NAME={text}")
    assert parse_pretty_name(f"PRETTY_NAME={text}") != ""


def test_other_linux(tmp_path: Path) -> None:
    plant(tmp_path, OSRELEASE, "6.8.0-110-generic\n")
    plant(tmp_path, "usr/lib/os-release", 'PRETTY_NAME="Fedora Linux 42"\n')
    source = IdentitySource(tmp_path, {})
    source.note(record("WSL (1 - ): WSL version 2.7.3.0"))
    identity = source.read()
    assert (identity.kernel, identity.distro) == ("6.8.0-110-generic", "Fedora Linux 42")
    assert identity.wsl_version == Unavailable("not WSL")
    assert source.wait(0)
    source.close()


def test_an_empty_tree_is_unavailable(tmp_path: Path) -> None:
    identity = IdentitySource(tmp_path, {}).read()
    for reading in (identity.kernel, identity.distro, identity.wsl_version):
        assert isinstance(reading, Unavailable)


@pytest.mark.parametrize(("answer", "version"), [("2.6.1.0", "2.6.1.0"), ("wsl1", "wsl1")])
def test_wslinfo_tells_the_version(tmp_path: Path, answer: str, version: str) -> None:
    plant(tmp_path, OSRELEASE, RELEASE)
    wslinfo = script(tmp_path, "wslinfo", f'[ "$*" = --wsl-version ] && echo {answer}')
    source = IdentitySource(tmp_path, {"WSL_DISTRO_NAME": "Ubuntu\x1b[31m-24.04"}, wslinfo)
    assert source.wait(5)
    identity = source.read()
    assert (identity.kernel, identity.distro, identity.wsl_version) == (RELEASE, "Ubuntu-24.04", version)


@pytest.mark.parametrize("body", ["echo usage; exit 1", "echo 2.x", "exit 0", "sleep 60", "head -c 99 /dev/urandom"])
def test_a_wslinfo_that_misbehaves(tmp_path: Path, body: str) -> None:
    plant(tmp_path, OSRELEASE, RELEASE)
    started = time.monotonic()
    source = IdentitySource(tmp_path, {}, script(tmp_path, "wslinfo", body), timeout=0.3)
    assert isinstance(source.read().wsl_version, Unavailable)
    assert time.monotonic() - started < 0.3
    assert source.wait(5)
    assert isinstance(source.read().wsl_version, Unavailable)


def test_the_boot_line_tells_the_version_whatever_wslinfo_says(tmp_path: Path) -> None:
    plant(tmp_path, OSRELEASE, RELEASE)
    source = IdentitySource(tmp_path, {}, tmp_path / "no wslinfo")
    source.note(record("WSL (1 - ): WSL version 2.x"))
    source.note(record("sh[9]: WSL (1 - ): WSL version 6.6.6.6"))
    assert isinstance(source.read().wsl_version, Unavailable)
    source.note(record("WSL (1 - ): WSL version 2.7.3.0"))
    assert source.read().wsl_version == "2.7.3.0"
    source.wait(5)
    assert source.read().wsl_version == "2.7.3.0"


def test_closing_ends_a_wslinfo_that_hangs(tmp_path: Path) -> None:
    plant(tmp_path, OSRELEASE, RELEASE)
    source = IdentitySource(tmp_path, {}, script(tmp_path, "wslinfo", "sleep 60"), timeout=60)
    source.close()
    assert source.wait(0)


def test_this_machine_has_a_kernel() -> None:
    source = IdentitySource()
    assert isinstance(source.read().kernel, str)
    source.close()
