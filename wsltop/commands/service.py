"""A systemd user unit that runs a command of wsltop."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Final

from wsltop import __version__

PLAIN: Final = re.compile(r"[\w@+=:,./-]+", re.ASCII)
"""What needs no quotes in a unit, see systemd.service(5)."""
TEMPLATE: Final = """\
# A systemd user unit, printed by wsltop {version}. Save it as ~/.config/systemd/user/{name}.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now {name}
# WSL must run systemd: [boot] systemd=true in /etc/wsl.conf. systemd does not keep WSL alive: when Windows no longer
# uses the VM it ends, and this unit with it; it starts again with WSL.
[Unit]
Description={description}

[Service]
ExecStart={command}
# Programs of Windows must be asked to end by wsltop, and not get systemd's signal first.
KillMode=process
SuccessExitStatus=143
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""


def service_unit(name: str, description: str, arguments: Sequence[str]) -> str:
    """The text of the unit ``name``, which runs wsltop with these arguments."""
    command = " ".join(quote(word) for word in (*program(), *arguments))
    return TEMPLATE.format(version=__version__, name=name, description=description, command=command)


def program() -> tuple[str, ...]:
    """How to start this wsltop from anywhere, an absolute path first."""
    script = os.path.abspath(sys.argv[0])  # noqa: PTH100 - a link such as pipx makes stays what it is
    if script.endswith(("/wsltop", ".pyz")) and os.path.isfile(script) and os.access(script, os.X_OK):  # noqa: PTH113 - a text
        return (script,)
    return (sys.executable, "-m", "wsltop")


def quote(word: str) -> str:
    """A word of ExecStart; ``%`` and ``$`` would be replaced by systemd."""
    if PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"' + escaped.replace("\n", "\\n") + '"'
