"""Runs a virtual machine that gives memory back as WSL2's does.

python -m tests.vm check [WORD …] [--write] [--within SECONDS]
                                                 run the scenarios, print the table, fail when one does not hold
python -m tests.vm run [OPTION …] -- COMMAND …   run a command in the guest
python -m tests.vm record [FILE]                 take the recording that comes with the package
python -m tests.vm fetch                         fetch the parts only
python -m tests.vm calibrate --seeds N [--jobs N] [--kept FOLDER] [--within SECONDS]
                                                 predict and measure random mixtures of fresh seeds, and score it
python -m tests.vm list                          name the scenarios
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from tests.vm.calibrate import calibrate
from tests.vm.check import check
from tests.vm.machine import Machine
from tests.vm.missing import MachineFailed, PartsMissing
from tests.vm.parts import get_parts
from tests.vm.recording import packaged, record
from tests.vm.scenarios import ROWS

SKIPPED = 77
"""The status of a skipped test, as automake has it."""


def main() -> int:
    """Run what was asked for."""
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    options = parse_arguments()
    try:
        if options.command == "check":
            return check(options.words, write=options.write, within=options.within)
        if options.command == "calibrate":
            return calibrate(options.seeds, options.kept, options.within, options.jobs)
        if options.command == "run":
            return run(options)
        if options.command == "record":
            record(options.file or packaged())
            return 0
        if options.command == "fetch":
            print(get_parts().kernel.parent)
        else:
            print("\n".join(row.name for row in ROWS))
    except PartsMissing as why:
        print(f"vm: skipped: {why}", file=sys.stderr)
        return SKIPPED
    except MachineFailed as why:
        print(f"vm: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(options: argparse.Namespace) -> int:
    """Run a command in the guest, and stream what it prints; its exit status."""
    parts = get_parts(options.kernel)
    began = time.monotonic()
    order = None if options.order < 0 else options.order
    with Machine(
        parts,
        memory=options.memory,
        order=order,
        reporting=not options.no_reporting,
        cpus=options.cpus,
        swap=options.swap,
        cmdline=options.cmdline,
    ) as machine:
        print(f"vm: booted in {machine.boot_seconds:.1f} s", file=sys.stderr)
        job = machine.start(*options.argv)
        for said in job.stream(options.timeout):
            sys.stdout.buffer.write(said)
            sys.stdout.buffer.flush()
        code = job.code if job.code is not None else 1
    print(f"vm: status {code}, {time.monotonic() - began:.1f} s in all", file=sys.stderr)
    return code if code >= 0 else 128 - code


def end(number: int, frame: object) -> NoReturn:
    """Take the machine down before the end."""
    raise SystemExit(128 + number)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm", description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    checks = commands.add_parser("check", help="run the scenarios and print the table")
    checks.add_argument("words", nargs="*", metavar="WORD", help="only scenarios whose name holds one of these")
    checks.add_argument("--within", type=float, metavar="SECONDS", help="begin no scenario that would end later")
    checks.add_argument("--write", action="store_true", help="put the table into README.md")
    runs = commands.add_parser("run", help="run a command in the guest")
    runs.add_argument("--memory", type=int, default=4096, metavar="MIB", help="RAM of the guest [4096]")
    runs.add_argument("--order", type=int, default=5, help="reporting order; -1 leaves the driver's [5]")
    runs.add_argument("--kernel", choices=("6.1", "6.18"), default="6.1", help="Debian's 6.1 or 6.18 [6.1]")
    runs.add_argument("--cpus", type=int, default=2, help="CPUs of the guest [2]")
    runs.add_argument("--swap", type=int, default=0, metavar="MIB", help="swap of the guest [0]")
    runs.add_argument("--cmdline", default="", help="more of the kernel's command line")
    runs.add_argument("--no-reporting", action="store_true", help="a hypervisor that takes no free pages back")
    runs.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="for the command [300]")
    runs.add_argument("argv", nargs="+", metavar="COMMAND")
    records = commands.add_parser("record", help="take the recording that comes with the package")
    records.add_argument("file", nargs="?", type=Path, help="where it goes [wsltop/recording/sample.wsltop]")
    scores = commands.add_parser("calibrate", help="score predictions on random mixtures")
    scores.add_argument("--seeds", type=int, default=0, help="how many fresh seeds; 0 scores what is kept [0]")
    scores.add_argument("--jobs", type=int, default=1, help="machines at a time, where they have room [1]")
    scores.add_argument("--within", type=float, metavar="SECONDS", help="begin no trial after that")
    scores.add_argument("--kept", type=Path, metavar="FOLDER", help="where trials are kept [the cache]")
    commands.add_parser("fetch", help="fetch the parts only")
    commands.add_parser("list", help="name the scenarios")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
