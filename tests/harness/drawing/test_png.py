"""Self-tests of drawing and measuring pixels."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from fixtures.core import errors
from fixtures.drawing import fonts, lineage, png

WORDS = '<text x="20" y="60" font-size="40">{}</text>'
SHEET = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 100">{}</svg>'


def test_a_bare_machine_draws_text() -> None:
    """Text leaves pixels although no system font is ever asked."""
    drawn = png.svg_to_png(SHEET.format(WORDS.format("hotpass")), width_px=800)
    assert png.facts(drawn).colours > 10
    assert not png.is_blank(png.facts(drawn))


def test_other_words_are_other_pixels() -> None:
    """Letters are drawn, not boxes that look alike."""
    first, second = (png.svg_to_png(SHEET.format(WORDS.format(word))) for word in ("mmm", "nnn"))
    assert first != second


def test_the_family_is_named_as_in_the_files() -> None:
    """A family name that is not in the font would silently draw nothing."""
    from PIL import ImageFont

    for weight in fonts.WEIGHTS:
        font = ImageFont.truetype(str(fonts.font_file(weight)), 10)
        assert font.getname() == (fonts.FAMILY, weight)


def test_a_font_that_is_not_there_is_named() -> None:
    """A missing file is reported, not replaced."""
    with pytest.raises(errors.PictureNotTaken, match="SourceSansPro-Comic"):
        fonts.font_file("Comic")


def test_a_lineage_picture_has_the_width_asked(answer: Callable[..., dict[str, Any]]) -> None:
    """Width is asked, height follows from the drawing."""
    svg = lineage.lineage_svg(answer([("a.csv", "job")]), title="Lineage")
    seen = png.facts(png.svg_to_png(svg, width_px=700))
    assert seen.width_px == 700
    assert 100 < seen.height_px < 700


@pytest.mark.parametrize(
    "svg",
    [
        pytest.param("", id="empty"),
        pytest.param("hello", id="text"),
        pytest.param("<svg", id="truncated"),
        pytest.param('<svg xmlns="http://www.w3.org/2000/svg"/>', id="no-size"),
        pytest.param('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 9"/>', id="no-width"),
        pytest.param('<html viewBox="0 0 9 9"/>', id="not-svg"),
        pytest.param(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 90000"/>', id="ribbon"
        ),
    ],
)
def test_what_is_no_drawing_is_refused(svg: str) -> None:
    """A drawing that cannot be made is an error with a hint, never a blank."""
    with pytest.raises(errors.PictureNotTaken):
        png.svg_to_png(svg)


@pytest.mark.parametrize("colour", ["black", "white", "#1e3c5a"])
def test_one_colour_is_blank(solid: Callable[..., bytes], colour: str) -> None:
    """The two solid "screenshots" that once counted as evidence are blank."""
    seen = png.facts(solid(colour, width=1280, height=720))
    assert (seen.width_px, seen.height_px, seen.colours) == (1280, 720, 1)
    assert png.is_blank(seen)


@pytest.mark.parametrize(
    ("share", "blank"),
    [
        pytest.param(0.9991, True, id="specks"),
        pytest.param(0.9989, False, id="a-line-of-text"),
        pytest.param(0.5, False, id="half"),
    ],
)
def test_the_edge_of_blankness(share: float, blank: bool) -> None:
    """More than 99.9 % of one colour shows nothing."""
    seen = png.PngFacts(width_px=100, height_px=100, colours=7, dominant_share=share)
    assert png.is_blank(seen) is blank


def test_pale_shades_are_not_blank() -> None:
    """Where colours abound the share is one of shades: all alike, yet a picture."""
    seen = png.PngFacts(
        width_px=1000, height_px=1000, colours=png.COLOURS_COUNTED, dominant_share=1.0
    )
    assert not png.is_blank(seen)


def test_a_photograph_is_counted_within_bounds() -> None:
    """Many colours are "that many or more", and never blank however alike."""
    width = height = 300
    levels = b"".join(
        bytes((x % 256, y % 256, (x // 256 + 2 * (y // 256)) % 256))
        for y in range(height)
        for x in range(width)
    )
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), levels).save(out, format="PNG")
    seen = png.facts(out.getvalue())
    assert seen.colours == png.COLOURS_COUNTED
    assert 0 < seen.dominant_share < 0.1
    assert not png.is_blank(seen)


def test_a_transparent_picture_is_seen_on_paper() -> None:
    """Colours nobody can see do not count."""
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.putpixel((5, 5), (200, 10, 10, 0))
    out = io.BytesIO()
    picture.save(out, format="PNG")
    assert png.is_blank(png.facts(out.getvalue()))


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    """Size is judged by what the header claims."""
    with pytest.raises(errors.PayloadUnreadable, match="8000 × 8000 pixels, more than 50,000,000"):
        png.facts(a_bomb(8_000))


def a_chunk(kind: bytes, body: bytes) -> bytes:
    """Write one PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def a_bomb(side: int) -> bytes:
    """A few bytes that claim to be a very large picture."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = a_chunk(b"IHDR", header) + a_chunk(b"IDAT", zlib.compress(b"\0" * 9))
    return b"\x89PNG\r\n\x1a\n" + body + a_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"<html>not found</html>", id="html"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut-in-half"),
        pytest.param(lambda whole: whole[:8], id="signature-only"),
        pytest.param(lambda whole: whole[:40] + b"\xff" * 8 + whole[48:], id="broken-chunk"),
        pytest.param(lambda _: a_bomb(60_000), id="bomb-beyond-pillow"),
    ],
)
def test_a_damaged_picture_is_unreadable(
    answer: Callable[..., dict[str, Any]], damage: Callable[[bytes], bytes]
) -> None:
    """What is no whole picture is an error, never a picture with facts."""
    whole = png.svg_to_png(lineage.lineage_svg(answer([("a", "job")]), title="x"), width_px=300)
    with pytest.raises(errors.PayloadUnreadable):
        png.facts(damage(whole))
