"""A table or a figure that is handed to a Message is an error that names what makes an attachment or a report of it."""

from __future__ import annotations

from typing import Any

import pytest

from sendkit import Message
from sendkit.errors import MessageError


def made(module: str) -> Any:
    """An object as a library makes it, by name alone: the cure needs none of them installed."""
    kind = type("Thing", (), {"__module__": f"{module}.core", "__iter__": lambda self: iter("ab")})
    return kind()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "duckdb"])
@pytest.mark.parametrize(
    ("field", "cure"), [("attachments", "report.xlsx("), ("text", "report.Report("), ("html", "report.Report(")]
)
def test_a_table_names_xlsx_or_a_report(library: str, field: str, cure: str) -> None:
    with pytest.raises(MessageError) as caught:
        Message(sender="ana@example.com", to="luis@example.com", **{field: made(library)})
    assert (caught.value.field, cure in str(caught.value.hint)) == (field, True)


@pytest.mark.parametrize("library", ["matplotlib", "plotly", "altair", "PIL", "plotnine", "seaborn"])
@pytest.mark.parametrize(("field", "cure"), [("attachments", "report.picture("), ("html", "report.Report(")])
def test_a_figure_names_picture_or_a_report(library: str, field: str, cure: str) -> None:
    value = [made(library)] if field == "attachments" else made(library)
    with pytest.raises(MessageError) as caught:
        Message(sender="ana@example.com", to="luis@example.com", **{field: value})
    assert cure in str(caught.value.hint)


def test_a_figure_among_the_inline_pictures_names_picture() -> None:
    with pytest.raises(MessageError, match="inline: 'chart'") as caught:
        Message(sender="ana@example.com", to="b@example.com", html="<img>", inline={"chart": made("matplotlib")})
    assert "report.picture(" in str(caught.value.hint)


def test_a_frame_is_one_attachment_that_cannot_be_and_not_many() -> None:
    frame = pytest.importorskip("pandas", reason="pip install --group plots").DataFrame({"a": [1]})
    for value in (frame, [frame]):
        with pytest.raises(MessageError, match="DataFrame is not an attachment"):
            Message(sender="ana@example.com", to="b@example.com", attachments=value)
