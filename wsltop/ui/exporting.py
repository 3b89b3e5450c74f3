"""What leaves the screen: toasts, the text report, pictures; and how the app was asked to look."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from textual.app import App
from textual.notifications import SeverityLevel

from wsltop.charts.glyphs import Glyphs
from wsltop.host.distros import ask_distros
from wsltop.host.interop import Launch, Windows
from wsltop.model.distros import NOT_RECORDED
from wsltop.model.text import clean
from wsltop.report.issue import IssueInput, issue
from wsltop.report.redact import this_machine
from wsltop.ui.presenter import Presenter


class ScreenOptions(Struct, frozen=True, kw_only=True):
    """How the screen looks and behaves; decided before it starts."""

    glyphs: Glyphs
    color: bool
    theme: str | None
    hog_size: int
    state_folder: Path
    clip: Launch | None = None
    """How to start Windows' clip.exe, inside WSL."""
    osc52: bool = True
    patience: float | None = None
    """Seconds without key and movement after which the screen looks less often; ``None``: never."""
    drive: Path | None = None
    """Where the user says that Windows' system drive is mounted."""
    windows: Windows | None = None
    """The Windows that a report asks for its distributions; None in a replay."""


class ExportingApp(App[None]):
    """An app whose screen can be copied and saved."""

    options: ScreenOptions
    presenter: Presenter

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast; what it tells may come from outside, so it is cleaned line by line and never markup."""
        message = "\n".join(clean(line) for line in message.split("\n"))
        super().notify(message, title=clean(title), severity=severity, timeout=timeout, markup=markup)

    def copy_report(self) -> None:
        """Copy what the screen says, names taken out, without keeping the screen waiting for a clipboard."""
        moment = self.presenter.moment
        if moment is None:
            return
        case = IssueInput(
            moment=moment,
            findings=self.presenter.findings,
            events=tuple(self.presenter.state.events(self.presenter.session)),
            config=self.presenter.insight.config,
            origin="taken from the screen",
        )
        self.run_worker(lambda: self._copy(case), thread=True, exit_on_error=False, group="copy")

    def _copy(self, case: IssueInput) -> None:
        from wsltop.ui.clipboard import copy_text

        windows = self.options.windows
        roster = NOT_RECORDED if windows is None else ask_distros(windows)
        text = issue(replace(case, roster=roster), this_machine())
        file = self.options.state_folder / f"report-{stamp()}.txt"
        terminal = self._copy_to_terminal if self.options.osc52 else None
        try:
            where = copy_text(text, clip=self.options.clip, terminal=terminal, file=file)
        except OSError as error:
            self.call_from_thread(self.notify, f"cannot write {file}: {error.strerror}", severity="error")
            return
        self.call_from_thread(self.notify, where)

    def _copy_to_terminal(self, text: str) -> None:
        self.call_from_thread(self.copy_to_clipboard, text)

    def save_picture(self) -> None:
        """Save the screen as an SVG picture."""
        folder = self.options.state_folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = self.save_screenshot(f"wsltop-{stamp()}.svg", str(folder))
        except OSError as error:
            self.notify(f"cannot write below {folder}: {error.strerror}", severity="error")
            return
        self.notify(f"saved {path}")


def stamp() -> str:
    """The time of now for a file's name."""
    return time.strftime("%Y%m%d-%H%M%S")
