"""Takes the recording that comes with the package: the classic experiment in a guest, and one line that says so."""

from __future__ import annotations

import base64
import platform
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from tests.vm.findings import mib
from tests.vm.initramfs import PROJECT
from tests.vm.machine import Machine
from tests.vm.missing import MachineFailed
from tests.vm.parts import get_parts
from wsltop.recording.reader import Recording

PLACE: Final = "/var/tmp/story.wsltop"
TIME: Final = 180.0
TITLE: Final = (
    "The classic: four hogs of 384 MiB, killed after half a minute, then a compaction of memory that was scattered "
    "before. Taken in a Linux guest under QEMU, not on WSL: vmmemWSL is the resident memory of the guest's RAM\n"
)


def record(path: Path) -> None:
    """Take the recording and put it into ``path``, its title beside it as ``.txt``.

    Raises:
        PartsMissing: there can be no machine.
        MachineFailed: it did not come about, shows no reclaim, or names something of this machine.
    """
    with Machine(get_parts()) as machine:
        job = machine.start(sys.executable, "-m", "tests.vm.guest.story", PLACE)
        said = b"".join(job.stream(TIME))
    if job.code != 0:
        raise MachineFailed(f"the guest recorded nothing: {said.decode(errors='replace')[-2000:]}")
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(base64.b64decode(said))
    try:
        with Recording.open(fresh) as recording:
            told = judge(recording)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".txt").write_text(TITLE)
    print(f"{path}: {path.stat().st_size} bytes, {told}")


def judge(recording: Recording) -> str:
    """What a recording shows, as a clause.

    Raises:
        MachineFailed: no reclaim, or a name of this machine.
    """
    samples = [recording.sample(number) for number in range(recording.count)]
    text = msgspec.json.encode(samples).decode()
    for name in private_names():
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            raise MachineFailed(f"the recording names something of this machine: {name}")
    sizes = [size for sample in samples if isinstance(size := getattr(sample.host, "working_set", None), int)]
    if len(sizes) < len(samples) - 1:
        raise MachineFailed(f"the host is known in {len(sizes)} of {len(samples)} samples")
    rise, fall = max(sizes) - sizes[0], max(sizes) - sizes[-1]
    told = f"{len(samples)} samples; the host lends {mib(rise)} MiB and gets {mib(fall)} MiB back"
    if min(rise, fall) < 1 << 30:
        raise MachineFailed(f"the recording shows no reclaim: {told}")
    return told


def private_names() -> Iterator[str]:
    """What a recording that goes to others must not hold."""
    yield from (str(PROJECT), sys.prefix, str(Path.home() / ".cache"), platform.node())


def packaged() -> Path:
    """Where the package has its recording, in this working copy."""
    return Path(str(files("wsltop.recording"))) / "sample.wsltop"
