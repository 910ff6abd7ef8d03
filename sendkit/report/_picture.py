"""A figure of any library as a picture that every client shows: PNG, JPEG or GIF, drawn at twice its size.

SVG is not shown by Gmail, WebP not by Outlook. Must not know blocks.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sendkit.errors import MessageError
from sendkit.report._characters import one_line, shortened
from sendkit.report._extra import needed

SCALE = 2
_PNG, _JPEG, _GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", (b"GIF87a", b"GIF89a")
_DRAWN = ("matplotlib", "plotnine", "plotly", "altair", "PIL")
_HINT = "give a figure of matplotlib, seaborn, plotnine, plotly or altair, a Pillow picture, PNG bytes, or a Path"


@dataclass(slots=True, frozen=True)
class Picture:
    """The octets of a picture, its media type, its size in pixels, and at what width it is to be shown."""

    data: bytes
    content_type: str
    width: int
    height: int
    shown: int

    @property
    def ending(self) -> str:
        """What its file name ends with."""
        return {"image/jpeg": "jpg"}.get(self.content_type, self.content_type.partition("/")[2])


def library_of(value: object) -> str:
    """The library that a figure comes from, or what it is: `bytes`, `path`, or nothing."""
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes"
    if isinstance(value, Path):
        return "path"
    roots = [base.__module__.partition(".")[0] for base in type(value).__mro__]
    if "numpy" in roots and hasattr(value, "flat"):  # axes in a grid: df.plot(subplots=True)
        return library_of(next(iter(cast("Any", value).flat), None))
    if "seaborn" in roots:
        return "matplotlib"
    return next((root for root in roots if root in _DRAWN), "")


def is_figure(value: object) -> bool:
    """Whether a value comes from a library that draws."""
    return library_of(value) in _DRAWN


def picture_of(figure: Any, width: int) -> Picture:
    """Draw it so that it is sharp at this many pixels. Raises MessageError. Figures of plotly are drawn elsewhere."""
    library = library_of(figure)
    try:
        match library:
            case "bytes":
                return stored(bytes(figure), width)
            case "path":
                return stored(_read(figure), width)
            case "matplotlib":
                return drawn(_of_matplotlib(figure, width), width)
            case "plotnine":
                return drawn(_of_plotnine(figure, width), width)
            case "altair":
                return _of_altair(figure, width)
            case "PIL":
                return _of_pillow(figure, width)
            case _:
                raise _refuse(f"{type(figure).__name__} is not a figure", _HINT)
    except (ValueError, RuntimeError, AttributeError) as error:
        if isinstance(error, MessageError):
            raise
        problem = f"a figure of {library} cannot be drawn: {shortened(one_line(str(error)), 200)}"
        hint = "give it before it is closed" if library == "PIL" else f"save it with {library} itself to see more"
        raise _refuse(problem, hint) from error


def drawn(data: bytes, width: int) -> Picture:
    """A PNG that was drawn for this width: `bbox_inches="tight"` and the like may have made it another."""
    wide, high = size_of(data)
    return Picture(data, "image/png", wide, high, min(width, max(1, round(wide / SCALE))))


def stored(data: bytes, width: int) -> Picture:
    """A picture as it came, no wider than it is."""
    start = data[:4096].lstrip()
    if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")):
        raise _refuse("an SVG, which Gmail and Outlook do not show", "convert it to PNG, at twice its size")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        raise _refuse("a WebP, which Outlook does not show", "convert it to PNG or JPEG")
    kind = "png" if data.startswith(_PNG) else "jpeg" if data.startswith(_JPEG) else "gif"
    wide, high = size_of(data)
    return Picture(data, f"image/{kind}", wide, high, min(width, wide))


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a PNG, JPEG or GIF. Raises MessageError."""
    try:
        if data.startswith(_PNG):
            wide, high = struct.unpack(">II", data[16:24])
        elif data.startswith(_GIF):
            wide, high = struct.unpack("<HH", data[6:10])
        elif data.startswith(_JPEG):
            wide, high = _of_jpeg(data)
        else:
            raise _refuse("these bytes are not a PNG, JPEG or GIF", _HINT)
    except (struct.error, IndexError) as error:
        raise _refuse("the picture is cut off", "read the whole file") from error
    if not wide or not high:
        raise _refuse("the picture has no size", "draw something into it")
    return wide, high


def _of_jpeg(data: bytes) -> tuple[int, int]:
    offset = 2
    while True:  # ends by an IndexError or a struct.error at the latest, as `offset` grows
        marker = data[offset + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame (ITU T.81, B.2.2)
            high, wide = struct.unpack(">HH", data[offset + 5 : offset + 9])
            return wide, high
        offset += 2 + int(struct.unpack(">H", data[offset + 2 : offset + 4])[0])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"{str(path)!r} cannot be read: {error.strerror}"
        raise _refuse(problem, "give the path of a picture that exists") from error


def root_of(figure: Any) -> Any:
    """The figure of matplotlib that this is part of: axes, a grid of seaborn, an artist."""
    if type(figure).__module__.startswith("numpy"):
        figure = figure.flat[0]
    while (outer := getattr(figure, "figure", None)) is not None and outer is not figure:
        figure = outer
    return figure


def _of_matplotlib(figure: Any, width: int) -> bytes:
    root = root_of(figure)
    if not (root.axes or root.texts or root.images or root.lines or root.patches or root.legends):
        raise _refuse(
            "an empty figure", "give it before it is cleared, closed or shown: plt.gcf() makes a new one then"
        )
    ground = root.get_facecolor()
    # Whatever rcParams say: a transparent figure is black on black in the dark, and one of dark paper stays so.
    paper = ground if ground[3] == 1 else "white"
    file = io.BytesIO()
    root.savefig(file, format="png", dpi=SCALE * width / root.get_figwidth(), facecolor=paper, transparent=False)
    return file.getvalue()


def _of_plotnine(figure: Any, width: int) -> bytes:
    import warnings  # noqa: PLC0415 - what it says of missing values concerns who drew it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawing = figure.draw()
    file = io.BytesIO()
    drawing.savefig(
        file, format="png", dpi=SCALE * width / drawing.get_figwidth(), facecolor="white", transparent=False
    )
    drawing.clear()
    return file.getvalue()


def _of_altair(figure: Any, width: int) -> Picture:
    needed("vl_convert", "a figure of altair", "vl-convert-python")  # altair says less clearly that it is missing
    file = io.BytesIO()
    figure.save(file, format="png", scale_factor=SCALE)
    return drawn(file.getvalue(), width)


def _of_pillow(figure: Any, width: int) -> Picture:
    file = io.BytesIO()
    if getattr(figure, "format", None) == "JPEG":
        figure.save(file, format="JPEG", quality=90)
    else:
        modes = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
        (figure if figure.mode in modes else figure.convert("RGB")).save(file, format="PNG", optimize=True)
    return stored(file.getvalue(), width)


def described(data: bytes, text: str) -> bytes:
    """A PNG that says what it shows, in a chunk of its own (PNG, 3rd edition, 11.3.3.4); other pictures as they are."""
    from sendkit.report._spark import chunk  # noqa: PLC0415 - as above

    if not data.startswith(_PNG):
        return data
    head = data[:33]  # the signature and IHDR, which must come first
    return head + chunk(b"iTXt", b"Description\0\0\0\0\0" + text.encode()) + data[33:]


def description_of(figure: Any) -> str:  # noqa: PLR0911 - one for each library
    """The description of a figure: its title, or the description in a PNG."""
    match library_of(figure):
        case "bytes":
            return _description(bytes(figure))
        case "path":
            return _description(_read(figure))
        case "matplotlib":
            return _titles(root_of(figure))
        case "plotnine":
            return one_line(str(getattr(figure.labels, "title", None) or ""))
        case "plotly":
            return one_line(str(figure.layout.title.text or "").replace("<br>", " "))
        case "altair":
            return _of_chart(figure)
        case "PIL":
            return one_line(str(figure.info.get("Description") or figure.info.get("Title") or ""))
        case _:
            return ""


def _titles(figure: Any) -> str:
    above = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    titles: Sequence[str] = [
        axes.get_title() or axes.get_title("left") or axes.get_title("right") for axes in figure.axes
    ]
    return "; ".join(dict.fromkeys(one_line(title) for title in (above, *titles) if one_line(title)))


def _of_chart(chart: Any) -> str:
    told: dict[str, Any] = chart.to_dict(validate=False) if hasattr(chart, "to_dict") else {}
    title: Any = told.get("description") or told.get("title") or ""
    return one_line(str(title["text"] if hasattr(title, "keys") else title))


def _description(data: bytes) -> str:
    if not data.startswith(_PNG):
        return ""
    offset = 8
    while offset + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[offset : offset + 8])
        body = data[offset + 8 : offset + 8 + length]
        if kind == b"iTXt" and body.startswith(b"Description\0\0\0"):
            return one_line(body[14:].split(b"\0", 2)[-1].decode("utf-8", "replace"))
        if kind == b"tEXt" and body.startswith(b"Description\0"):
            return one_line(body[12:].decode("latin-1"))
        offset += 12 + int(length)
    return ""


def _refuse(problem: str, hint: str) -> MessageError:
    return MessageError(problem, field="figure", hint=hint)
