"""Takes a kernel out of its compressed image, and lets it say that it is WSL's.

An emulated machine takes several times longer to decompress a kernel than to boot it, so this is done once, outside
(Documentation/arch/x86/boot.rst: the setup header of a bzImage). QEMU starts the ELF file by its PVH entry.
"""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
from pathlib import Path
from typing import Final

from tests.vm.missing import PartsMissing

SECTOR: Final = 512
SETUP_SECTORS: Final = 0x1F1
HEADER: Final = 0x202
PAYLOAD: Final = 0x248
ZSTD: Final = b"\x28\xb5\x2f\xfd"
FIELD: Final = 65
"""Bytes of a field of ``struct new_utsname`` (include/uapi/linux/utsname.h)."""


def unpack_image(image: bytes, zstd: Path | None = None) -> bytes:
    """The ELF file in a bzImage; ``zstd`` is the program for kernels that are compressed with it.

    Raises:
        PartsMissing: it is compressed in another way.
    """
    if image[HEADER : HEADER + 4] != b"HdrS":
        raise PartsMissing("the kernel is no bzImage")
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    start = (image[SETUP_SECTORS] + 1) * SECTOR + offset
    payload = image[start : start + length]
    if payload.startswith(b"\xfd7zXZ\x00"):
        kernel = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload)  # its length follows, which is no XZ
    elif payload.startswith(b"\x1f\x8b"):
        kernel = gzip.decompress(payload[:-4])
    elif payload.startswith(ZSTD) and zstd is not None:
        command = [str(zstd), "--decompress", "--stdout", "--quiet"]
        kernel = subprocess.run(command, input=payload[:-4], capture_output=True, check=True).stdout
    else:
        raise PartsMissing(f"the kernel is compressed in an unknown way ({payload[:4].hex()})")
    if not kernel.startswith(b"\x7fELF"):
        raise PartsMissing("the kernel is no ELF file")
    return kernel


def rename(kernel: bytes, file_name: str, release: str) -> bytes:
    """The kernel with ``release`` in ``uname -r`` and ``/proc/version``.

    Modules go in all the same: they are checked against another string. ``file_name`` is ``vmlinuz-RELEASE``.
    """
    fields = [b"Linux", b"(none)", file_name.removeprefix("vmlinuz-").encode()]
    old = b"".join(field.ljust(FIELD, b"\x00") for field in fields)
    new = b"".join(field.ljust(FIELD, b"\x00") for field in [*fields[:2], release.encode()])
    if old not in kernel:  # 6.1 holds it twice
        raise PartsMissing("the kernel does not hold its release where it should")
    return kernel.replace(old, new)
