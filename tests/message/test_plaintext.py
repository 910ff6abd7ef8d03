"""The text derived from html is what a person would have typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._message.plaintext import text_of


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
        ("", "\n"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert text_of(html) == text


@given(st.text(st.sampled_from("<>/=\"'&;!-abptrdlih \n"), max_size=200))
def test_any_html_at_all_gives_some_text_that_ends_its_line(html: str) -> None:
    assert text_of(html).endswith("\n")
