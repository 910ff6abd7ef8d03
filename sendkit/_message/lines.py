"""Lines of text, written word by word: white space as html has it, blank lines between paragraphs, lists with marks.

Must not know html.
"""

from __future__ import annotations

_OF_A_TARGET = "/([#?&=%_+~@-"  # what would read on as a part of it
_DEPTH = 8  # levels of lists that are indented


class Lines:
    """Text that grows at its end."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._line: list[str] = []
        self._prefix = ""
        self._gap = 0  # how many line ends are due before the next word
        self._level = 0
        self._mark: str | None = None
        self._first_item = False
        self._fresh = False
        self._behind_target = False

    @property
    def all(self) -> list[str]:
        """The lines so far."""
        self.end()
        return self._done

    def text(self) -> str:
        """All of it, with one line end at its end."""
        return "\n".join(self.all).strip("\n") + "\n"

    def write(self, words: str) -> None:
        """Add words; white space that follows white space, or begins a line, is left out."""
        if not self._line or self._line[-1].endswith(" "):
            words = words.lstrip(" ")
        if words:
            if self._behind_target and (words[0].isalnum() or words[0] in _OF_A_TARGET):
                words = f" {words}"
            self.add(words)

    def target(self, address: str) -> None:
        """Add where a link leads: apart from the words around it; behind a block, on a line of its own."""
        alone = not self._line
        self.add(address if alone or self._line[-1].endswith(" ") else f" {address}")
        self._behind_target = True
        if alone and self._done:
            self.end()

    def add(self, words: str) -> None:
        """Add words as they are."""
        if not self._line:
            self._begin()
        self._line.append(words)
        self._behind_target = False

    def preformatted(self, text: str) -> None:
        """Add text whose line ends and white space stay."""
        first, *others = (text[1:] if self._fresh and text.startswith("\n") else text).split("\n")
        self._fresh = False
        if first:
            self.add(first)
        for line in others:
            if self._line:
                self.end()
                self._gap = 0
            else:
                self._begin()
                self._done.append(self._prefix.rstrip(" "))
            if line:
                self.add(line)

    def begin_preformatted(self) -> None:
        """A line end comes first, perhaps, which does not count."""
        self._fresh = True

    def lines(self, lines: list[str]) -> None:
        """Add whole lines."""
        self.end()
        for line in lines:
            self._begin()
            self._line.append(line)
            self.end()

    def new_line(self) -> None:
        """End the line; where it is empty, leave a blank one."""
        if self._mark is None:
            self.end(blank=not self._line and bool(self._done))

    def end(self, *, blank: bool = False) -> None:
        """End the line if it holds anything, and ask for a blank one behind it."""
        if self._line:
            self._done.append((self._prefix + "".join(self._line)).rstrip(" \t"))
            self._line = []
            self._behind_target = False
        if self._mark is None:
            self._gap = max(self._gap, 2 if blank else 1)

    def indent(self) -> None:
        """Begin a list."""
        if self._mark is not None:
            self.end_item()
        self._level += 1
        self._first_item = True

    def outdent(self) -> None:
        """End a list."""
        self.end()
        self._level -= 1

    def begin_item(self, mark: str) -> None:
        """Begin an item of a list; its mark goes in front of its first word."""
        self.end_item()
        self.end()
        if not self._first_item:
            self._gap = 1
        self._first_item = False
        self._mark = mark

    def end_item(self) -> None:
        """End an item; one that is empty is its mark alone."""
        if self._mark is not None:
            self.add("")
        self.end()

    def _begin(self) -> None:
        if self._gap > 1 and self._done:
            self._done.append("")
        self._gap = 0
        self._prefix = "  " * min(max(0, self._level - 1), _DEPTH)
        if self._mark is not None:
            self._prefix += self._mark
            self._mark = None
        elif self._level:
            self._prefix += "  "
