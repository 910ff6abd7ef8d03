"""The order of the site: its sections and their pages. A page of docs/ that no section names is a guide."""

from __future__ import annotations

import re

from tests.docs.site import errors, providers, questions, reference

Tree = dict[str, "str | Tree"]
DESCRIPTION = "Send mail from Python through an account on a submission server, and know what became of it."

# A tuple is a section within the section: its title, and its pages.
_Wanted = str | tuple[str, tuple[str, ...]]
_SECTIONS: dict[str, tuple[_Wanted, ...]] = {
    "Start": (
        "index.md",
        "install.md",
        "tutorial/index.md",
        "tutorial/first-mail.md",
        "tutorial/report.md",
        "tutorial/sign-up.md",
        "tutorial/outbox.md",
        "tutorial/",
    ),
    "Guides": (
        "sending.md",
        "messages.md",
        "reports.md",
        "results.md",
        "outbox.md",
        "accounts.md",
        "configuration.md",
        "testing.md",
        "command-line.md",
        "lifetime.md",
    ),
    "Recipes": ("recipes/index.md", "recipes/", "examples/"),
    "Errors": (
        "errors/index.md",
        ("The thirty questions", ("questions/",)),
        *((group, tuple(pages)) for group, pages in errors.grouped().items()),
        "errors/",
    ),
    "Providers": ("providers/",),
    "Reference": ("reference/",),
    "About": ("explanation/", "comparison.md", "speed.md", "security.md", "project/"),
}


def generated() -> dict[str, str]:
    """Path and text of each page that is written from the program's tables."""
    return errors.pages() | providers.pages() | questions.pages() | reference.pages()


def tree(pages: dict[str, str]) -> Tree:
    """Each section: titles of pages, and where they are. Raises LookupError for a page that no section has."""
    left = dict.fromkeys(sorted(pages, key=_index_first))
    sections: Tree = {section: _section(wanted, pages, left) for section, wanted in _SECTIONS.items()}
    of_guides = sections["Guides"]
    assert not isinstance(of_guides, str)
    of_guides |= _section(tuple(place for place in left if "/" not in place), pages, left)
    if left:
        raise LookupError(f"pages without a place in the site: {', '.join(left)}")
    return sections


def _section(wanted: tuple[_Wanted, ...], pages: dict[str, str], left: dict[str, None]) -> Tree:
    """The pages of one section, which are taken from those that are left."""
    of: Tree = {}
    for name in wanted:
        if isinstance(name, tuple):
            of[name[0]] = _section(name[1], pages, left)
            continue
        for place in [place for place in left if place == name or (name.endswith("/") and place.startswith(name))]:
            del left[place]
            of[_title(pages[place], place, of)] = place
    return of


def _index_first(place: str) -> str:
    return place.replace("index.md", " ")


def _title(text: str, place: str, taken: Tree) -> str:
    """The first heading of a page; with its folder where another page has that title."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    title = (found[1] if found else place).replace("`", "")
    return title if title not in taken else f"{title} ({place.partition('/')[0]})"
