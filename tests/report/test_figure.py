"""Figures of every library are pictures at twice their size, with words; what cannot be drawn is told with its cure."""

from __future__ import annotations

import importlib
import io
import warnings
from pathlib import Path
from typing import Any

import pytest

from sendkit import Message
from sendkit.errors import MessageError
from sendkit.report import Figure, Report, picture
from sendkit.report._picture import description_of, size_of
from tests.report.frames import columns, png

PLOTS = "pip install --group plots"


@pytest.fixture
def plt() -> Any:
    matplotlib = pytest.importorskip("matplotlib", reason=PLOTS)
    matplotlib.use("Agg")
    plt = importlib.import_module("matplotlib.pyplot")
    with matplotlib.rc_context(), warnings.catch_warnings():
        yield plt
        plt.close("all")


def drawn(plt: Any, title: str = "Rising") -> Any:
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    axes.set_title(title)
    return figure


class TestStored:
    """Pictures that are there already."""

    def test_one_that_is_larger_than_the_card_is_as_wide_as_it(self) -> None:
        html = Figure(png(1184, 600), alt="x").html
        assert 'width="592"' in html
        assert "max-width:592px" in html

    def test_a_small_one_stays_small(self) -> None:
        assert 'width="100"' in Figure(png(100, 50), alt="x").html
        assert 'width="50"' in Figure(png(100, 50), alt="x", width=50).html

    def test_a_path_is_read_when_the_figure_is_made(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(png(10, 10))
        figure = Figure(tmp_path / "a.png", alt="x")
        (tmp_path / "a.png").unlink()
        assert figure.html

    def test_the_same_picture_is_one_part(self) -> None:
        assert len(Report("R", [Figure(png(9, 9), alt="x"), Figure(png(9, 9), alt="y")]).inline) == 1

    def test_jpeg_and_gif_have_a_size(self) -> None:
        pillow = pytest.importorskip("PIL.Image", reason=PLOTS)
        for kind in ("JPEG", "GIF"):
            file = io.BytesIO()
            pillow.new("RGB", (300, 100), "red").save(file, kind)
            assert size_of(file.getvalue()) == (300, 100)

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            (b"", "not a PNG, JPEG or GIF"),
            (b"abc", "not a PNG, JPEG or GIF"),
            (b"<svg xmlns='x'></svg>", "an SVG, which Gmail"),
            (b"RIFF1234WEBPVP8 ", "a WebP, which Outlook"),
            (png(9, 9)[:20], "the picture is cut off"),
            (b"\xff\xd8\xff\xe0\x00\x10", "the picture is cut off"),
            (b"\xff\xd8\xff\xff" * 3, "the picture is cut off"),
            (b"GIF89a\x00\x00\x00\x00", "the picture has no size"),
            (Path("/nowhere.png"), "cannot be read"),
            (object(), "object is not a figure"),
            (None, "NoneType is not a figure"),
        ],
    )
    def test_what_is_no_picture_is_refused(self, data: Any, told: str) -> None:
        with pytest.raises(MessageError, match=told) as caught:
            Figure(data, alt="x")
        assert caught.value.hint

    @pytest.mark.parametrize("alt", [None, "", " \n"])
    def test_words_are_required(self, alt: str | None) -> None:
        with pytest.raises(MessageError, match="without an alternative text") as caught:
            Figure(png(9, 9), alt=alt)
        assert caught.value.field == "alt"

    def test_words_are_escaped_and_on_one_line(self) -> None:
        figure = Figure(png(9, 9), alt='a "b"\n<c>', caption="<d>")
        assert 'alt="a &quot;b&quot; &lt;c&gt;"' in figure.html
        assert figure.text == '[Picture: a "b" <c>]\n<d>'

    @pytest.mark.parametrize("width", [0, -1, 5000, "592"])
    def test_a_width_is_a_number_of_pixels(self, width: Any) -> None:
        with pytest.raises(MessageError, match="width"):
            Figure(png(9, 9), alt="x", width=width)


class TestMatplotlib:
    """Figures and axes, whatever rcParams say."""

    def test_it_is_drawn_at_twice_its_size_and_its_title_is_its_words(self, plt: Any) -> None:
        figure = Figure(drawn(plt))
        assert (figure.picture().width, figure.picture().shown, figure.alt) == (1184, 592, "Rising")

    def test_axes_and_grids_of_axes_will_do(self, plt: Any) -> None:
        _, axes = plt.subplots(2, 2)
        axes[0][0].set_title("First")
        assert Figure(axes[0][0]).alt == Figure(axes).alt == "First"

    def test_a_transparent_figure_is_white_and_a_dark_one_stays_dark(self, plt: Any) -> None:
        pillow = pytest.importorskip("PIL.Image", reason=PLOTS)
        for colour, corner in (("none", (255, 255, 255)), ("#111111", (17, 17, 17))):
            plt.rcParams.update({"savefig.transparent": True, "figure.facecolor": colour})
            image = pillow.open(io.BytesIO(Figure(drawn(plt)).picture().data)).convert("RGBA")
            assert image.getpixel((0, 0)) == (*corner, 255)

    def test_a_tight_box_is_shown_at_half_of_what_it_came_to(self, plt: Any) -> None:
        plt.rcParams["savefig.bbox"] = "tight"
        shown = Figure(drawn(plt)).picture()
        assert shown.width != 1184
        assert shown.shown == round(shown.width / 2)

    def test_it_is_drawn_when_it_is_made_so_that_it_may_be_closed(self, plt: Any) -> None:
        figure = drawn(plt)
        block = Figure(figure)
        plt.close(figure)
        figure.clear()
        assert block.picture().width == 1184
        with pytest.raises(MessageError, match="an empty figure") as caught:
            Figure(figure, alt="x")
        assert "closed" in str(caught.value.hint)

    def test_a_body_takes_one_that_has_a_title_and_says_where_one_has_none(self, plt: Any) -> None:
        assert "[Picture: Rising]" in Report("R", [drawn(plt)]).text
        with pytest.raises(MessageError, match=r"body\[1\]: Figure: a figure without an alternative text"):
            Report("R", ["x", drawn(plt, "")])


class TestOthers:
    """seaborn, plotnine, altair, Pillow."""

    def test_seaborn(self, plt: Any) -> None:
        seaborn = pytest.importorskip("seaborn", reason=PLOTS)
        pandas = pytest.importorskip("pandas", reason=PLOTS)
        data = pandas.DataFrame(columns(20))
        assert Figure(seaborn.relplot(data, x="orders", y="margin", col="open"), alt="Two").picture().width == 1184
        plt.clf()
        axes = seaborn.scatterplot(data, x="orders", y="margin")
        axes.set_title("Scattered")
        assert Figure(axes).alt == "Scattered"

    def test_plotnine(self, plt: Any) -> None:
        plotnine = pytest.importorskip("plotnine", reason=PLOTS)
        pandas = pytest.importorskip("pandas", reason=PLOTS)
        plot = plotnine.ggplot(pandas.DataFrame(columns(20)), plotnine.aes("orders", "margin")) + plotnine.geom_point()
        assert Figure(plot + plotnine.labs(title="Points")).alt == "Points"
        assert Figure(plot, alt="Points").picture().width == 1184

    def test_altair(self) -> None:
        altair = pytest.importorskip("altair", reason=PLOTS)
        pytest.importorskip("vl_convert", reason=PLOTS)
        data = altair.Data(values=[{"a": 1, "b": 2}])
        chart = altair.Chart(data).mark_bar().encode(x="a:Q", y="b:Q").properties(title="Bars", width=300)
        figure = Figure(chart)
        assert figure.alt == "Bars"
        assert 300 <= figure.picture().shown <= 592

    def test_pillow(self) -> None:
        pillow = pytest.importorskip("PIL.Image", reason=PLOTS)
        image = pillow.new("CMYK", (300, 100))
        assert Figure(image, alt="x").picture().content_type == "image/png"
        closed = pillow.open(io.BytesIO(png(9, 9)))
        closed.close()
        with pytest.raises(MessageError, match="cannot be drawn") as caught:
            Figure(closed, alt="x")
        assert caught.value.hint == "give it before it is closed"


class TestPlotly:
    """Drawn in a browser, which starts once."""

    def test_all_of_a_report_are_drawn_by_one_browser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        graphs = pytest.importorskip("plotly.graph_objects", reason=PLOTS)
        kaleido = pytest.importorskip("kaleido", reason=PLOTS)
        started: list[bool] = []

        class Counted(kaleido.Kaleido):  # type: ignore[misc, name-defined]
            def __init__(self, **settings: Any) -> None:
                started.append(True)
                super().__init__(**settings)

        monkeypatch.setattr(kaleido, "Kaleido", Counted)
        figures = [graphs.Figure(graphs.Bar(y=[1, 2]), layout={"title": {"text": f"Bars {i}"}}) for i in range(2)]
        report = Report("R", figures)
        figures[0].update_layout(title="Changed later")
        assert sorted(size_of(part.read())[0] for part in report.inline.values()) == [1184, 1184]
        assert (len(started), "[Picture: Bars 0]" in report.text) == (1, True)

    def test_without_a_browser_the_error_says_how_to_get_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        graphs = pytest.importorskip("plotly.graph_objects", reason=PLOTS)
        pytest.importorskip("kaleido", reason=PLOTS)
        monkeypatch.setenv("BROWSER_PATH", "/nowhere/chrome")
        with pytest.raises(MessageError, match="a figure of plotly cannot be drawn") as caught:
            _ = Report("R", [Figure(graphs.Figure(), alt="x")]).html
        assert "kaleido_get_chrome" in str(caught.value.hint)


class TestPicture:
    """For a message without a layout."""

    def test_it_is_an_attachment_that_says_what_it_shows(self) -> None:
        part = picture(png(9, 9), alt="Revenue per day, €")
        assert (part.filename, part.content_type) == ("revenue-per-day.png", "image/png")
        assert description_of(part.read()) == "Revenue per day, €"
        assert Figure(part.read()).alt == "Revenue per day, €"

    def test_other_programs_can_open_it(self) -> None:
        pillow = pytest.importorskip("PIL.Image", reason=PLOTS)
        image = pillow.open(io.BytesIO(picture(png(9, 9), alt="Größe").read()))
        image.load()
        assert image.info["Description"] == "Größe"

    def test_a_message_shows_it_inline(self) -> None:
        chart = picture(png(9, 9), alt="x", filename="chart.png")
        html = '<img src="cid:chart" alt="x">'
        message = Message(sender="ana@example.com", to="b@example.com", html=html, inline={"chart": chart})
        assert message.inline["chart"].filename == "chart.png"

    def test_words_are_required(self) -> None:
        with pytest.raises(MessageError, match="alternative text"):
            picture(png(9, 9))
