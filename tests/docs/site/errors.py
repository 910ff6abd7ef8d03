"""The pages about errors: one for each thing that `sendkit explain` knows, and two with the codes alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby

from sendkit._providers.explanations import (
    anybody,
    basic,
    enhanced,
    gmail,
    installation,
    libraries,
    mailboxes,
    microsoft,
    network,
    relays,
    secrets,
    tls,
)
from sendkit._providers.explanations.entry import Entry
from sendkit._providers.explanations.symptom import Symptom
from sendkit._smtp.hints import Caller, Facts, Trouble, advise
from sendkit._smtp.reason import Reason
from sendkit._smtp.symptoms import explain_text
from tests.docs.site.markdown import code, linked, slug, table
from tests.docs.site.samples import samples
from tests.smtp.test_explain import ANYBODY, SEEN
from tests.smtp.test_symptoms import PASTED

GROUPS: dict[str, tuple[Entry | Symptom, ...]] = {
    "What many servers say": anybody.ENTRIES,
    "Gmail": gmail.ENTRIES,
    "Microsoft 365 and Outlook": microsoft.ENTRIES,
    "Other mailboxes": mailboxes.ENTRIES,
    "Services that send for programs": relays.ENTRIES,
    "Keyrings and OAuth": secrets.SYMPTOMS,
    "TLS and certificates": tls.SYMPTOMS,
    "Networks and names": network.SYMPTOMS,
    "Messages of mail libraries": libraries.SYMPTOMS,
    "Installation and permissions": installation.SYMPTOMS,
}
_OPENING = """# Errors

Paste what you see into the search of this site, without what is yours alone (addresses, names of hosts), or all of it
into the command line:

```sh
sendkit explain '535 5.7.8 Username and Password not accepted'
python weekly.py 2>&1 | sendkit explain
```

Codes alone: [reply codes](reply-codes.md), [enhanced status codes](enhanced-status-codes.md). Whole errors, as sendkit
shows them: [the thirty questions](../questions/index.md).
"""


def pages() -> dict[str, str]:
    """Path and text of each page about errors."""
    made = dict(_of_group(entries) for entries in _same_title())
    return {
        "errors/index.md": _index(),
        "errors/reply-codes.md": _codes(
            "SMTP reply codes", "The three digits of a reply (RFC 5321 section 4.2.3).", basic.CODES
        ),
        "errors/enhanced-status-codes.md": _codes(
            "Enhanced status codes",
            "The second code of a reply, such as `5.7.8` (RFC 3463): the first digit says for how long (2: done, "
            "4: for now, 5: for good), the other two say what.",
            {f"x.{of}": told for of, told in enhanced.CODES.items()},
        ),
        **made,
    }


def _same_title() -> Iterator[list[Entry | Symptom]]:
    """All entries, those with one title together."""
    everything = [entry for entries in GROUPS.values() for entry in entries]
    for _, found in groupby(sorted(everything, key=lambda entry: entry.title), key=lambda entry: entry.title):
        yield list(found)


@cache
def _pasted() -> dict[str, list[str]]:
    """What servers and programs wrote word by word, by the title of what it means."""
    found: dict[str, list[str]] = {}
    for text in (*(seen[0] for seen in (*SEEN, *ANYBODY)), *PASTED):
        if (meaning := explain_text(text)) is not None:
            found.setdefault(meaning.explanation.title, []).append(" ".join(text.split()))
    return found


def capital(title: str) -> str:
    """A title with a first capital, unless its first word is a name with one of its own."""
    return title if any(letter.isupper() for letter in title.split(maxsplit=1)[0]) else title[0].upper() + title[1:]


def path_of(title: str) -> str:
    """Where the page of this title stands."""
    return f"errors/{slug(title)}.md"


def _of_group(entries: list[Entry | Symptom]) -> tuple[str, str]:
    title = entries[0].title
    text = [f"# {capital(title)}\n"]
    if said := list(dict.fromkeys([*_pasted().get(title, ()), *(line for entry in entries for line in _said(entry))])):
        text += ["What you see holds one of these, or words like them:\n", code("\n".join(said)), _codes_of(entries)]
    for entry in entries:
        text += list(_told(entry))
    text.append("`sendkit explain` says the same of a text that is pasted into it: [Errors](index.md).\n")
    return path_of(title), "\n".join(text)


def grouped() -> dict[str, list[str]]:
    """The pages of each group; one that two groups tell of stands in the first."""
    left = dict.fromkeys(path_of(entry.title) for entries in GROUPS.values() for entry in entries)
    found: dict[str, list[str]] = {}
    for group, entries in GROUPS.items():
        mine = [path for path in dict.fromkeys(path_of(entry.title) for entry in entries) if path in left]
        found[group] = mine
        for path in mine:
            del left[path]
    return found


def _said(entry: Entry | Symptom) -> Iterator[str]:
    """The texts that people paste, as far as the table tells them."""
    if isinstance(entry, Symptom):
        yield from samples(entry.words)
        return
    first = " ".join([*map(str, entry.codes[:1]), *entry.enhanced[:1]])
    for words in samples(entry.words) or [""]:
        yield f"{first} {words}".strip()


def _codes_of(entries: list[Entry | Symptom]) -> str:
    """The codes that such replies come with."""
    of = [entry for entry in entries if isinstance(entry, Entry)]
    codes = dict.fromkeys(str(code) for entry in of for code in (*entry.codes, *entry.enhanced))
    return f"Codes: {', '.join(f'`{code}`' for code in codes)}.\n" if codes else ""


def _told(entry: Entry | Symptom) -> Iterator[str]:
    yield f"**Why:** {linked(entry.cause)}.\n"
    yield f"**The fix for sendkit:** {linked(_remedy(entry))}.\n"
    if isinstance(entry, Symptom) and entry.elsewhere:
        yield f"**In other programs:** {linked(entry.elsewhere)}.\n"
    yield f"Source: {linked(entry.source)}.\n"


def _remedy(entry: Entry | Symptom) -> str:
    if isinstance(entry, Symptom) and entry.why is not None:
        why = Reason(entry.why)
        return advise(Trouble(why.cause, why), Facts(host=None), Caller.SHELL)
    return entry.remedy


def _codes(
    title: str, opening: str, codes: dict[int, tuple[str, str, str, str]] | dict[str, tuple[str, str, str, str]]
) -> str:
    rows = ((f"`{of}`", *(linked(part) for part in told)) for of, told in codes.items())
    return f"# {title}\n\n{opening}\n\n" + table(("code", "it means", "why", "what to do", "source"), rows)


def _index() -> str:
    text = [_OPENING]
    for group, entries in GROUPS.items():
        text.append(f"## {group}\n")
        titles = dict.fromkeys(entry.title for entry in entries)
        text += [f"- [{capital(title)}]({path_of(title).removeprefix('errors/')})" for title in titles]
        text.append("")
    return "\n".join(text)


def provider_pages_of(name: str) -> list[tuple[str, str]]:
    """Title and path of the pages about what this operator says."""
    entries = (entry for group in GROUPS.values() for entry in group if isinstance(entry, Entry))
    return list(dict.fromkeys((entry.title, path_of(entry.title)) for entry in entries if entry.provider == name))
