from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.stand_ins import fake_wsl
from wsltop.guest.identity import identify_guest
from wsltop.host.failure import (
    BINFMT_LOST,
    BLOCKED,
    INTEROP_DISABLED,
    MODULES,
    REFUSED,
    explain_end,
    explain_guest,
    find_interop_fault,
    wsl_flag,
)


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no section\n", None),
        ("[interop]\nenabled\n", None),
        ("\0\xff[", None),
        ("[interop\nenabled=true", None),
        ("[interop]\nenabled=no\n", None),
        ("[interop]\nenabled=off\n", None),
        ("[interop]\nenabled=0\n", False),
        ("[interop]\nenabled=1\n", True),
        ("[interop]\nenabled=true\nenabled=false\n", True),
        ("[interop]\nenabled=False\n[interop]\nenabled=true\n", False),
        ('[interop]\nenabled = "false"\n', False),
    ],
)
def test_wsl_conf_takes_four_words_and_the_first_line(tmp_path: Path, text: str, value: bool | None) -> None:
    root = fake_wsl(tmp_path)
    (root / "etc").mkdir()
    (root / "etc/wsl.conf").write_text(text)
    assert wsl_flag(root, "interop", "enabled") is value
    assert find_interop_fault(root, {}) == (INTEROP_DISABLED if value is False else None)


def test_the_fault_goes_before_signs_of_it() -> None:
    """Disabled interop will answer with EACCES (PR WSL#41627): that is no policy."""
    said = b"/mnt/c/Windows/System32/tasklist.exe: Permission denied\n"
    assert explain_end("tasklist.exe", 1, said, INTEROP_DISABLED) == INTEROP_DISABLED
    assert explain_end("tasklist.exe", 1, said) == BLOCKED


def test_a_program_that_gave_a_reason_was_started() -> None:
    said = b"\x1b[31;1mGet-Process: The term 'Get-Process' is not recognized as a name of a cmdlet\x1b[0m\r\n"
    for fault in (None, BINFMT_LOST, INTEROP_DISABLED):
        assert "is not recognized" in explain_end("powershell.exe", 1, said, fault).reason
    assert "binfmt" not in explain_end("powershell.exe", 1, b"", BINFMT_LOST).reason


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended before it printed anything"), (66, "could not initialize"), (45, "short of memory"), (7, "code 7")],
)
def test_exit_bytes_are_named(code: int, words: str) -> None:
    assert words in explain_end("powershell.exe", code, b"").reason
    assert explain_end("powershell.exe", code, b"", printed=True).reason == f"powershell.exe ended with code {code}"


def test_invalid_argument_is_a_refusal_of_windows() -> None:
    said = b"/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe: Invalid argument\n"
    assert explain_end("powershell.exe", 1, said) == REFUSED
    assert explain_end("wsl.exe", 1, b"tee: /proc/sys/vm/x: Invalid argument\n") != REFUSED


def test_a_module_of_another_powershell_is_named() -> None:
    said = (
        b"Add-Type : The 'Add-Type' command was found in the module 'Microsoft.PowerShell.Utility', but the module "
        b"could not be loaded.\r\n + FullyQualifiedErrorId : CouldNotAutoloadMatchingModule\r\n"
    )
    assert explain_end("powershell.exe", 1, said) == MODULES
