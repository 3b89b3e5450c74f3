"""The agent: runs commands in the guest that come over the serial port.

One JSON object per line. In: ``{"job": 1, "run": [PROGRAM, …], "env": {…}, "pty": [rows, columns] or null}``,
``{"job": 1, "input": TEXT}``, ``{"job": 1, "signal": 9}``, ``{"clock": true}``, ``{"end": true}``.
Out: ``{"ready": SECONDS OF UPTIME}``, ``{"job": 1, "out": TEXT}`` (bytes as latin-1), ``{"job": 1, "end": CODE}``,
``{"clock": SECONDS}``, the wall clock. Run as a program; single-threaded.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

CHUNK = 65536


class Job:
    """A running command, and where its output comes from."""

    def __init__(self, command: list[str], environment: dict[str, str], size: list[int] | None) -> None:
        if size is None:
            self.process = subprocess.Popen(
                command,
                env=os.environ | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.reader, self.writer = self.process.stdout.fileno(), self.process.stdin.fileno()
            return
        self.reader, terminal = os.openpty()
        self.writer = self.reader
        fcntl.ioctl(self.reader, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        # The first terminal that a new session opens becomes its controlling one; inherited, it would not.
        shell = ["/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(terminal), *command]
        self.process = subprocess.Popen(
            shell,
            env=os.environ | environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)


class Agent:
    """Serves one port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.rest = b""
        self.jobs: dict[int, Job] = {}

    def serve(self) -> None:
        """Serve until told to end."""
        self.send(ready=time.monotonic())
        while True:
            readers = {job.reader: number for number, job in self.jobs.items()}
            for ready in select.select([self.port, *readers], [], [])[0]:
                if ready != self.port:
                    self.forward(readers[ready])
                elif not self.listen():
                    return

    def listen(self) -> bool:
        """Take in what was sent; false at the end."""
        *lines, self.rest = (self.rest + os.read(self.port, CHUNK)).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "end" in message:
                return False
            if "clock" in message:
                self.send(clock=time.time())
            else:
                self.obey(message)
        return True

    def obey(self, message: dict[str, Any]) -> None:
        """Do what a message asks for; input for a job that has ended is lost."""
        number = message["job"]
        if "run" in message:
            try:
                self.jobs[number] = Job(message["run"], message.get("env", {}), message.get("pty"))
            except OSError as error:
                self.send(job=number, out=f"{message['run'][0]}: {error.strerror}\n")
                self.send(job=number, end=127)
        elif (job := self.jobs.get(number)) is not None:
            if "signal" in message:
                os.killpg(job.process.pid, message["signal"])
            else:
                os.write(job.writer, message["input"].encode())

    def forward(self, number: int) -> None:
        """Pass on what a job printed, or that it ended."""
        job = self.jobs[number]
        try:
            said = os.read(job.reader, CHUNK)
        except OSError:  # EIO: no program has the terminal open any more
            said = b""
        if said:
            self.send(job=number, out=said.decode("latin-1"))
            return
        self.send(job=number, end=job.process.wait())
        del self.jobs[number]
        if job.process.stdout is not None and job.process.stdin is not None:
            job.process.stdin.close()
            job.process.stdout.close()
        else:
            os.close(job.reader)

    def send(self, **message: object) -> None:
        """Send one message."""
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.port, data) :]


def find_port(name: str) -> str:
    """The device of a port of this name; without udev there is no link that says so."""
    for folder in Path("/sys/class/virtio-ports").iterdir():
        if (folder / "name").read_text().strip() == name:
            return f"/dev/{folder.name}"
    sys.exit(f"no port is named {name}")


if __name__ == "__main__":
    Agent(os.open(find_port("agent"), os.O_RDWR)).serve()
