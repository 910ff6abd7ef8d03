"""The text derived from html is what a person would have typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._message.message import Message
from sendkit._message.plaintext import NOTE, text_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hola  <b>Ana</b>,\n buenas</p><p>Adiós</p>", "Hola Ana, buenas\n\nAdiós\n"),
        ("a<br>b<br/>c", "a\nb\nc\n"),
        ("<h1>Title</h1>text", "Title\n\ntext\n"),
        ('See <a href="https://x.org/">the report</a>.', "See the report (https://x.org/).\n"),
        ('<a href="https://x.org">https://x.org</a>', "https://x.org\n"),
        ('<a href="mailto:a@b.c">a@b.c</a> <a href="#top">top</a>', "a@b.c top\n"),
        ('<a href="https://x.org"><img src="x"></a>', "https://x.org\n"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter\n"),
        ("<ol><li>one</li><li>two<ul><li>inner</ul></li></ol>", "1. one\n2. two\n  - inner\n"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2\n"),
        ("<style>p{}</style><script>x()</script><title>t</title><p>only", "only\n"),
        ("<script>1<style></script>shown", "shown\n"),
        ("<pre>a\n  b</pre>", "a\n  b\n"),
        ("a<hr>b", "a\n\n" + "-" * 40 + "\n\nb\n"),
        ('<img alt="Sales chart" src="cid:c"><img src="d">', "[Sales chart]\n"),
        ("a&nbsp;b &lt;c&gt; &ntilde;", "a b <c> ñ\n"),
        ("a<svg/>b<div/>c", "ab\nc\n"),
        ("<li>alone", "- alone\n"),
        ("<script/>a<style/>b<template>c</b></template>d", "abd\n"),
        ("</p></ul></a>text</title>", "text\n"),
        ('<a href="x">one <a href="y">two</a></a>', "one  (x)two (y)\n"),
        ("<svg><svg></svg></title>no</svg>yes", "yes\n"),
        ("<pre>a \t\n\tb\t", "a\n\tb\n"),
        ("a < b & c &lt", "a < b & c <\n"),
        ('shown<a href="never ends', "shown\n"),
        ("shown<!-- never ends", "shown\n"),
        ("", "\n"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert text_of(html) == text


@given(st.text(st.sampled_from("<>/=\"'&;!-abptrdlih \n"), max_size=200))
def test_any_html_at_all_gives_some_text_that_ends_its_line(html: str) -> None:
    assert text_of(html).endswith("\n")


@given(st.lists(st.sampled_from(["<", ">", "</", "<!", "<![", "[", "]", "--", "&#", "9" * 4301, "if", "a", " ", ";"])))
def test_no_html_at_all_raises(pieces: list[str]) -> None:
    assert text_of("".join(pieces)).endswith("\n")


@pytest.mark.parametrize("html", ["<p>a</p><![unknown[b]]>", "<![1", "&#" + "9" * 5000 + ";"])
def test_a_note_stands_for_the_text_where_the_parser_gives_up(html: str) -> None:
    assert text_of(html) == NOTE


def test_a_note_stands_for_the_text_of_html_that_nobody_reads_as_text() -> None:
    assert text_of("x" * 512 * 1024) == "x" * 512 * 1024 + "\n"
    message = Message(sender="ana@example.com", html="x" * (512 * 1024 + 1))
    assert message.text == NOTE
    assert message.html == "x" * (512 * 1024 + 1)


def test_lists_are_indented_to_eight_levels_at_most() -> None:
    for levels in (9, 10, 5000):
        assert text_of("a" + "<ul>" * levels + "<li>x") == "a\n\n" + "  " * 8 + "- x\n"


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        ("", "<a ", ""),
        ("", "<a ", ">"),
        ("", "<a b='", ""),
        ("", "<!--", ""),
        ("", "<![if ", ""),
        ("", "</a", ""),
        ("", "&#1", ""),
        ("<script>", "</", ""),
        ("<pre>", "\t", "x"),
        ("<pre>", "\n", "x"),
        ("<ul>" * 50_000, "<li>x", ""),
        ("<a href=x>t" * 20_000, "</a>", ""),
        ("<svg>" * 50_000, "</title>", ""),
    ],
)
def test_hostile_html_costs_linear_time_and_text(before: str, unit: str, after: str) -> None:
    """Any quadratic step would take longer than a test may."""
    room = 512 * 1024 - len(before) - len(after)
    html = before + unit * (room // len(unit)) + after
    assert len(text_of(html)) <= 5 * len(html)
