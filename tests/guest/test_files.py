from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.guest.texts import plant
from wsltop.guest.files import LIMIT, KernelFile
from wsltop.model.sample import Unavailable


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_a_kept_descriptor_reads_fresh_text(tmp_path: Path) -> None:
    path = plant(tmp_path, "file", "one\n")
    file = KernelFile(path)
    assert file.read() == "one\n"
    plant(tmp_path, "file", "two, longer\n")
    before = open_descriptors()
    assert file.read() == "two, longer\n"
    assert open_descriptors() == before
    file.close()


def test_the_running_kernel_generates_proc_and_sys_anew_for_each_pread() -> None:
    file = KernelFile(Path("/proc/uptime"))
    first = file.read()
    for _ in range(100_000):
        if file.read() != first:
            break
    else:
        pytest.fail("/proc/uptime stands still")
    file.close()


def test_a_file_of_several_chunks_is_read_whole(tmp_path: Path) -> None:
    text = "0123456789abcde\n" * 10_000
    file = KernelFile(plant(tmp_path, "file", text))
    assert file.read() == text
    file.close()


def test_a_missing_file_is_told_and_found_once_it_is_there(tmp_path: Path) -> None:
    file = KernelFile(tmp_path / "file")
    assert file.read() == Unavailable(f"there is no {tmp_path}/file")
    missing = file.missing
    plant(tmp_path, "file", "here\n")
    assert file.read() == "here\n"
    assert (missing, file.missing) == (True, False)
    file.close()
    file.close()


def test_a_directory_a_fifo_and_an_endless_file_are_unavailable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    plant(tmp_path, "long", b"x" * (LIMIT + 1))
    before = open_descriptors()
    for place in (tmp_path, tmp_path / "fifo", tmp_path / "long", Path("/dev/zero"), tmp_path / "long" / "below"):
        file = KernelFile(place)
        assert isinstance(file.read(), Unavailable), place
        file.close()
    assert open_descriptors() == before


def test_a_stale_descriptor_is_replaced(tmp_path: Path) -> None:
    file = KernelFile(plant(tmp_path, "file", "text\n"))
    assert file.read() == "text\n"
    descriptor = file._descriptor
    assert descriptor is not None
    with (tmp_path / "elsewhere").open("wb") as write_only:
        os.dup2(write_only.fileno(), descriptor, inheritable=False)
    assert file.read() == "text\n"
    file.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_closed_file_is_told_as_a_matter_of_permission(tmp_path: Path) -> None:
    path = plant(tmp_path, "file", "text\n")
    path.chmod(0)
    reading = KernelFile(path).read()
    assert isinstance(reading, Unavailable)
    assert "not permitted" in reading.reason
    assert reading.hint


def test_bytes_that_are_no_text_do_not_raise(tmp_path: Path) -> None:
    file = KernelFile(plant(tmp_path, "file", b"a\xff\xfe\x00"))
    assert file.read() == "a\ufffd\ufffd\x00"
    file.close()
