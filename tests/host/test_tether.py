"""When wsltop is killed, nothing that it started on behalf of the host stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.stand_ins import ROW, FakeDrive, runs, wait_for
from wsltop.host.interop import POWERSHELL, TASKLIST

HOLDER = """
import sys, time
from pathlib import Path
from wsltop.host.choose import open_host
source = open_host(sys.argv[1], interval=1.0, drive=Path(sys.argv[2]))
source.start()
time.sleep(60)
"""


@pytest.mark.parametrize("choice", ["powershell", "tasklist"])
@pytest.mark.parametrize("end", ["obey()", "ignore_everything()"])
def test_nothing_stays_when_wsltop_is_killed(drive: FakeDrive, tmp_path: Path, choice: str, end: str) -> None:
    note = tmp_path / "pids"
    answer = "say(line())" if choice == "powershell" else f"say({ROW!r})"
    body = f"{answer}\nopen({str(note)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\n{end}\n"
    drive.put(POWERSHELL, body)
    drive.put(TASKLIST, body.replace("obey()", "ignore_everything()"))
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, choice, str(drive.path)], cwd=Path(__file__).parents[2])
    try:
        wait_for(lambda: note.exists() and len(note.read_text().split()) == 2, 10.0)
        pids = {int(pid) for pid in note.read_text().split()} - {holder.pid}
        assert all(runs(pid) for pid in pids)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    wait_for(lambda: not any(runs(pid) for pid in pids), 1.0)
