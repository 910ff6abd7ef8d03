"""Templates of the user's own: jinja2 with autoescape and StrictUndefined, blocks as values, css written into the tags.

A block leaves a mark where it stands; the html around the marks is inlined alone, and the blocks are put in afterwards,
with as many rows as there is room for. A template without `<html` is the inside of the usual card.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sendkit._message.plaintext import text_of
from sendkit.errors import MessageError
from sendkit.report._block import Block
from sendkit.report._blocks import inline_css
from sendkit.report._characters import one_line
from sendkit.report._extra import needed_for
from sendkit.report._figure import Figure
from sendkit.report._format import Spec, value_text
from sendkit.report._frame import is_frame
from sendkit.report._kpi import KPI, Tiles
from sendkit.report._markdown import Markdown
from sendkit.report._picture import is_figure
from sendkit.report._piece import Page, Piece
from sendkit.report._table import Table

if TYPE_CHECKING:
    from os import PathLike

    from jinja2 import Environment

_HEAD = re.compile(r"<head[^>]*>(.*?)</head>", re.DOTALL | re.IGNORECASE)
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)


@dataclass(slots=True, frozen=True, kw_only=True)
class Template:
    """The `name` of a template, where it is (`package` or `folder`, its `css` too), and its `values`.

    Raises MessageError for a block that is used where none may stand.
    """

    name: str
    package: str | None
    folder: str | PathLike[str] | None
    css: str | None
    values: Mapping[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        if (self.package is None) == (self.folder is None):
            raise _refuse(
                "either folder= or package= says where it is", "write folder='templates', or package='reports'"
            )
        blocks = {name: _as_blocks(value) for name, value in self.values.items()}
        object.__setattr__(self, "values", blocks)

    def figures(self) -> Iterator[Figure]:
        """The figures among the values."""
        yield from _figures(self.values)

    def fill(self, page: Page) -> Filled:
        """Render it. Raises MessageError, which says what is wrong and in which line."""
        filled = Filled(page, f"sendkit-{secrets.token_hex(8)}")
        environment = _environment(self, page)
        environment.filters["markdown"] = lambda text: _Slot(Markdown(str(text)), filled)
        values = {name: _slots(value, filled) for name, value in self.values.items()}
        html = self._rendered(environment, self.name, values)
        filled.whole = "<html" in html.lower()
        filled.html = inline_css(html, keep_media=True, extra=self.css)
        text = Path(self.name).with_suffix(".txt").as_posix()
        if text in environment.list_templates():
            filled.written = self._rendered(environment.overlay(autoescape=False), text, values)
        return filled

    def _rendered(self, environment: Environment, name: str, values: Mapping[str, Any]) -> str:
        import jinja2  # noqa: PLC0415 - of the extra

        try:
            return environment.get_template(name).render(values)
        except jinja2.TemplateNotFound as error:
            where = self.folder if self.package is None else f"package {self.package}"
            raise _refuse(f"there is no {error.name!r} in {where}", "check its name and place") from error
        except jinja2.TemplateSyntaxError as error:
            raise _refuse(f"{error.name}, line {error.lineno}: {error.message}", "correct it there") from error
        except jinja2.UndefinedError as error:
            told = ", ".join(sorted(self.values)) or "nothing"
            problem = f"{name}, line {_line(error, name)}: {error.message}"
            raise _refuse(problem, f"give it as a keyword; given are {told}") from error


@dataclass(slots=True)
class Filled:
    """A rendered template: its html with a mark for each block, and the blocks in their order."""

    page: Page
    mark: str
    pieces: list[Piece] = field(default_factory=list[Piece])
    blocks: list[Block] = field(default_factory=list[Block])
    html: str = ""
    inside: str = ""
    written: str | None = None
    whole: bool = False

    @property
    def title(self) -> str:
        """The title of the document, or nothing."""
        found = _TITLE.search(self.html)
        return one_line(text_of(found[1])) if found else ""

    def wrap(self, above: str, below: str) -> None:
        """Put the usual card around what is no document of its own."""
        body = _BODY.search(self.html)
        self.inside = body[1] if body else self.html
        self.html = f"{above}{self.inside}{below}"

    def split(self) -> list[str]:
        """The html between the blocks: one more than there are marks."""
        return re.split(f"{self.mark}-\\d+-", self.html)

    def order(self) -> list[int]:
        """Which piece stands at which mark."""
        return [int(found) for found in re.findall(f"{self.mark}-(\\d+)-", self.html)]

    def media(self) -> str:
        """The rules that stay in a style block; only of what stands within the card."""
        head = _HEAD.search(self.html)
        return "" if self.whole or head is None else "\n".join(_STYLE.findall(head[1]))

    def text(self, texts: Mapping[int, str]) -> str:
        """The plain text, with these texts for the pieces."""
        source = text_of(self.inside or self.html) if self.written is None else self.written

        def put(found: re.Match[str]) -> str:
            return f"\n\n{texts.get(int(found[1]), '')}\n\n"

        text = re.sub(f"[ \t]*\n*[ \t]*{self.mark}-(\\d+)-[ \t]*\n*", put, source)
        return re.sub("\n{3,}", "\n\n", text).strip() + "\n"


@dataclass(slots=True, frozen=True)
class _Slot:
    """A block as a value of a template: html and text get a mark, and the block is rendered in its turn."""

    block: Block
    filled: Filled

    def __html__(self) -> str:
        filled = self.filled
        filled.pieces.append(self.block.render(filled.page))
        filled.blocks.append(self.block)
        return f"{filled.mark}-{len(filled.pieces) - 1}-"

    def __str__(self) -> str:
        for number, block in enumerate(self.filled.blocks):
            if block is self.block:
                return f"{self.filled.mark}-{number}-"
        return self.block.text


def _as_blocks(value: Any) -> Any:
    if is_frame(value):
        return Table(value)
    if is_figure(value):
        return Figure(value)
    if (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(item, KPI) for item in cast("Sequence[Any]", value))
    ):
        return Tiles(tuple(cast("Sequence[KPI]", value)))
    return _each(value, _as_blocks)


def _slots(value: Any, filled: Filled) -> Any:
    return _Slot(value, filled) if isinstance(value, Block) else _each(value, lambda item: _slots(item, filled))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value, with all that a dict or a list holds changed."""
    if isinstance(value, dict):
        return {name: change(item) for name, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [change(item) for item in cast("Sequence[Any]", value)]
    return value


def _figures(value: Any) -> Iterator[Figure]:
    found: list[Figure] = []

    def look(item: Any) -> None:
        if isinstance(item, Figure):
            found.append(item)
        else:
            _each(item, look)

    look(dict(value))
    yield from found


def _environment(template: Template, page: Page) -> Environment:
    with needed_for("a template"):
        import jinja2  # noqa: PLC0415 - of the extra
    loader: jinja2.BaseLoader
    if template.folder is not None:
        if not Path(template.folder).is_dir():
            raise _refuse(f"there is no folder {str(template.folder)!r}", "give the folder that the template is in")
        loader = jinja2.FileSystemLoader(template.folder)
    else:
        try:
            loader = jinja2.PackageLoader(template.package or "")
        except (ImportError, ValueError) as error:
            hint = "it needs a folder `templates` inside the package"
            raise _refuse(f"package {template.package!r}: {one_line(str(error))}", hint) from error
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def written(value: Any, spec: Spec = None) -> str:
        return value_text(value, spec, page.locale)

    environment.filters["fmt"] = written
    return environment


def _line(error: BaseException, name: str) -> int:
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _refuse(problem: str, hint: str) -> MessageError:
    return MessageError(f"template: {problem}", field="template", hint=hint)
