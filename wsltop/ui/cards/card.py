"""Texts over the main screen that scroll where the terminal is smaller, each with a footer of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final

from msgspec.structs import replace
from textual.actions import parse
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.css.scalar import ScalarOffset
from textual.events import Resize
from textual.screen import ModalScreen, ScreenResultType
from textual.widget import Widget
from textual.widgets import Static

from wsltop.charts.cells import Glyphs, Line
from wsltop.ui.panels.footer import KeyBarView, KeyHint, KeyRow
from wsltop.ui.panels.panel import Panel, fit_spans, fold_spans

CARD_KEYS: Final = (("v", "verdict", "why"), ("b", "ledger", "bytes"), ("p", "holders", "who"))
"""Keys that change to another card, its name, and the word for the footer."""
WIDTH = 77
"""Cells of a card's text: what fits on a terminal of 80 with a blank on each side and the scroll bar."""
READABLE: Final = 117
"""Cells of a longer text where the terminal has room for them: longer lines are hard to follow."""
CLEAR: Final = 4
"""Rows at the top of the screen below that a card leaves free where it can: the status line and the bars."""
BORDER = 2
"""Columns of a card that hold no text: the blank at its left and the scroll bar."""
MARGIN: Final = 8
"""Columns of the screen below that must show at each side; a card that would leave fewer takes them too."""
TALL: Final = 10_000
"""Pages of a text that is longer than any."""


class CardText(Panel[tuple[Line, ...]]):
    """The lines of a card."""

    def paint(self, view: tuple[Line, ...], width: int, height: int) -> list[Line]:
        """The lines, fitted."""
        return [fit_spans(line, width, self.glyphs) for line in view]


class TextScreen(ModalScreen[ScreenResultType]):
    """A text over the main screen: it scrolls, folds its lines to the terminal, and names the keys that work here.

    A subclass gives the text in ``text_lines`` and its keys in ``BINDINGS``. Those with ``show`` stand in the footer in
    their order, those of the subclass first; Escape stands at the right end.

    Args:
        glyphs: what it is drawn with.
        wide: cells of the text where the terminal has room for them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_text(1)", "scroll", key_display="j k"),
        Binding("k,up", "scroll_text(-1)", "up", show=False),
        Binding("pagedown", "page_text(1)", "page down", show=False),
        Binding("pageup", "page_text(-1)", "page up", show=False),
        Binding("home", f"page_text(-{TALL})", "top", show=False),
        Binding("end,G", f"page_text({TALL})", "bottom", show=False),
    ]

    at_bottom: ClassVar = False
    """Whether it always ends at the last row. There its keys stand in the row of the main footer, which they cover."""

    def __init__(self, glyphs: Glyphs, *, wide: int = WIDTH) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.wide = wide
        self._lines = 0
        """Rows of the text."""
        self._notice = ""

    def text_lines(self, width: int) -> Iterable[Line]:
        """The text for ``width`` cells; longer lines go on in the next row."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The text, and the keys, which always show."""
        yield Static(id="foot")
        with Vertical():
            with VerticalScroll(can_focus=False):
                yield CardText(self.glyphs, id="card")
            yield KeyRow(self.glyphs, id="card-keys")

    def on_mount(self) -> None:
        """Show the text."""
        self.show_lines()

    def on_resize(self, _event: Resize) -> None:
        """Fold the lines to the new width."""
        self.show_lines()

    def sample_taken(self) -> None:
        """Bring the text up to a new sample; what asks something stays as it was read, as a rule."""

    def show_lines(self) -> None:
        """Show what there is to tell now, in a box that the terminal has room for."""
        columns, rows = self.size
        if not self.query(CardText) or not columns:  # not composed yet
            return
        box = max(WIDTH, self.wide) + BORDER + 1
        box = columns if box + 2 * MARGIN > columns else box
        width = max(1, min(self.wide, box - BORDER))
        lines = tuple(row for line in self.text_lines(width) for row in fold_spans(line, width))
        text, scroll = self.query_one(CardText), self.query_one(VerticalScroll)
        room = max(1, rows - 1)
        self._lines = len(lines)
        whole = self.query_one(Vertical)
        set_size(whole, width=box)
        free = rows - min(len(lines), room) - 1
        down = 0 if self.at_bottom else max(0, min(CLEAR, free) - free // 2)
        if whole.styles.offset != ScalarOffset.from_offset((0, down)):
            whole.styles.offset = (0, down)
        set_size(text, width=width, height=len(lines))
        set_size(scroll, height=min(len(lines), room))
        self.query_one("#foot").display = self.at_bottom or len(lines) >= room
        text.show(lines)
        self._show_keys()

    def _show_keys(self) -> None:
        for keys in self.query(KeyRow):  # none before it is composed
            keys.show(replace(self.key_hints(), notice=self._notice))

    def show_notice(self, text: str) -> None:
        """Show what has just happened in the place of the keys, until ``text`` is empty."""
        self._notice = text
        self._show_keys()

    def use_glyphs(self, glyphs: Glyphs) -> None:
        """Draw it with other glyphs."""
        self.glyphs = glyphs
        for panel in self.query(Panel):
            panel.use_glyphs(glyphs)
        self.show_lines()

    def key_hints(self) -> KeyBarView:
        """The keys that do something here now; Escape stands at the right, whatever gives way."""
        taken: set[str] = set() if self.scrolls else {"j,down"}
        hints: list[KeyHint] = []
        pinned: list[KeyHint] = []
        for binding in (one for cls in type(self).__mro__ for one in vars(cls).get("BINDINGS", ())):
            if not isinstance(binding, Binding) or binding.key in taken:
                continue
            taken.add(binding.key)
            if not binding.show or not self._works(binding):
                continue
            action = binding.action if binding.action.startswith("app.") else f"screen.{binding.action}"
            # Where there is more to read than is shown, the keys that show it are never left out.
            now = binding.key == "j,down"
            hint = KeyHint(binding.key_display or binding.key.partition(",")[0], binding.description, action, now=now)
            (pinned if "escape" in binding.key else hints).append(hint)
        return KeyBarView(tuple(hints), tuple(pinned))

    def _works(self, binding: Binding) -> bool:
        """Whether its action, one of the app's or of this screen's, does something now."""
        place, name, parameters = parse(binding.action)
        return bool((self.app if place == "app" else self).check_action(name, parameters))

    @property
    def scrolls(self) -> bool:
        """Whether the text is longer than the terminal."""
        return self._lines > max(1, self.size.height - 1)

    def action_scroll_text(self, rows: int) -> None:
        """Scroll by some rows."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_page_text(self, pages: int) -> None:
        """Scroll by some pages."""
        scroll = self.query_one(VerticalScroll)
        scroll.scroll_relative(y=pages * max(1, scroll.size.height - 1), animate=False)


def set_size(widget: Widget, *, width: int | None = None, height: int | None = None) -> None:
    """Give a widget its cells; only a change counts, because each one makes Textual lay out the screen."""
    for name, cells in (("width", width), ("height", height)):
        now = getattr(widget.styles, name)
        if cells is not None and (now is None or now.value != cells):
            setattr(widget.styles, name, cells)


class Card(TextScreen[None]):
    """Shows the lines that ``tell`` gives, again at each sample; Escape, q or the key that opened it closes it.

    Args:
        glyphs: what it is drawn with.
        tell: gives the lines for a text of so many cells; longer lines go on in the next row.
        keys: names of the keys that close it, with commas between them.
        wide: cells of its text where the terminal has room for them.
        words: gives the actions that have another word than usual now, and that word.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close", key_display="Esc"),
        Binding("j,down", "scroll_text(1)", "scroll", key_display="j k"),
        *(Binding(key, f"app.change_card('{name}')", word) for key, name, word in CARD_KEYS),
        Binding("s", "app.save_screenshot", "picture"),
        Binding("y", "app.copy", "copy"),
        Binding("space", "app.pause", "pause"),
        Binding("left_square_bracket", "app.step(-1)", "step", key_display="[ ]"),
        Binding("right_square_bracket", "app.step(1)", "on", show=False),
        Binding("left_curly_bracket", "app.seek(-1)", "event", key_display="{ }"),
        Binding("right_curly_bracket", "app.seek(1)", "next event", show=False),
    ]

    def __init__(
        self,
        glyphs: Glyphs,
        tell: Callable[[int], Iterable[Line]],
        keys: str,
        *,
        wide: int = WIDTH,
        words: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        super().__init__(glyphs, wide=wide)
        self._tell, self._words = tell, words
        self._own_keys = frozenset(filter(None, keys.split(",")))
        for key in self._own_keys:
            self._bindings.key_to_bindings.pop(key, None)
            self._bindings.bind(key, "dismiss", show=False)

    def text_lines(self, width: int) -> Iterable[Line]:
        """What there is to tell."""
        return self._tell(width)

    def sample_taken(self) -> None:
        """Tell of the new sample."""
        self.show_lines()

    def key_hints(self) -> KeyBarView:
        """The keys that work here; not those that close it, besides Escape."""
        view, words = super().key_hints(), self._words()
        hints = [hint for hint in view.hints if hint.key not in self._own_keys]
        return KeyBarView(tuple(replace(hint, label=words.get(hint.action, hint.label)) for hint in hints), view.pinned)


class Question(TextScreen[bool]):
    """A text that asks: y does it, and every other key that closes it does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,enter,q", "answer(False)", "cancel", key_display="n"),
    ]

    @property
    def can(self) -> bool:
        """Whether y does anything now; what cannot run stays to be read."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        return action != "answer" or parameters != (True,) or self.can

    def action_answer(self, yes: bool) -> None:
        """Close it with the answer."""
        if self.can or not yes:
            self.dismiss(yes)
