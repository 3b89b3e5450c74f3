"""Disks that are full or may not be written, as the kernel makes them: mounts in a name space of the test's own."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import pytest

from tests.recording.recorded import run as recorded
from wsltop.recording.reader import Recording

UNSHARE: Final = (shutil.which("unshare") or "", "--user", "--map-root-user", "--mount")


def may_mount() -> bool:
    """Whether this user may have a name space with mounts of its own."""
    try:
        return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not may_mount(), reason="no name space with mounts may be made here")

MOUNTED: Final = """
import os, subprocess, sys, tarfile
place, options, result, *arguments = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
if "ro" not in options:
    subprocess.run(["dd", "if=/dev/zero", f"of={place}/other", "bs=1k", f"count={result}"], capture_output=True)
done = subprocess.run([sys.executable, *arguments], stdin=subprocess.DEVNULL, capture_output=True)
sys.stderr.buffer.write(done.stderr)
names = sorted(set(os.listdir(place)) - {"other"})
if names:
    with tarfile.open(mode="w|", fileobj=sys.stdout.buffer) as files:
        for name in names:
            files.add(os.path.join(place, name), name)
sys.stdout.buffer.write(done.stdout)
sys.exit(done.returncode)
"""
"""Runs Python with a tmpfs on a folder, a part of which is taken; prints the files there, as a tar."""


def run(place: Path, options: str, taken: int, environ: dict[str, str], *arguments: object) -> tuple[int, bytes, str]:
    """The status, what was left there and printed, and the complaints."""
    done = subprocess.run(
        [*UNSHARE, sys.executable, "-c", MOUNTED, str(place), options, str(taken), *map(str, arguments)],
        capture_output=True,
        env=environ,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


FILLS: Final = """
import sys
import tarfile
from pathlib import Path
from tests.recording.recorded import run
from wsltop.errors import RecordingError
from wsltop.recording.writer import RecordingWriter
made = RecordingWriter(Path(sys.argv[1]), interval=1.0)
try:
    for one in run(5000):
        made.write(one)
except RecordingError as error:
    print(error, made.count, file=sys.stderr)
"""


@pytest.mark.slow
def test_a_recording_on_a_disk_that_fills_ends_with_the_reason_and_keeps_what_it_has(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    file = tmp_path / "r.wsltop"
    status, data, said = run(tmp_path, "size=512k", 16, environ, "-c", FILLS, file)
    assert status == 0
    told = f"{file} cannot be written: {os.strerror(errno.ENOSPC)}; the recording ends, what it has is kept "
    assert said.startswith(told)
    count = int(said.removeprefix(told))
    assert 1 < count < 5000
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        files.extractall(tmp_path, filter="data")
    with Recording.open(file) as recording:
        assert list(recording.samples()) == recorded(count)
        assert recording.note == "", "no sample is there in part"


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "r.wsltop"
    for command in (("record", file, "--host", "none"), ("report", "--watch", "0", "--host", "none", "-o", file)):
        status, data, said = run(tmp_path, "ro", 0, environ, "-m", "wsltop", *command)
        assert (status, data) == (1, b"")
        assert f"{file}: {os.strerror(errno.EROFS)}" in said
        assert len(said.splitlines()) == 1


@pytest.mark.slow
def test_a_full_dev_shm_does_not_stop_a_shared_hog(environ: dict[str, str]) -> None:
    """Its memory has no name in /dev/shm, so that nothing can stay there and no mount limits it."""
    options = ("--hogs", "1", "--size", "64M", "--kind", "shared", "--hold", "0", "--baseline", "0.5", "--settle", "1")
    status, _, said = run(
        Path("/dev/shm"), "size=16k", 16, environ, "-m", "wsltop", "experiment", *options, "--host", "none"
    )
    assert status == 0, said
    assert "experiment: settle" in said
