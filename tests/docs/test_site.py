"""The site has a page for each thing that the program knows, and a place for each page; links lead where pages stand.

`.ci/run` builds the site itself, follows its links and uses its search.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest

from sendkit._providers.provider import Provider
from tests.docs.pages import PAGES, ROOT
from tests.docs.site import errors, providers, reference
from tests.docs.site.build import by_hand, examples, moved, page_of
from tests.docs.site.check import broken
from tests.docs.site.plan import tree
from tests.docs.site.samples import samples


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """All pages but those of the questions, which are provoked for it."""
    written = {place: page_of(source, place) for source, place in by_hand().items()}
    return written | examples() | errors.pages() | providers.pages() | reference.pages()


def test_every_page_has_a_place(pages: dict[str, str]) -> None:
    titles = str(tree(pages))
    assert all(repr(place) in titles for place in pages)


def test_every_link_of_a_page_leads_to_a_page(pages: dict[str, str]) -> None:
    there = {*pages, "questions/index.md"}
    for place, text in pages.items():
        for link in re.findall(r"\]\(([^():#\s]+\.md)", text):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(place), link)) in there, f"{place}: {link}"


def test_a_page_that_no_section_names_is_an_error(pages: dict[str, str]) -> None:
    with pytest.raises(LookupError, match=r"elsewhere/page\.md"):
        tree(pages | {"elsewhere/page.md": "# Lost\n"})


@pytest.mark.parametrize("group", errors.GROUPS)
def test_each_thing_that_explain_knows_has_a_page_with_the_cure(group: str, pages: dict[str, str]) -> None:
    listed = pages["errors/index.md"]
    for entry in errors.GROUPS[group]:
        path = errors.path_of(entry.title)
        assert f"({Path(path).name})" in listed
        assert entry.cause[:40] in pages[path]


@pytest.mark.parametrize("name", [provider.name for provider in Provider.all()])
def test_each_provider_has_a_page_with_its_server(name: str, pages: dict[str, str]) -> None:
    assert Provider.named(name).host in pages[f"providers/{name}.md"]


def test_a_link_leads_to_where_the_page_stands_in_the_site() -> None:
    assert moved("[a](docs/outbox.md#putting) ![b](docs/demo.svg)", "README.md", "index.md") == (
        "[a](outbox.md#putting) ![b](demo.svg)"
    )
    assert moved("[a](../outbox.md) [b](../../examples/bulk_send.py)", "docs/recipes/cron.md", "recipes/cron.md") == (
        "[a](../outbox.md) [b](../examples/bulk_send.py.md)"
    )
    assert moved("[a](tests/security)", "SECURITY.md", "project/security.md") == "a"


def test_every_page_of_docs_is_in_the_site() -> None:
    named = {page.name for page in PAGES} - {"docs/reference.md"}
    assert named <= set(by_hand())
    assert all((ROOT / source).exists() for source in by_hand())


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<a href='other/'>x</a><a href='#here'>y</a><p id='there'>", encoding="utf-8")
    assert list(broken(tmp_path)) == ["index.html: #here (no such heading)", "index.html: other/"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("user unknown|no such (user|mailbox)", ["user unknown", "no such user"]),
        (r"gr[ea]y.?list|too many.*connections", ["grey list", "too many connections"]),
        (None, []),
    ],
)
def test_what_is_looked_for_becomes_what_is_pasted(words: str | None, wanted: list[str]) -> None:
    assert samples(words) == wanted
