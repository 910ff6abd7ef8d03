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
        ('<a href="x">one <a href="y">two</a></a>', "one (x) two (y)\n"),
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


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # What closes by itself
        ("<!DOCTYPE html><html><head><title>x</title><body><p>Code 4F2A", "Code 4F2A\n"),
        ("<head><meta charset=utf-8><style>p{}</style><p>a<p>b<div>c<p>d</div>e", "a\n\nb\n\nc\n\nd\n\ne\n"),
        ("<title>x</title>shown", "shown\n"),
        ("<dl><dt>a<dd>b<dt>c<dd>d</dl>", "a\nb\nc\nd\n"),
        ("<table><tr><td>1<td>2<tr><td>3<td>4</table>end", "1 | 2\n3 | 4\n\nend\n"),
        ("<ul><li>a<p>b<li>c</ul>", "- a\n\n  b\n- c\n"),
        ("<p>a<table><tr><td>b</table>c", "a\n\nb\n\nc\n"),
        ("<svg><path d=x><p>shown", "shown\n"),
        ("x<b><div>a</b>b</div>c", "x\nab\nc\n"),
        # What is hidden, or is not, in a mail reader
        ("<noscript>shown</noscript><script>no</script>", "shown\n"),
        ('<div style="display:none">pre</div><div style="DISPLAY : none;">pre</div>text', "text\n"),
        ('<span style="font-size:0;max-height:0px">pre</span><p hidden>no</p><b style="opacity:0.5">text', "text\n"),
        ("<div>text</div><div style='mso-hide:all'>no<div>no</div></div>after", "text\nafter\n"),
        ("<b><div hidden>no</b>no</div>shown", "shown\n"),
        ("<p>Preheader" + "&#847;&zwnj;&nbsp;" * 90 + "</p>Text", "Preheader\n\nText\n"),
        ("Wort&shy;trennung, 👨‍👩‍👧, می‌خواهم", "Worttrennung, 👨‍👩‍👧, می‌خواهم\n"),
        ("<!--[if mso]>no<![endif]--><![if !mso]>shown<![endif]>", "shown\n"),
        ("<video src=x>Your reader shows no video</video>", "Your reader shows no video\n"),
        ("<textarea><b>raw</textarea><iframe>no</iframe>", "<b>raw\n"),
        # What an attribute and a text say of a reference
        ('<a href="?id=7&region=eu&currency=x">x</a>', "x (?id=7&region=eu&currency=x)\n"),
        ('<a href="?a=1&amp;b=2&copy=3&lt">x</a> &copy &notit;', "x (?a=1&b=2&copy=3<) © ¬it;\n"),
        ("<a title=it's href='https://x.org/\n a'>x</a>", "x (https://x.org/ a)\n"),
        ("<p>a</p><![unknown[b]]>", "a\n"),
        ("&#" + "9" * 5000 + ";", "\ufffd\n"),
        # Lists
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b\n"),
        ('<ol start="5"><li>a<li value="9">b<li>c</ol>', "5. a\n9. b\n10. c\n"),
        ("<ol><li>a<ol><li>b<li>c</ol>more<li>d</ol>e", "1. a\n  1. b\n  2. c\n  more\n2. d\n\ne\n"),
        ("<ul><li><li><ul><li>x</ul></ul>", "-\n-\n  - x\n"),
        ("<ul><li><pre>\n\na\n b</pre></ul>", "-\n  a\n   b\n"),
        ('<ol start="x"><li value="99999999999">a</ol>', "1. a\n"),
        # White space
        ("<pre>\na\n\n\n  b\n</pre>c", "a\n\n\n  b\n\nc\n"),
        ("a<br><br><br><br>b", "a\n\nb\n"),
        # Tables
        ('<table role="presentation"><tr><td>a</td><td>b</td></tr></table>', "a\nb\n"),
        ("<table><tr><td>a<td><table><tr><td>1<td>2<tr><td>33<td>4</table></table>", "a\n\n1  | 2\n33 | 4\n"),
        ("<table><tr><th>Name<th>n<tr><td>日本<td>1<tr><td>x<td>2<td>z</table>", "Name | n\n日本 | 1\nx    | 2 | z\n"),
        ("<table><tr><td>a<p>b<td>c</table>", "a\n\nb\nc\n"),
        ("<table><tr><th>a<th>b<tr><td>c<br>d<td>e</table>", "a   | b\nc d | e\n"),
        ("<table>lost<tr><td>1<td>2</table>", "lost\n1 | 2\n"),
        ("<table><tr><td>" + "x" * 50 + "<td>" + "y" * 50 + "<tr><td>1<td>2</table>",
         "x" * 50 + " | " + "y" * 50 + "\n1 | 2\n"),
    ],
)  # fmt: skip
def test_html_reads_as_a_mail_reader_shows_it(html: str, text: str) -> None:
    assert text_of(html) == text


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
        ("", "<div>", ""),
        ("<p>", "<table><tr><td>", ""),
        ("<p " + "a" * 10, " b=1", ">"),
        ("<table><tr>", "<td>x", ""),
        ("<table>", "<tr><td>x<td>y", ""),
        ("", "<p><button><li><b><a>", ""),
        ("", "<", ""),
        ("", "</x", ""),
        ("", "<style>", ""),
    ],
)
def test_hostile_html_costs_linear_time_and_text(before: str, unit: str, after: str) -> None:
    """Any quadratic step would take longer than a test may."""
    room = 320 * 1024 - len(before) - len(after)
    html = before + unit * (room // len(unit)) + after
    assert len(text_of(html)) <= 5 * len(html)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # Written in any case, with comments, and what only looks so
        ("<p HIDDEN>no</p><p Style='DISPLAY: None !Important'>no</p><p style='display:/**/none'>no</p>yes", "yes\n"),
        ("<p style='backface-visibility:hidden;min-opacity:0'>yes</p><p aria-hidden=true class=hidden>2", "yes\n\n2\n"),
        ("<p style='height:0;overflow:hidden'>no</p><p style='height:0'>yes", "yes\n"),
        ("<p style='display:none;display:block'>yes<p style='display:none!important;display:block'>no", "yes\n"),
        # A size of 0 holds for the text of the element, not for what has a size of its own
        ("<td style='font-size:0px'>no<div style='font-size:13px'>yes<b style='font-size:2em'>2</b></div>no", "yes2\n"),
        ("<p style='font:0/0 a'>no<b style='font:bold 12px/1 Arial'>yes</b></p>after", "yes\n\nafter\n"),
        ("<p style='font-size:0'>no<i style='font-size:120%'>no</i></p>after", "after\n"),
        # Style sheets
        ("<style>.p,td.q{display:none}#r{visibility:hidden}</style><b class='x p'>no</b><b class=q>1<b id=r>no", "1\n"),
        ("<style>@media print{.p{display:none}}</style><b class=p>yes", "yes\n"),
        ("<style>.p{display:none}.p{display:block}</style><b class=p>yes", "yes\n"),
        ("<style>.p{display:none}</style><b class=p style='display:inline'>yes", "yes\n"),
        ("<style>.p{display:none!important}</style><b class=p style='display:inline'>no", "\n"),
        # Fillers that stand alone
        ("Code&#8199;&#65279;&#847; &zwnj; now &zwnj;", "Code now\n"),
        # Links
        ('<a href="MAILTO:a@b.c">a@b.c</a> <a href="tel:+34">+34</a> <a href=" JavaScript:x()">x</a>', "a@b.c +34 x\n"),
        ('<a href="https://x.org"><img></a>text<a href=/y>y</a>z.', "https://x.org texty (/y) z.\n"),
        ('<a href="https://x.org"><div>Block</div><p>More</p></a>z', "Block\n\nMore\n\n(https://x.org)\nz\n"),
        # Lists and tables
        ("<ol reversed><li>a<li>b</ol><ol type=A start=27><li>c", "2. a\n1. b\n\nAA. c\n"),
        ("<ol type=i><li value=9>d<li>e", "ix. d\nx. e\n"),
        ("<table><tr><th rowspan=2>A<th>B<tr><td>1<tr><td>2<td>3</table>", "A | B\n  | 1\n2 | 3\n"),
        ("<table><tr><th colspan=2>AB<th>C<tr><td>1<td>2<td>3</table>", "AB    | C\n1 | 2 | 3\n"),
        # White space that is kept
        ("<div style='white-space: pre-wrap'>a\n\nb  c</div><textarea>\nd\n\ne</textarea>", "a\n\nb  c\nd\n\ne\n"),
    ],
)  # fmt: skip
def test_what_a_style_says_counts_and_nothing_else_hides(html: str, text: str) -> None:
    assert text_of(html) == text
