from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.stand_ins import fake_wsl
from wsltop.guest.identity import identify_guest
from wsltop.host.interop import BINFMT_LOST, INTEROP_DISABLED, explain_guest, find_interop_fault, wsl_setting


@pytest.mark.parametrize(
    ("release", "flavor"),
    [
        ("5.15.90.1-microsoft-standard-WSL2", "wsl2"),
        ("6.18.35.2-microsoft-standard-WSL2+", "wsl2"),
        ("4.19.84-microsoft-standard", "wsl2"),
        ("7.0.13-arch1-1-wsl-microsoft-standard-WSL2", "wsl2"),
        ("6.9.1-xanmod-WSL2", "wsl2"),
        ("4.4.0-19041-Microsoft", "wsl1"),
        ("6.8.0-45-generic", "none"),
        ("6.8.0-1013-azure", "none"),
    ],
)
def test_the_kernel_tells_the_flavor(tmp_path: Path, release: str, flavor: str) -> None:
    path = tmp_path / "proc/sys/kernel/osrelease"
    path.parent.mkdir(parents=True)
    path.write_text(release + "\n")
    assert identify_guest(tmp_path, {}).flavor == flavor


def test_a_custom_kernel_is_told_by_what_init_leaves(tmp_path: Path) -> None:
    fake_wsl(tmp_path, release="6.12.0-custom")
    assert identify_guest(tmp_path, {}).flavor == "wsl2"


def test_plain_linux_is_named_and_a_way_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "proc/sys/kernel/osrelease"
    path.parent.mkdir(parents=True)
    path.write_text("6.8.0-\x1b[31m45-generic\n")
    why = explain_guest(identify_guest(tmp_path, {}))
    assert why is not None
    assert why.reason == "not WSL (kernel 6.8.0-45-generic)"
    assert "--host process:NAME" in why.hint


def test_no_file_at_all_is_not_wsl(tmp_path: Path) -> None:
    why = explain_guest(identify_guest(tmp_path, {}))
    assert why is not None
    assert why.reason == "not WSL (kernel unknown)"


def test_wsl_1_has_its_own_reason(tmp_path: Path) -> None:
    why = explain_guest(identify_guest(fake_wsl(tmp_path, release="4.4.0-22621-Microsoft"), {}))
    assert why is not None
    assert "WSL 1" in why.reason


def test_a_sound_guest_has_no_fault(tmp_path: Path) -> None:
    root = fake_wsl(tmp_path)
    assert explain_guest(identify_guest(root, {})) is None
    assert find_interop_fault(root, {}) is None


@pytest.mark.parametrize("text", ["[interop]\nenabled=false\n", "# x\n[Interop]\n Enabled = FALSE # off\n"])
def test_interop_switched_off_in_wsl_conf(tmp_path: Path, text: str) -> None:
    root = fake_wsl(tmp_path)
    (root / "etc").mkdir()
    (root / "etc/wsl.conf").write_text(text)
    assert find_interop_fault(root, {}) == INTEROP_DISABLED


def test_no_socket_means_disabled(tmp_path: Path) -> None:
    root = fake_wsl(tmp_path)
    (root / "run/WSL/8_interop").unlink()
    assert find_interop_fault(root, {"WSL_INTEROP": "/run/WSL/9_interop"}) == INTEROP_DISABLED


def test_the_entry_is_lost(tmp_path: Path) -> None:
    root = fake_wsl(tmp_path)
    entry = root / "proc/sys/fs/binfmt_misc/WSLInterop"
    entry.rename(entry.with_name("WSLInterop-late"))
    assert find_interop_fault(root, {}) is None
    entry.with_name("WSLInterop-late").write_text("disabled\ninterpreter /init\n")
    assert find_interop_fault(root, {}) == BINFMT_LOST
    entry.with_name("WSLInterop-late").unlink()
    assert find_interop_fault(root, {}) == BINFMT_LOST
    (root / "proc/sys/fs/binfmt_misc/status").unlink()
    assert find_interop_fault(root, {}) is None


@pytest.mark.parametrize("text", ["no section\n", "[automount]\nroot\n", "\0\xff[", "[automount\nroot=/x"])
def test_a_broken_wsl_conf_sets_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/wsl.conf").write_text(text)
    assert wsl_setting(tmp_path, "automount", "root") is None
