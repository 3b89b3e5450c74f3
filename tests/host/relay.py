#!/usr/bin/python3
"""Stands in for WSL's ``/init`` as the interpreter of programs that begin with ``MZ``, and for the program behind it.

Arguments as the kernel gives them with the P flag of binfmt_misc: full path, argv[0], arguments. As WSL's binfmt.cpp
does it: the end of stdin is passed on; SIGINT passes it on and ends the relay with status 1; a failed write is
complained about and survived where SIGPIPE was ignored on entry, else SIGPIPE ends it.

Beside this file lie what it shall do, as files, because a program may start it with an environment of its own:
``boot``, ``boot-NAME`` (seconds until Windows has made it), ``constrained`` (PowerShell does not notice the end of
stdin), ``refuse`` (Windows answers EINVAL), ``silent`` (it never answers), ``utf16``. It writes ``log``, a line each:
"started", "first line", and "relay gone: by itself, WHY" or "KILLED early" (before the first output: WSL#41173, a
thread of Windows spins) or "KILLED late" (Windows ends the program); ``cmdline`` and ``environ`` are those of the last
program, ``clip`` is what clip.exe took.
"""
# It starts in 20 ms, and uses only what that allows.
# ruff: noqa: PTH100, PTH108, PTH109, PTH110, PTH119, PTH120, PTH123, PTH208

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from typing import NoReturn

HERE = os.path.dirname(os.path.abspath(__file__))
BEGAN = time.monotonic()
SIGPIPE_IGNORED = bool(int(os.environ.pop("RELAY_SIGIGN", "0"), 16) >> (signal.SIGPIPE - 1) & 1)
FULL, ARGUMENTS = sys.argv[1], sys.argv[3:]
NAME = os.path.basename(FULL)
VM = '{"name":"vmmemWSL","pid":"4242","working_set":"%d","private":"1073741824"}'
ROW = '"vmmemWSL","4242","Services","0","2,929,688 K"\r\n'
LIST = "  NAME            STATE     VERSION\r\n* Ubuntu-24.04    Running   2\r\n  docker-desktop  Stopped   2\r\n"
VERSION = "WSL version: 2.7.11.0\r\nKernel version: 6.6.87.2-1\r\nWindows version: 10.0.26100.4349\r\n"


def there(name: str) -> bool:
    return os.path.exists(f"{HERE}/{name}")


def log(text: str) -> None:
    with open(f"{HERE}/log", "a") as file:
        file.write(f"{time.monotonic() - BEGAN:.2f} {os.getpid()} {NAME} {text}\n")


def command_line(arguments: list[str]) -> str:
    """The one string that Windows gets (FormatCommandLine in WSL's interop.cpp)."""
    words = []
    for argument in arguments:
        if argument and not any(char in ' \t\r\n"' for char in argument):
            words.append(argument)
            continue
        quoted, backslashes = '"', 0
        for char in argument:
            if char == "\\":
                backslashes += 1
            else:
                quoted += "\\" * (2 * backslashes + 1 if char == '"' else backslashes) + char
                backslashes = 0
        words.append(quoted + "\\" * (2 * backslashes) + '"')
    return " ".join(words)


def watch_over() -> int:
    """Fork a process that learns how this one ends, however that is; returns how to tell it."""
    reading, writing = os.pipe()
    pid = os.getpid()
    if os.fork():
        os.close(reading)
        return writing
    os.close(writing)
    for descriptor in range(3, 64):
        if descriptor != reading:
            with contextlib.suppress(OSError):
                os.close(descriptor)  # the lock among them
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    os.setsid()
    words = b""
    while chunk := os.read(reading, 4096):
        words += chunk
    said = words.decode().splitlines()
    last = said[-1] if said else ""
    with contextlib.suppress(OSError):
        os.unlink(f"{HERE}/running-{pid}")
    how = "by itself, " + last[4:] if last.startswith("end ") else "KILLED late" if "first" in said else "KILLED early"
    with open(f"{HERE}/log", "a") as file:
        file.write(f"{time.monotonic() - BEGAN:.2f} {pid} {NAME} relay gone: {how}\n")
    os._exit(0)


TELL = watch_over()


def end(why: str, status: int = 0) -> NoReturn:
    os.write(TELL, f"end {why}\n".encode())
    os._exit(status)


def say(text: str) -> None:
    """Write what Windows says; the first output is noted, because from then on Windows reads."""
    data = text.encode("utf-16-le" if there("utf16") or NAME == "wsl.exe" else "ascii")
    os.write(TELL, b"first\n")
    log("first line")
    signal.signal(signal.SIGPIPE, signal.SIG_IGN if SIGPIPE_IGNORED else signal.SIG_DFL)
    try:
        os.write(1, data)
    except OSError:
        log("write failed, goes on")


class Input:
    """Standard input, and what has come of it."""

    def __init__(self) -> None:
        self.ended = False
        self.data = b""

    def look(self, seconds: float) -> None:
        if self.ended:
            time.sleep(seconds)
        elif select.select([0], [], [], seconds)[0]:
            piece = os.read(0, 65536)
            self.data += piece
            if not piece:
                self.ended = True
                log("stdin closed")


def boot(stdin: Input) -> None:
    """Wait as long as Windows takes to create the process."""
    own = f"boot-{NAME}"
    ready = BEGAN + float(open(f"{HERE}/{own if there(own) else 'boot'}").read())  # noqa: SIM115
    while time.monotonic() < ready or there("silent"):
        stdin.look(0.02)
        if signal.SIGINT in signal.sigpending():
            os._exit(1)  # the control socket closes before Windows' first read: as bad as a kill


MEASURED = """C:\\Users\\Mustermann\\Documents\\PowerShell\\Modules
FullLanguage
5.1.26100.4202
10.0.26100.0
437
True
GetProcesses x20 ms 240 n 280
Get-Process x20 ms 310
Refresh x20 ms 12 n 1
vmmemWSL 4242 ws 3000000000 private 3100000000
wslhost 77 cpu 1.5
wslservice 78 cpu denied
self cpu s 0.71 private 71000000 ws 82000000
cim KiB 9000000000 8000000 build 26100
"""


def powershell(stdin: Input) -> NoReturn:
    """A line a second until stdin ends, or for ever in Constrained Language Mode."""
    if "GetProcesses x20" in ARGUMENTS[-1]:
        say(MEASURED.replace("\n", "\r\n"))
        end("measured")
    open(f"{HERE}/running-{os.getpid()}", "w").close()
    language = "ConstrainedLanguage" if there("constrained") else "FullLanguage"
    for number in range(600):
        row = VM % (3_000_000_000 + number)
        say(
            f'{{"wsltop":1,"mode":"{language}","processes":[{row}],"total":"34000000000","available":"9000000000"}}\r\n'
        )
        until = time.monotonic() + 1.0
        while (left := until - time.monotonic()) > 0:
            stdin.look(min(left, 0.05))
            if stdin.ended and language == "FullLanguage":
                end(f"stdin EOF after {number + 1} lines")
            if signal.SIGINT in signal.sigpending():
                end("SIGINT", 1)
    end("600 lines")


def clip(stdin: Input) -> NoReturn:
    while not stdin.ended:
        stdin.look(0.1)
    with open(f"{HERE}/clip", "wb") as file:
        file.write(stdin.data)
    end("took the text")


def wsl(stdin: Input) -> NoReturn:
    if "-e" in ARGUMENTS:  # a program of the distribution, as root: here with this process's rights
        while not stdin.ended:
            stdin.look(0.1)
        reading, writing = os.pipe()
        os.write(writing, stdin.data)
        os.close(writing)
        os.dup2(reading, 0)
        os.write(TELL, b"end became tee\n")
        os.set_inheritable(TELL, False)
        words = ARGUMENTS[ARGUMENTS.index("-e") + 1 :]
        os.execv(words[0], words)  # noqa: S606
    say(VERSION if "--version" in ARGUMENTS else "Ubuntu-24.04\r\n" if "--running" in ARGUMENTS else LIST)
    end("answered")


def main() -> None:
    with open(f"{HERE}/cmdline", "w") as file:
        file.write(command_line([os.path.basename(sys.argv[2]), *ARGUMENTS]))
    with open(f"{HERE}/environ", "w") as file:
        file.write(repr((os.getcwd(), sorted(os.environ))))
    session = "own" if os.getsid(0) == os.getpid() else "shared"
    log(f"started, SIGPIPE {'ignored' if SIGPIPE_IGNORED else 'default'}, session {session}")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if there("refuse"):
        os.write(2, f"{FULL}: Invalid argument\n".encode())
        end("refused", 1)
    stdin = Input()
    boot(stdin)
    if NAME == "powershell.exe":
        powershell(stdin)
    elif NAME == "clip.exe":
        clip(stdin)
    elif NAME == "tasklist.exe":
        if "IMAGENAME eq powershell.exe" in ARGUMENTS:
            running = [name.split("-")[1] for name in os.listdir(HERE) if name.startswith("running-")]
            rows = [f'"powershell.exe","{pid}","Console","1","80,000 K"\r\n' for pid in running]
            say("".join(rows) or "INFO: No tasks are running which match the specified criteria.\r\n")
            end("listed")
        say(
            ROW
            if "vmmem*" in " ".join(ARGUMENTS)
            else "INFO: No tasks are running which match the specified criteria.\r\n"
        )
        end("answered")
    elif NAME == "wsl.exe":
        wsl(stdin)
    else:
        end("exit 300", 300 & 0xFF)


main()
