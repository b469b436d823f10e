"""Self-tests of the mark a dry run leaves on pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from fixtures.core import errors
from fixtures.drawing import banner, lineage, png

SAID = "DRY RUN · simulated: Marquez, hotpass · run 3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10"


@pytest.fixture
def drawn(answer: Callable[..., dict[str, Any]]) -> bytes:
    """A lineage picture, not yet marked."""
    svg = lineage.lineage_svg(answer([("a.csv", "job"), ("job", "b.csv")]), title="Lineage")
    return png.svg_to_png(svg, width_px=800)


def opened(data: bytes) -> Image.Image:
    """Decode a picture."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_the_band_comes_on_top(drawn: bytes) -> None:
    """Width stays, height grows by a band of amber and black."""
    before, after = opened(drawn), opened(banner.stamp(drawn, text=SAID))
    assert after.width == before.width
    height = after.height - before.height
    assert height > 40
    band = after.crop((0, 0, after.width, height))
    shades = {colour for _, colour in band.getcolors(100_000)}  # type: ignore[union-attr]  # bounded by the size above
    assert {(255, 176, 0), (20, 20, 20)} <= shades


def test_the_band_says_the_text(drawn: bytes) -> None:
    """Another text is another band."""
    assert banner.stamp(drawn, text=SAID) != banner.stamp(drawn, text=SAID.replace("3f1c", "4f1c"))


def test_no_crop_escapes_the_watermark(solid: Callable[..., bytes]) -> None:
    """Any quarter of the picture bears the mark, on dark paper as on light."""
    for colour in ("white", "black"):
        marked = opened(banner.stamp(solid(colour, width=1200, height=800), text=SAID))
        top = marked.height - 800
        for x in range(0, 1200, 300):
            for y in range(top, marked.height - 199, 200):
                part = marked.crop((x, y, x + 300, y + 200))
                assert len(part.getcolors(60_000) or []) > 1


def test_the_content_stays_legible(drawn: bytes) -> None:
    """No pixel beneath the mark moves far from what it was."""
    before, marked = opened(drawn), opened(banner.stamp(drawn, text=SAID))
    after = marked.crop((0, marked.height - before.height, marked.width, marked.height))
    pairs = zip(before.convert("L").tobytes(), after.convert("L").tobytes(), strict=True)
    assert max(abs(was - now) for was, now in pairs) < 70


def test_the_chunk_repeats_the_text_and_nothing_else_is_kept(solid: Callable[..., bytes]) -> None:
    """Metadata of a screenshot may name people and machines; only our own line stays."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Author", "somebody")
    out = io.BytesIO()
    opened(solid()).save(out, format="PNG", pnginfo=chunks, dpi=(72, 72))
    marked = banner.stamp(out.getvalue(), text=SAID)
    assert b"tEXtrehearsal\0" + SAID.encode("latin-1") in marked
    assert Image.open(io.BytesIO(marked)).info == {"rehearsal": SAID}
    assert banner.stamped_text(marked) == SAID


def test_other_alphabets_fit_the_chunk(solid: Callable[..., bytes]) -> None:
    """A tEXt chunk is Latin-1; band and chunk say the same."""
    marked = banner.stamp(solid(), text="DRY RUN — run 3f1c… 漢\x00\n")
    assert banner.stamped_text(marked) == "DRY RUN - run 3f1c... ???"


def test_an_unmarked_picture_says_nothing(drawn: bytes) -> None:
    """No mark is None, not an empty text."""
    assert banner.stamped_text(drawn) is None


@pytest.mark.parametrize("colour", ["white", "black", "#1e3c5a"])
@pytest.mark.parametrize("size", [(1280, 720), (390, 200), (30, 30), (1, 1)])
def test_a_stamp_on_nothing_is_nothing(
    solid: Callable[..., bytes], colour: str, size: tuple[int, int]
) -> None:
    """The mark alone never makes a blank picture count."""
    marked = banner.stamp(solid(colour, width=size[0], height=size[1]), text=SAID)
    beneath = banner.facts_beneath(marked)
    assert (beneath.width_px, beneath.height_px) == size
    assert png.is_blank(beneath)


def test_content_is_seen_through_the_mark(drawn: bytes) -> None:
    """A picture that shows something still does once marked."""
    marked = banner.facts_beneath(banner.stamp(drawn, text=SAID))
    assert not png.is_blank(marked)
    assert marked.dominant_share == pytest.approx(png.facts(drawn).dominant_share, abs=0.01)


def test_beneath_no_mark_are_the_plain_facts(drawn: bytes) -> None:
    """A live picture is measured as it is."""
    assert banner.facts_beneath(drawn) == png.facts(drawn)


def test_only_pictures_are_stamped() -> None:
    """An error page saved as PNG is refused."""
    with pytest.raises(errors.PayloadUnreadable):
        banner.stamp(b"<html>", text=SAID)
