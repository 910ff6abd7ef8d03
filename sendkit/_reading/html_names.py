"""The elements of HTML by what the standard says of their tags (sections 13.1.2, 13.2.4.2 and 13.2.6)."""

from __future__ import annotations

HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
VOID = frozenset({
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "image", "input", "keygen",
    "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
# What stands in these is no markup; in the escapable ones, references are read. `noscript` is not among them, because
# mail readers run no scripts.
RAW = frozenset(["script", "style", "xmp", "iframe", "noembed", "noframes", "title", "textarea"])
ESCAPABLE = frozenset(["title", "textarea"])
FRAME = frozenset(["html", "head", "body", "frameset"])  # there in any case, and with nothing to show of their own
ENDS_PARAGRAPH = HEADINGS | frozenset({
    "address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "li", "dd", "dt", "listing", "main", "menu",
    "nav", "ol", "p", "pre", "search", "section", "summary", "table", "ul", "xmp",
})  # fmt: skip
SCOPES = frozenset(["table", "td", "th", "caption", "template", "object", "applet", "marquee"])
TABLE_PARTS = frozenset(["table", "caption", "colgroup", "tbody", "thead", "tfoot", "tr", "td", "th"])
_SECTIONS = ("tbody", "thead", "tfoot")
# What a start tag closes, and what hides that from it.
ENDED_BY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "li": (("li",), ("ul", "ol", "menu")),
    "dt": (("dt", "dd"), ("dl",)),
    "dd": (("dt", "dd"), ("dl",)),
    "td": (("td", "th", "caption"), ("table", "tr")),
    "th": (("td", "th", "caption"), ("table", "tr")),
    "tr": (("tr", "td", "th", "caption"), ("table",)),
    "tbody": ((*_SECTIONS, "tr", "td", "th", "caption"), ("table",)),
    "thead": ((*_SECTIONS, "tr", "td", "th", "caption"), ("table",)),
    "tfoot": ((*_SECTIONS, "tr", "td", "th", "caption"), ("table",)),
    "option": (("option",), ("select", "optgroup", "datalist")),
    "optgroup": (("option", "optgroup"), ("select",)),
    "rt": (("rt", "rp"), ("ruby",)),
    "rp": (("rt", "rp"), ("ruby",)),
}
INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "time", "tt", "u", "var",
})  # fmt: skip
# What ends an svg that somebody forgot to end.
NOT_FOREIGN = HEADINGS | frozenset({
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "head", "hr",
    "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strong",
    "strike", "sub", "sup", "table", "tt", "u", "ul", "var",
})  # fmt: skip
NOT_IN_ITSELF = frozenset(["a", "button", "nobr"])
ENDING = ENDS_PARAGRAPH | NOT_IN_ITSELF | frozenset(ENDED_BY)
ENDS_ALONE = frozenset(["br", "p"])  # an end tag without a start makes an element of its own
