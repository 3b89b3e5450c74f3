"""Shows a toast in Windows by one short run of powershell.exe. Written from documentation: not yet seen on Windows."""

from __future__ import annotations

from typing import Final

from wsltop.host.interop import POWERSHELL, Windows
from wsltop.host.powershell import OPTIONS
from wsltop.host.relay import Relay
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean

LONGEST: Final = 300
"""Characters of a text; a toast shows about as many."""
SCRIPT: Final = ";".join(
    (
        "$ErrorActionPreference='Stop'",
        "$env:PSModulePath=$PSHOME+'/Modules'",
        "[Console]::Out.WriteLine('wsltop')",
        "$text=foreach($row in @(1,2))"
        "{-join@(foreach($code in [Console]::In.ReadLine().Split(',')){[char][int]$code})}",
        "$kinds=foreach($name in @('ToastNotificationManager','ToastNotification'))"
        "{[Type]::GetType('Windows.UI.Notifications.'+$name+',Windows.UI.Notifications,ContentType=WindowsRuntime')}",
        "$manager=$kinds[0]",
        "$kind=$kinds[1]",
        "$page=$manager::GetTemplateContent(5)",
        "$rows=$page.GetElementsByTagName('text')",
        "foreach($k in @(0,1)){$null=$rows.Item($k).AppendChild($page.CreateTextNode($text[$k]))}",
        "$id='{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}/WindowsPowerShell/v1.0/powershell.exe'"
        " -replace '/',[string][char]92",
        "$manager::CreateToastNotifier($id).Show($kind::new($page))",
    )
)
"""The whole script; no text of ours is in it.

It prints a line before it touches its input: a relay whose program printed nothing must not end. Then it reads two
lines, a title and a text, as decimal UTF-16 code units with commas between. Template 5 is ToastText02: a title of one
line and a text that wraps. In constrained language it fails, and Windows shows nothing.
"""


def encode_text(text: str) -> bytes:
    """A text as decimal UTF-16 code units: whatever is in it, what PowerShell reads is digits and commas."""
    data = clean(text)[:LONGEST].encode("utf-16-le", "replace") or b" \0"
    return ",".join(str(int.from_bytes(data[at : at + 2], "little")) for at in range(0, len(data), 2)).encode()


def show_toast(windows: Windows, title: str, text: str) -> Relay | Unavailable:
    """Start the program that shows it; ``leave`` the relay once its ``read`` has returned something, or later.

    It is not started by ``start_relay``: the one program that asks for Windows' figures may run at the same time.
    """
    launch = windows.prepare(POWERSHELL, *OPTIONS, SCRIPT)
    if isinstance(launch, Unavailable):
        return launch
    told = encode_text(title) + b"\n" + encode_text(text) + b"\n"
    try:
        return Relay(launch.command, directory=launch.directory, environment=launch.environment, text=told)
    except OSError as error:
        return Unavailable(f"cannot start powershell.exe: {error.strerror}")
