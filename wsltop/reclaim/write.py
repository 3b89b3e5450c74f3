"""The program that writes its input to one file of the kernel: ``python -I -S write.py PATH < TEXT``.

A process of its own, because the kernel may take seconds over such a write and cannot be interrupted meanwhile. It
opens what is there and creates nothing. It fails with the kernel's reason, as ``tee`` words it. Imports only the
standard library.
"""

from __future__ import annotations

import os
import sys


def main(path: str, text: bytes) -> int:
    """Write ``text`` to ``path``; the exit code."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        os.write(file, text)
    except OSError as error:
        sys.stderr.write(f"write: {path}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin.buffer.read()))
