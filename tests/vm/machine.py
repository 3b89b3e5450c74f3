"""One virtual machine: QEMU as a child process, ended by its own handle whatever happens."""

from __future__ import annotations

import fcntl
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from tests.vm import initramfs, tie
from tests.vm.curve import ClockPair, Point
from tests.vm.link import Job, Link
from tests.vm.missing import MachineFailed
from tests.vm.parts import Parts
from tests.vm.windows import Windows, working_set

MIB: Final = 1024**2
DISK: Final = 8 << 30
"""Bytes of the disk below /var/tmp; its file is one hole."""
PREFIX: Final = "wsltop-vm-"
BOOT_TIME: Final = 90.0
ASKED: Final = 8
"""Times that the guest is asked for its clock."""
KVM_GET_API_VERSION: Final = 0xAE00


class Machine:
    """A running guest.

    Args:
        parts: what it is made of.
        memory: its RAM, MiB.
        order: the reporting order, written after boot; ``None`` leaves the driver's.
        reporting: whether the hypervisor takes free pages back at all.
        cpus: its CPUs.
        swap: swap on a disk of its own, MiB; 0: none.
        cmdline: more of the kernel's command line, such as ``init_on_alloc=0 transparent_hugepage=always``.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        memory: int = 4096,
        order: int | None = 5,
        reporting: bool = True,
        cpus: int = 2,
        swap: int = 0,
        cmdline: str = "",
    ) -> None:
        self.memory, self.order, self.reporting = memory, order, reporting
        self.cpus, self.swap, self.cmdline = cpus, swap, cmdline
        self.boot_seconds = 0.0
        self._parts = parts
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._aborted = False

    def __enter__(self) -> Machine:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self) -> None:
        began = time.monotonic()
        sweep()
        scratch = tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")
        self.folder = Path(self._stack.enter_context(scratch))
        (self.folder / "initramfs").write_bytes(initramfs.build(self._parts, self.order, self.cmdline))
        make_disk(self.folder / "disk", self._parts.mkfs)
        with (self.folder / "swap").open("wb") as file:
            file.truncate(self.swap * MIB)
        self._windows = Windows(self.folder / "c")
        errors = self._stack.enter_context((self.folder / "qemu.log").open("wb"))
        self._process = process = subprocess.Popen(
            [sys.executable, "-I", "-S", tie.__file__, str(os.getpid()), *self._command()],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
        self._stack.callback(end, process)
        self._link = Link(str(self.folder / "agent"), self.is_alive, BOOT_TIME)
        self._stack.callback(self._link.close)
        self._windows.watch(process.pid)
        self._stack.callback(self._windows.close)
        while True:
            with suppress(queue.Empty):
                self._link.ready.get(timeout=0.2)
                break
            if not self.is_alive() or time.monotonic() - began > BOOT_TIME:
                raise MachineFailed(f"the machine did not boot:\n{self.console()}")
        self._stack.callback(self._power_off, process)
        self.boot_seconds = time.monotonic() - began

    def _command(self) -> list[str]:
        order = "" if self.order is None else f"page_reporting.page_reporting_order={self.order} "
        balloon = "on" if self.reporting else "off"
        return [
            str(self._parts.qemu),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-smp", str(self.cpus)),
            *accelerator(),
            *("-m", str(self.memory), "-machine", "pc,memory-backend=ram"),
            *("-object", f"memory-backend-memfd,id=ram,size={self.memory}M,share=on"),
            *("-kernel", str(self._parts.kernel), "-initrd", str(self.folder / "initramfs")),
            *("-append", f"console=ttyS0 quiet panic=-1 printk.devkmsg=on {order}{self.cmdline}"),
            *("-serial", f"file:{self.folder / 'console'}"),
            *("-device", f"virtio-balloon-pci,free-page-reporting={balloon}"),
            *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
            *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host"),
            *("-fsdev", f"local,id=c,path={self.folder / 'c'},security_model=none,readonly=on"),
            *("-device", "virtio-9p-pci,fsdev=c,mount_tag=C:\\"),
            *("-drive", f"file={self.folder / 'disk'},format=raw,if=none,id=disk,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-serial-pci"),
            *self._swap_disk(),
            *("-chardev", f"socket,id=agent,path={self.folder / 'agent'},server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=agent"),
        ]

    def _swap_disk(self) -> tuple[str, ...]:
        if not self.swap:
            return ()
        drive = f"file={self.folder / 'swap'},format=raw,if=none,id=swap,cache=unsafe"
        return ("-drive", drive, "-device", "virtio-blk-pci,drive=swap")

    def is_alive(self) -> bool:
        """Whether QEMU runs."""
        return self._process is not None and self._process.poll() is None and not self._aborted

    def abort(self) -> None:
        """End QEMU now, from another thread: what waits for the guest gets an error, and cleans up."""
        self._aborted = True
        if self._process is not None:
            self._process.kill()

    def console(self) -> str:
        """The last that kernel and QEMU said."""
        texts = [(self.folder / name).read_text(errors="replace") for name in ("console", "qemu.log")]
        return "\n".join("\n".join(texts).splitlines()[-30:])

    def working_set(self) -> int:
        """Bytes of the guest's RAM that the host holds now."""
        if self._process is None or not self.is_alive():
            raise MachineFailed(f"the machine has ended:\n{self.console()}")
        return working_set(self._process.pid)

    @property
    def curve(self) -> tuple[Point, ...]:
        """What the host held so far, ten times a second, by the host's monotonic clock."""
        return tuple(self._windows.curve)

    def compare_clocks(self) -> ClockPair:
        """The guest's wall clock and the host's monotonic one at the same moment, by the quickest of some answers.

        Raises:
            MachineFailed: the agent does not answer.
        """
        pairs = [self._ask_clock() for _ in range(ASKED)]
        return min(pairs, key=lambda pair: pair.error)

    def _ask_clock(self) -> ClockPair:
        began = time.monotonic()
        self._link.send(clock=True)
        try:
            guest = self._link.clock.get(timeout=5.0)
        except queue.Empty:
            raise MachineFailed("the agent does not tell the time") from None
        ended = time.monotonic()
        return ClockPair((began + ended) / 2, guest, (ended - began) / 2)

    def start(self, *command: str, pty: tuple[int, int] | None = None, env: dict[str, str] | None = None) -> Job:
        """Start a command in the guest, in the project's folder."""
        return self._link.run(*command, pty=pty, env=env)

    def run(self, *command: str, timeout: float = 60.0) -> str:
        """Run a command in the guest to its end; what it printed.

        Raises:
            MachineFailed: it fails, or does not end in time.
        """
        job = self.start(*command)
        said = b"".join(job.stream(timeout)).decode(errors="replace")
        if job.code != 0:
            raise MachineFailed(f"{' '.join(command)[:200]} ended with {job.code}: {said[-2000:]}")
        return said

    def _power_off(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError):
            self._link.send(end=True)
        with suppress(subprocess.TimeoutExpired):
            process.wait(3.0)


def end(process: subprocess.Popen[bytes]) -> None:
    """End QEMU, gently first."""
    for act in (process.terminate, process.kill):
        if process.poll() is None:
            act()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5.0)


def sweep() -> None:
    """Remove the folders of machines whose program was killed: their QEMU ended with it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def accelerator() -> tuple[str, ...]:
    """How QEMU is to run the guest's code."""
    if has_kvm():
        return ("-accel", "kvm", "-cpu", "host")
    # Without ERMS: emulated, "rep stosb" goes byte by byte, and the guest clears its pages with it.
    return ("-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max,-erms")


def has_kvm() -> bool:
    """Whether KVM works. A device that opens is no proof: below some hypervisors it is there, and crawls."""
    if not re.search(r"^flags\s*:.*\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
        return False
    try:
        file = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return fcntl.ioctl(file, KVM_GET_API_VERSION) == 12
    except OSError:
        return False
    finally:
        os.close(file)


def make_disk(path: Path, mkfs: Path) -> None:
    """Make a disk with a file system; its file takes next to no room."""
    with path.open("wb") as file:
        file.truncate(DISK)
    options = ["-q", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", "-O", "^has_journal"]
    subprocess.run([str(mkfs), *options, str(path)], check=True, stdin=subprocess.DEVNULL)
