"""Colours and letters, light and dark. A text and what it stands on have a contrast of 4.5 (WCAG 2.2, 1.4.3).

Knows what Gmail and Word leave out: rules that matter stand in each tag, and the style block adds the dark and the
narrow. Its rules need `!important` against the tags; it is far below the 16 kB that Gmail reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sendkit.errors import MessageError

FONT = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
MONO = "ui-monospace,Menlo,Consolas,'Liberation Mono',monospace"
INK, MUTED, LINE, RULE = "#1a2029", "#5b6673", "#e3e7ec", "#b9c2cc"
PAPER, PAGE, TILE, ZEBRA = "#ffffff", "#f3f5f8", "#f6f8fa", "#f8fafb"
GOOD, BAD, WARN = "#1a7f37", "#b3261e", "#8a5a00"
BAR = "#8db9e4"
HEAT = ("#f1f7fd", "#ddebf9", "#c5def4", "#a8cdee", "#8bbbe7")
DARK = {
    "page": "#0d1117", "paper": "#161b22", "ink": "#e6edf3", "muted": "#9ba5b0", "line": "#2d343d", "rule": "#4a535e",
    "tile": "#1e252e", "zebra": "#1a2028", "good": "#4cc366", "bad": "#ff8078", "warn": "#e0b050", "bar": "#3a6ea5",
}  # fmt: skip
DARK_HEAT = ("#17222f", "#1a2c41", "#1d3754", "#214268", "#254e7c")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_FAMILY = re.compile(r"[\w ,'-]{1,200}")


@dataclass(slots=True, frozen=True, kw_only=True)
class Theme:
    """What may differ from report to report: `accent` (`accent_dark` by night), `font`, and `width` in pixels.

    Raises MessageError for a colour that cannot be read on its background, and for what is not a colour or font.
    """

    accent: str = "#0b5cad"
    accent_dark: str = "#79b8ff"
    font: str = FONT
    width: int = 640

    def __post_init__(self) -> None:
        for name, colour, paper in (("accent", self.accent, PAPER), ("accent_dark", self.accent_dark, DARK["paper"])):
            if _COLOUR.fullmatch(colour) is None:
                raise _refuse(name, f"{colour[:20]!r} is not a colour", "write one such as #0b5cad")
            if (found := contrast(colour, paper)) < 4.5:
                how = "darker" if name == "accent" else "lighter"
                raise _refuse(
                    name, f"{colour} on {paper} has a contrast of {found:.1f}", f"take a {how} one; 4.5 is read"
                )
        if _FAMILY.fullmatch(self.font) is None:
            raise _refuse("font", f"{self.font[:40]!r} is not a list of fonts", "write one such as Georgia, serif")
        if not 320 <= self.width <= 1200:
            raise _refuse("width", f"{self.width} pixels", "take 320 to 1200; 600 to 700 is usual")

    @property
    def inner(self) -> int:
        """The width of what stands in the card, in pixels."""
        return self.width - 48

    def pairs(self) -> list[tuple[str, str]]:
        """Each text colour with each colour that it stands on."""
        dark = DARK
        light = [(ink, on) for ink in (INK, MUTED, GOOD, BAD, WARN, self.accent) for on in (PAPER, TILE, ZEBRA)]
        light += [(MUTED, PAGE), (PAPER, self.accent), *((INK, heat) for heat in HEAT)]
        names = ("ink", "muted", "good", "bad", "warn")
        night = [(dark[name], dark[on]) for name in names for on in ("paper", "tile", "zebra")]
        night += [(self.accent_dark, dark["paper"]), (dark["muted"], dark["page"]), (dark["page"], self.accent_dark)]
        return light + night + [(dark["ink"], heat) for heat in DARK_HEAT]

    def style(self, *, heat: bool = False) -> str:
        """The style block; with the shades of a heat map where there is one."""
        return _STYLE.format(font=self.font, accent=self.accent_dark, mono=MONO, heat=_heat() if heat else "", **DARK)


def _heat() -> str:
    return "\n".join(f".h{i},.d .h{i}{{background-color:{colour} !important}}" for i, colour in enumerate(DARK_HEAT, 1))


_STYLE = """\
body{{margin:0;padding:0}}
table,td,th,p,h1,h2,h3,h4,li{{font-family:{font}}}
pre,code{{font-family:{mono}}}
:root{{color-scheme:light dark;supported-color-schemes:light dark}}
@media (max-width:520px){{
.pad{{padding-left:16px !important;padding-right:16px !important}}
.d td,.d th{{font-size:13px !important;padding:6px 5px !important}}
.n td,.n th{{font-size:12px !important;padding:5px 3px !important}}
.b td{{font-size:1px !important;padding:0 !important}}
.w{{max-width:100% !important}}
.gap{{display:none !important}}}}
@media (prefers-color-scheme:dark){{
.page{{background-color:{page} !important}}
.card{{background-color:{paper} !important}}
.card,.card p,.card h1,.card h2,.card h3,.card h4,.card li,.card td,.card th,.card pre,.card b{{color:{ink} !important}}
.card .m,.card .m b,.foot,.foot a,.d th{{color:{muted} !important}}
.card a{{color:{accent} !important}}
.bar{{background-color:{bar} !important}}
.top,.card .go,.card .go a{{background-color:{accent} !important}}
.card .go a{{color:{page} !important}}
.d td,.line{{border-color:{line} !important}}
.d th{{border-color:{rule} !important}}
.d .r{{color:{ink} !important;border-color:{line} !important}}
.d .t{{border-color:{rule} !important}}
.z td{{background-color:{zebra} !important}}
.k,.code{{background-color:{tile} !important}}
.card .neg{{color:{bad} !important}}
.card .pos{{color:{good} !important}}
.card .warn{{color:{warn} !important}}
{heat}}}"""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str) -> str:
    """The colour halfway between two."""
    parts = [(int(one[i : i + 2], 16) + int(other[i : i + 2], 16)) // 2 for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _refuse(name: str, problem: str, hint: str) -> MessageError:
    return MessageError(f"theme: {name}: {problem}", field="theme", hint=hint)
