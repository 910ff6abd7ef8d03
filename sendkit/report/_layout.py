"""The page around the blocks: a card on a ground, in tables, since Word knows nothing else.

Word gets a table of fixed width around it (a ghost table, in a conditional comment), all others a `max-width`. What
Gmail strips (the style block, in some accounts) is only what is dark and what is narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from sendkit.report._theme import INK, MUTED, PAGE, PAPER, Theme

_TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
_PREHEADER_ROOM = "&#847;&zwnj;&nbsp;" * 40  # so that an inbox shows the preheader, and nothing of the body behind it


@dataclass(slots=True, frozen=True)
class Frame:
    """What stands above and below the blocks."""

    title: str
    footer: str
    preheader: str
    lang: str
    theme: Theme
    heat: bool = False

    def above(self, rules: str = "") -> str:
        """Everything up to the first block; `rules` are added to the style block."""
        theme = self.theme
        card, top = f"{self._column()};color:{INK}", "font-size:1px;line-height:4px"
        heading = f"margin:0;font-size:26px;line-height:34px;font-weight:bold;color:{INK}"
        return (
            f'{self._head(rules)}<body class="page" bgcolor="{PAGE}" '
            f'style="margin:0;padding:0;background-color:{PAGE}">{self._preheader()}\n'
            f'{_TABLE} class="page" bgcolor="{PAGE}" style="table-layout:fixed">'
            '<tr><td align="center" style="padding:20px 8px">\n'
            f'<!--[if mso]><table role="presentation" width="{theme.width}" align="center" cellpadding="0" '
            f'cellspacing="0" border="0"><tr><td><![endif]-->\n'
            f'{_TABLE} class="card" bgcolor="{PAPER}" style="{card}">\n'
            f'<tr><td class="top" height="4" bgcolor="{theme.accent}" style="{top}">&nbsp;</td></tr>\n'
            f'<tr><td class="pad" style="padding:24px 24px 20px">'
            f'<h1 style="{heading}">{escape(self.title)}</h1></td></tr>\n'
        )

    def _column(self) -> str:
        font = escape(self.theme.font)
        return f"max-width:{self.theme.width}px;table-layout:fixed;text-align:left;font-family:{font}"

    def _head(self, rules: str) -> str:
        return (
            f'<!doctype html>\n<html lang="{escape(self.lang)}" xmlns:o="urn:schemas-microsoft-com:office:office">'
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            '<meta name="supported-color-schemes" content="light dark">'
            f"<title>{escape(self.title)}</title>\n<!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96"
            "</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->\n"
            f"<style>{self.theme.style(heat=self.heat)}{rules}</style></head>\n"
        )

    def _preheader(self) -> str:
        if not self.preheader:
            return ""
        style = "display:none;font-size:1px;line-height:1px;max-height:0;overflow:hidden;mso-hide:all"
        return f'<div style="{style}">{escape(self.preheader)}{_PREHEADER_ROOM}</div>'

    def below(self) -> str:
        """Everything after the last block."""
        foot = ""
        if self.footer:
            style = f"padding:14px 24px 0;font-size:12px;line-height:18px;color:{MUTED}"
            lines = escape(self.footer).replace("\n", "<br>")
            cell = f'<td class="pad foot" style="{style}">{lines}</td>'
            foot = f'{_TABLE} style="{self._column()}"><tr>{cell}</tr></table>\n'
        return f"</table>\n{foot}<!--[if mso]></td></tr></table><![endif]-->\n</td></tr></table></body></html>\n"


def block(html: str, gap: int) -> str:
    """One block in its row of the card."""
    return f'<tr><td class="pad" style="padding:0 24px {gap}px">{html}</td></tr>\n'


OPEN, _, CLOSE = block("|", 28).partition("|")
