"""Ties QEMU to this process and then becomes it: ``python -I -S tie.py PARENT COMMAND ARG …``.

When the parent ends, however it ends, the kernel kills QEMU (prctl(2), PR_SET_PDEATHSIG). Huge pages are kept from it
(PR_SET_THP_DISABLE): the host would give and take the guest's memory 2 MiB at a time, and WSL asks Windows for small
pages as well. Both settings survive ``execve``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_THP_DISABLE = 41

if __name__ == "__main__":
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell: that is the point
