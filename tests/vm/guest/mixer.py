"""Makes a mixture of memory in the guest, acts on it, and copies the kernel's files: ``mixer.py``, lines of JSON.

In: ``{"take": [{"kind": KIND, "size": MIB, "seed": N, …}, …]}`` makes the ingredients, each in a process of its own,
all at the same time; ``{"copy": INDEX or null, "flags": BOOL}`` copies the files of ``FILES`` and of all processes and,
with ``flags``, the flags of every page and the pages of an ingredient's process; ``{"write": [PATH, TEXT]}`` writes a
kernel file; ``{"end": INDEX}`` ends an ingredient's process, and ``{"remove": INDEX}`` removes its files as well. One
line of JSON answers each. The standard library alone, so that it starts fast and its own memory is small.
"""

from __future__ import annotations

import base64
import ctypes
import fcntl
import json
import mmap
import os
import random
import resource
import shutil
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import Any

MIB = 1 << 20
PAGE = 4096
MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_PAGEOUT = 4, 8, 14, 15, 21
FOLDER = Path("/var/tmp/mixture")
FILES = (
    "proc/meminfo",
    "proc/vmstat",
    "proc/buddyinfo",
    "proc/zoneinfo",
    "proc/stat",
    "proc/cmdline",
    "proc/pagetypeinfo",
    "proc/slabinfo",
    "proc/uptime",
    "proc/swaps",
    "proc/sys/kernel/osrelease",
    "proc/sys/fs/dentry-state",
    "proc/sys/fs/inode-state",
    "sys/module/page_reporting/parameters/page_reporting_order",
    "sys/kernel/mm/transparent_hugepage/enabled",
)
SIZES = "sys/kernel/mm/transparent_hugepage"
OF_PROCESS = ("stat", "statm", "status", "smaps_rollup", "comm")
libc = ctypes.CDLL(None, use_errno=True)


def advise(memory: mmap.mmap, start: int, size: int, advice: int) -> None:
    """Give advice on a part of a mapping."""
    memory.madvise(advice, start, size)


def touch(memory: mmap.mmap, size: int) -> None:
    """Write one byte per page, with content that no page shares."""
    for start in range(0, size, 16 * MIB):
        end = min(start + 16 * MIB, size)
        memory[start:end:PAGE] = bytes(1 + (n & 127) for n in range(-(-(end - start) // PAGE)))
        time.sleep(0.02)  # so that the ingredients' pages lie between each other


def anonymous(size: int, *, huge: bool = False) -> mmap.mmap:
    """Private memory."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(MADV_HUGEPAGE if huge else MADV_NOHUGEPAGE)
    return memory


def runs(size: int, share: float, longest: int, draw: random.Random) -> list[tuple[int, int]]:
    """Random stretches of about ``share`` of ``size`` bytes, each of 1 to ``longest`` pages: start and length."""
    found, place = [], 0
    while place < size:
        length = draw.randint(1, longest) * PAGE
        length = min(length, size - place)
        if draw.random() < share:
            found.append((place, length))
        place += length
    return found


def make_anonymous(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Small pages, all held."""
    memory = anonymous(size)
    touch(memory, size)
    return memory


def make_holes(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Small pages, a share of which is freed in stretches of up to ``longest`` pages."""
    memory = anonymous(size)
    touch(memory, size)
    for start, length in runs(size, one["share"], one["longest"], draw):
        advise(memory, start, length, MADV_DONTNEED)
    return memory


def make_huge(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Huge pages; a share of their small pages is freed inside of them."""
    memory = anonymous(size, huge=True)
    touch(memory, size)
    for start, length in runs(size, one["share"], one["longest"], draw):
        advise(memory, start, length, MADV_DONTNEED)
    return memory


def make_lazyfree(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Memory that its program has given up (MADV_FREE) and the kernel has not taken yet."""
    memory = anonymous(size)
    touch(memory, size)
    advise(memory, 0, size, MADV_FREE)
    return memory


def make_swapped(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Memory of which a half is in swap, where there is any."""
    memory = anonymous(size)
    touch(memory, size)
    advise(memory, 0, size // 2, MADV_PAGEOUT)
    return memory


def make_locked(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Locked anonymous memory."""
    memory = anonymous(size)
    touch(memory, size)
    lock(memory, size)
    return memory


def lock(memory: mmap.mmap, size: int) -> None:
    """mlock(2) a mapping."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size)):
        raise OSError(ctypes.get_errno(), "mlock")


def make_pinned(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Every other page is held by a pipe (vmsplice(2)) and cannot be moved; the others are freed."""
    memory = anonymous(size)
    touch(memory, size)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    pipes = []

    class Piece(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    pages = size // PAGE
    for first in range(0, pages, 2 * 256):
        ends = os.pipe()
        fcntl.fcntl(ends[1], 1031, MIB)  # F_SETPIPE_SZ
        wanted = range(first, min(first + 512, pages), 2)
        pieces = (Piece * len(wanted))(*(Piece(address + page * PAGE, PAGE) for page in wanted))
        libc.vmsplice(ends[1], pieces, ctypes.c_size_t(len(wanted)), 0)
        pipes.append(ends)
    advise(memory, 0, size, MADV_DONTNEED)
    return memory, pipes


def make_shared(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """A file in memory that is mapped."""
    file = os.memfd_create("mixture")
    os.ftruncate(file, size)
    memory = mmap.mmap(file, size)
    touch(memory, size)
    return memory


def make_tmpfs(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """A file in a tmpfs that is not mapped."""
    path = Path(f"/dev/shm/mixture-{one['seed']}")
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(bytes(MIB))
    return path


def write_file(path: Path, size: int) -> None:
    """A file with content, on the disk."""
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(b"x" * MIB)
        file.flush()
        os.fsync(file.fileno())


def make_cache(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Page cache of one large file, read."""
    path = FOLDER / f"cache-{one['seed']}"
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        while file.read(4 * MIB):
            time.sleep(0.01)
    return path


def make_files(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Page cache of many small files of 4 to 64 KiB."""
    folder = FOLDER / f"files-{one['seed']}"
    folder.mkdir()
    done = number = 0
    while done < size:
        length = draw.randint(1, 16) * PAGE
        file = os.open(folder / str(number), os.O_RDWR | os.O_CREAT)
        os.ftruncate(file, length)
        os.pread(file, length, 0)
        os.close(file)
        done += length
        number += 1
    return folder


def make_mapped(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Page cache of a file of which a share is mapped, locked where ``locked`` says so; the rest was read."""
    path = FOLDER / f"mapped-{one['seed']}"
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        while file.read(4 * MIB):
            pass
    reading = os.open(path, os.O_RDONLY)
    memory = mmap.mmap(reading, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    held = int(size * one["share"]) // PAGE * PAGE
    total = sum(memory[:held:PAGE])
    if one.get("locked"):
        address = ctypes.c_void_p(libc_mmap(reading, held))
        libc.mlock(address, ctypes.c_size_t(held))
    return memory, total


def libc_mmap(file: int, size: int) -> int:
    """A second mapping, whose address ctypes may have although it is read-only."""
    libc.mmap.restype = ctypes.c_void_p
    sized = ctypes.c_size_t(size)
    return int(libc.mmap(None, sized, mmap.PROT_READ, mmap.MAP_SHARED, file, ctypes.c_long(0)))


def make_dirty(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Page cache that is not written yet, as far as the kernel lets it be."""
    path = FOLDER / f"dirty-{one['seed']}"
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(b"d" * MIB)
    return path


def make_names(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Negative dentries: names that were looked for and are not there; 192 bytes each and more."""
    os.chdir(FOLDER)  # a short way to each name: they are most of what a mixture costs to make
    for number in range(size // 200):
        os.access(f"{one['seed']}-{number}", os.F_OK)
    return None


def make_inodes(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Empty files, a share of which stays open: their dentries and inodes cannot be freed."""
    folder = FOLDER / f"inodes-{one['seed']}"
    folder.mkdir()
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (500_000, 500_000))
    for number in range(size // (1400)):
        file = os.open(folder / str(number), os.O_RDWR | os.O_CREAT)
        if draw.random() < one["share"]:
            held.append(file)
        else:
            os.close(file)
    return held


def make_group(size: int, one: dict[str, Any], draw: random.Random) -> object:
    """Anonymous memory and page cache, charged to a control group of their own."""
    group = Path(f"/sys/fs/cgroup/mixture-{one['seed']}")
    try:
        Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory")
        group.mkdir()
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        pass
    return make_anonymous(size // 2, one, draw), make_cache(size // 2, one, draw)


MAKERS = {name.removeprefix("make_"): maker for name, maker in list(globals().items()) if name.startswith("make_")}


class Mixer:
    """Holds the ingredients' processes."""

    def __init__(self) -> None:
        self.children: list[int] = []
        self.seeds: list[int] = []

    def take(self, wanted: list[dict[str, Any]]) -> dict[str, Any]:
        """Make the ingredients; which of them failed, and why."""
        FOLDER.mkdir(exist_ok=True)
        pipes = []
        for one in wanted:
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                self.hold(one, writer)
            os.close(writer)
            pipes.append(reader)
            self.children.append(child)
            self.seeds.append(one["seed"])
        said = []
        for reader in pipes:
            with os.fdopen(reader) as file:
                said.append(file.read())
        return {"made": said}

    def hold(self, one: dict[str, Any], writer: int) -> None:
        """Be an ingredient: make it, say so, and hold it until killed."""
        kept: object = None
        try:
            kept = MAKERS[one["kind"]](one["size"] * MIB, one, random.Random(one["seed"]))
            os.write(writer, b"ok")
        except (OSError, ValueError, KeyError, MemoryError) as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        os.close(writer)
        while kept is not self:
            signal.pause()

    def end(self, index: int) -> dict[str, Any]:
        """Kill an ingredient's process."""
        os.kill(self.children[index], signal.SIGKILL)
        os.waitpid(self.children[index], 0)
        return {"ended": index}

    def remove(self, index: int) -> dict[str, Any]:
        """Kill an ingredient's process, and remove its files."""
        for folder in (FOLDER, Path("/dev/shm")):
            for path in folder.glob(f"*-{self.seeds[index]}"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return self.end(index)

    def serve(self) -> None:
        """Answer until the input ends."""
        for line in sys.stdin:
            message = json.loads(line)
            if "take" in message:
                answer = self.take(message["take"])
            elif "copy" in message:
                index = message["copy"]
                of = None if index is None else self.children[index]
                files = copy_files() | (copy_pages(of) if message["flags"] else {})
                answer = {"files": files, "children": self.children}
            elif "write" in message:
                answer = write(*message["write"])
            elif "remove" in message:
                answer = self.remove(message["remove"])
            else:
                answer = self.end(message["end"])
            print(json.dumps(answer), flush=True)


def write(path: str, text: str) -> dict[str, Any]:
    """Write a kernel file."""
    try:
        file = os.open(path, os.O_WRONLY)
        os.write(file, text.encode())
        os.close(file)
    except OSError as error:
        return {"error": error.errno}
    return {"error": 0}


def copy(names: tuple[str, ...]) -> dict[str, str]:
    """The content of files below ``/``; what cannot be read is left out."""
    found = {}
    for name in names:
        try:
            found[name] = Path("/", name).read_text()
        except OSError:
            continue
    return found


def copy_files() -> dict[str, str]:
    """Everything that a prediction may look at."""
    sizes = [str(path.relative_to("/")) for path in Path("/", SIZES).glob("hugepages-*/stats/*")]
    of_processes = [
        f"proc/{entry}/{name}"
        for entry in sorted(path.name for path in Path("/proc").iterdir())
        if entry.isdecimal() and has_memory(entry)
        for name in OF_PROCESS
    ]
    return copy((*FILES, *sizes, *of_processes))


PAGE_FLAGS = "proc/kpageflags"
PAGE_BYTES = 4
"""Of the eight bytes of a page's flags: those that follow are for the kernel's developers."""


def copy_pages(pid: int | None) -> dict[str, str]:
    """The flags of every page and, with ``pid``, the pages of a process: columns of bytes, packed."""
    found = {PAGE_FLAGS: pack(read_wide(Path("/", PAGE_FLAGS)), PAGE_BYTES)}
    if pid is not None:
        entries = bytearray()
        maps = found[f"proc/{pid}/maps"] = Path(f"/proc/{pid}/maps").read_text()
        with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as file:
            for line in maps.splitlines():
                start, end = (int(place, 16) // PAGE for place in line.split(" ", 1)[0].split("-"))
                file.seek(start * 8)
                wide = file.read((end - start) * 8) if end < 1 << 40 else b""
                entries += b"".join(wide[n : n + 8] for n in range(0, len(wide), 8) if wide[n + 7] & 128)
        found["pagemap"] = pack(bytes(entries), 8)
    return found


def read_wide(path: Path) -> bytes:
    """A file of the kernel to its end, which it says no length of."""
    said = bytearray()
    with path.open("rb", buffering=0) as file:
        while more := file.read(MIB):
            said += more
    return bytes(said)


def pack(wide: bytes, count: int) -> str:
    """The first bytes of every eight, column by column, compressed."""
    return base64.b64encode(zlib.compress(b"".join(wide[n::8] for n in range(count)), 1)).decode()


def has_memory(pid: str) -> bool:
    """Whether a process is no kernel thread."""
    try:
        return not Path(f"/proc/{pid}/statm").read_text().startswith("0 ")
    except OSError:
        return False


if __name__ == "__main__":
    Mixer().serve()
