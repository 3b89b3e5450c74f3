"""The kernel log through commands, which misbehave, and the choice between the places."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant, script
from wsltop.child import Output, run_command
from wsltop.guest.kernel_log import (
    DmesgCommand,
    JournalCommand,
    KernelLogSource,
    open_kernel_log,
    parse_dmesg,
    parse_journal,
)
from wsltop.model.sample import KernelLog, KernelRecord, Unavailable

DMESG = """<5>[    0.000000] Linux version 6.6.87.2-microsoft-standard-WSL2
<6>[    0.157594] hv_balloon: Cold memory discard hint enabled with order 9
<12>[  600.986549] mini_init (175): drop_caches: 1
"""


def entry(text: object, time_us: int, **fields: str) -> str:
    return json.dumps(
        {
            "__CURSOR": f"s=1;i={time_us}",
            "PRIORITY": "6",
            "SYSLOG_FACILITY": "0",
            "_TRANSPORT": "kernel",
            "_SOURCE_MONOTONIC_TIMESTAMP": str(time_us),
            "MESSAGE": text,
        }
        | fields
    )


def answer(source: KernelLogSource, seconds: float = 5.0) -> KernelLog | Unavailable:
    source.read()
    assert source.wait(seconds)
    return source.read()


def read_until(source: KernelLogSource, count: int) -> list[KernelRecord]:
    """Poll like the sampler does, until so many records have come."""
    records: list[KernelRecord] = []
    deadline = time.monotonic() + 5
    while len(records) < count and time.monotonic() < deadline:
        log = source.read()
        if isinstance(log, KernelLog):
            records += log.records
        time.sleep(0.01)
    return records


def test_dmesg_in_raw_form() -> None:
    records = parse_dmesg(DMESG.encode() + b"<3>[  601.000001][   T12] caf\xc3\xa9\x1b[31m\n", first=40)
    assert [record.sequence for record in records] == [40, 41, 42, 43]
    assert (records[2].level, records[2].facility, records[2].monotonic) == (4, 1, 600.986549)
    assert records[3].text == "café"


def test_dmesg_of_util_linux_indents_and_escapes() -> None:
    text = (
        rb"<3>[ 1336.892027] write(/sys/fs/cgroup/memory.reclaim, 35785605"
        + b"\n"
        + rb"      ) failed caf\xc3\xa9 \x41"
    )
    (record,) = parse_dmesg(text)
    assert record.text == r"write(/sys/fs/cgroup/memory.reclaim, 35785605 ) failed café \x41"


def test_journal_entries() -> None:
    lines = [
        entry("mini_init (175): drop_caches: 1", 600986549),
        entry([99, 97, 102, 255], 2, PRIORITY="3"),
        entry("(747) ERROR: gone", 3, SYSLOG_FACILITY="1", SYSLOG_IDENTIFIER="init"),
        entry(None, 4),
        entry("no level", 5, PRIORITY="12"),
        entry("no time", 6, _SOURCE_MONOTONIC_TIMESTAMP="soon"),
        '{"MESSAGE": "no fields"}',
        "{cut off",
        "",
    ]
    records, cursor = parse_journal("\n".join(lines).encode(), first=7)
    assert [record.text for record in records] == [
        "mini_init (175): drop_caches: 1",
        "caf\ufffd",
        "init: (747) ERROR: gone",
    ]
    assert [record.sequence for record in records] == [7, 8, 9]
    assert (records[1].level, records[2].facility, records[0].monotonic) == (3, 1, 600.986549)
    assert cursor == "s=1;i=3"


@given(st.binary())
def test_garbage_is_no_record(data: bytes) -> None:
    parse_dmesg(data)
    parse_journal(data)


def test_dmesg_tells_only_what_is_new(tmp_path: Path) -> None:
    command = DmesgCommand(tmp_path)
    printed = [
        "<6>[    1.000000] a\n",
        "<6>[    1.000000] a\n<6>[    2.000000] b\n<6>[    2.000000] b\n",
        "<6>[    1.000000] a\n<6>[    2.000000] b\n<6>[    2.000000] b\n",
        "<6>[    2.000000] b\n<6>[    9.000000] c\n",
        "",
        "<6>[   10.000000] d\n",
    ]
    outputs = iter(printed)

    def run(_argv: Sequence[str]) -> Output:
        return Output(next(outputs).encode(), b"", 0)

    texts = []
    for _ in printed:
        records = command.fetch(run)
        assert not isinstance(records, Unavailable)
        texts.append([record.text for record in records])
    assert texts == [["a"], ["b", "b"], [], ["c"], [], ["d"]]


def test_busybox_is_asked_without_s(tmp_path: Path) -> None:
    busybox = script(tmp_path, "dmesg", f'[ "$*" = -r ] || exit 1\ncat <<"E"\n{DMESG}E')
    source = KernelLogSource(tmp_path, dmesg=busybox)
    log = answer(source)
    source.close()
    assert isinstance(log, KernelLog)
    assert (log.origin, len(log.records)) == ("dmesg", 3)


def test_a_log_that_grows_is_followed(tmp_path: Path) -> None:
    text = plant(tmp_path, "text", DMESG)
    source = KernelLogSource(tmp_path, dmesg=script(tmp_path, "dmesg", f"cat {text}"), interval=0.02)
    assert len(read_until(source, 3)) == 3
    with text.open("a") as log:
        log.write("<6>[  700.000000] sh (12): drop_caches: 3\n")
    (record,) = read_until(source, 1)
    assert (record.sequence, record.text) == (3, "sh (12): drop_caches: 3")
    source.close()


def test_when_dmesg_fails_the_journal_is_asked_and_its_cursor_used(tmp_path: Path) -> None:
    lines = plant(tmp_path, "lines", entry("first", 1) + "\n")
    asked = tmp_path / "asked"
    journal = script(tmp_path, "journalctl", f'echo "$*" >> {asked}\ncase "$*" in *after*) exit 0;; esac\ncat {lines}')
    source = KernelLogSource(tmp_path, dmesg=script(tmp_path, "dmesg", "exit 1"), journalctl=journal, interval=0.02)
    log = answer(source)
    assert isinstance(log, KernelLog)
    assert (log.origin, [record.text for record in log.records]) == ("journal", ["first"])
    deadline = time.monotonic() + 5
    while "--after-cursor=s=1;i=1" not in asked.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    source.close()
    assert "--after-cursor=s=1;i=1" in asked.read_text()


def test_a_journal_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    body = "echo 'No journal files were opened due to insufficient permissions.' >&2"
    command = JournalCommand(script(tmp_path, "journalctl", body))
    failure = command.fetch(lambda argv: run_command(argv, 5.0))
    assert failure == Unavailable("the journal's kernel messages may not be read")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'dmesg: read kernel buffer failed: Operation not permitted' >&2; exit 1", "Operation not permitted"),
        ("head -c 100000 /dev/urandom", "printed no record"),
        ("exit 0", "printed no record"),
        ("sleep 60", "did not answer in time"),
        ("sleep 60 & sleep 60", "did not answer in time"),
        ("yes '<6>[    1.000000] flood'", "printed too much"),
        ("yes >&2", "printed too much"),
    ],
)
def test_a_command_that_misbehaves_is_unavailable(tmp_path: Path, body: str, reason: str) -> None:
    source = KernelLogSource(tmp_path, dmesg=script(tmp_path, "dmesg", body), timeout=0.5)
    started = time.monotonic()
    log = answer(source)
    source.close()
    assert time.monotonic() - started < 3
    assert isinstance(log, Unavailable)
    assert log.reason.startswith("there is no /dev/kmsg, and ")
    assert reason in log.reason


def test_reading_never_waits_and_closing_kills(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    source = KernelLogSource(
        tmp_path, dmesg=script(tmp_path, "dmesg", f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 60")
    )
    started = time.monotonic()
    assert isinstance(source.read(), Unavailable)
    assert time.monotonic() - started < 0.2
    while not pid.exists():
        time.sleep(0.01)
    source.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "kernel-log"]


def test_records_nobody_reads_are_counted_as_lost(tmp_path: Path) -> None:
    text = "".join(f"<6>[{number:5}.000000] line\n" for number in range(1, 6001))
    source = KernelLogSource(tmp_path, dmesg=script(tmp_path, "dmesg", f"cat {plant(tmp_path, 'text', text)}"))
    log = answer(source)
    source.close()
    assert isinstance(log, KernelLog)
    assert (len(log.records), log.lost, log.records[0].sequence) == (500, 1000, 1000)


def test_without_any_place_it_is_unavailable(tmp_path: Path) -> None:
    source = open_kernel_log(tmp_path)
    assert source.read() == Unavailable("there is no /dev/kmsg, and there is neither dmesg nor journalctl")
    assert source.wait(0)
    source.close()


def test_commands_are_found_under_the_root_only(tmp_path: Path) -> None:
    script(tmp_path, "bin/dmesg", f'cat <<"E"\n{DMESG}E')
    source = open_kernel_log(tmp_path)
    log = answer(source)
    source.close()
    assert isinstance(log, KernelLog)
    assert len(log.records) == 3


def test_a_device_that_appears_takes_over_without_telling_twice(tmp_path: Path) -> None:
    source = KernelLogSource(tmp_path, dmesg=script(tmp_path, "dmesg", f'cat <<"E"\n{DMESG}E'))
    assert len(read_until(source, 3)) == 3
    plant(tmp_path, "dev/kmsg", "12,900,600986549,-;mini_init (175): drop_caches: 1\n6,901,700000000,-;new\n")
    log = source.read()
    source.close()
    assert isinstance(log, KernelLog)
    assert (log.origin, [record.text for record in log.records]) == ("kmsg", ["new"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(("restrict", "hint"), [("1\n", "dmesg_restrict=0"), ("0\n", "as root")])
def test_a_closed_log_tells_how_to_open_it(tmp_path: Path, restrict: str, hint: str) -> None:
    plant(tmp_path, "dev/kmsg", "").chmod(0)
    plant(tmp_path, "proc/sys/kernel/dmesg_restrict", restrict)
    log = open_kernel_log(tmp_path).read()
    assert isinstance(log, Unavailable)
    assert hint in log.hint


def test_children_get_no_input_and_little_environment(tmp_path: Path) -> None:
    output = run_command([str(script(tmp_path, "show", "cat; env | sort"))], 5.0)
    assert isinstance(output, Output)
    names = {line.partition("=")[0] for line in output.stdout.decode().splitlines()}
    assert names <= {"LC_ALL", "PATH", "PWD", "OLDPWD", "SHLVL", "_"}


def test_a_command_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    assert isinstance(run_command([str(tmp_path / "gone")], 1.0), Unavailable)
    plant(tmp_path, "noexec", "text").chmod(0o644)
    assert isinstance(run_command([str(tmp_path / "noexec")], 1.0), Unavailable)
