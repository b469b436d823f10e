"""What a command says, on its way into the log."""

from __future__ import annotations

import random

import pytest

from fixtures.procedures.e2e.streams import LONGEST_LINE_BYTES, Watched


def kept(said: bytes, *, piece: int = 10_000, limit: int = 2**20) -> tuple[bytes, Watched]:
    """What is handed on of an output that comes in pieces."""
    found: list[bytes] = []
    watched = Watched(write=found.append, limit_bytes=limit)
    for at in range(0, len(said), piece):
        watched.feed(said[at : at + piece])
    watched.end()
    return b"".join(found), watched


@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
def test_progress_bar_leaves_its_last_state(piece: int) -> None:
    """Redraws are left out and counted, wherever the pieces' borders lie."""
    said = b"begin\r\n\rMetrics:  0%|  | 0/2\rMetrics: 50%|# | 1/2\rMetrics: 100%|##| 2/2\nend\n"
    text, watched = kept(said, piece=piece)
    assert text == b"begin\nMetrics: 100%|##| 2/2\nend\n"
    assert (watched.redraws, watched.output_bytes, watched.kept_bytes) == (2, len(said), len(text))


@pytest.mark.parametrize("piece", [1, 5, 10_000])
def test_other_lines_before_a_carriage_return_are_kept(piece: int) -> None:
    """A word that something else was written over is still in the log."""
    text, watched = kept(b"Error: no such profile\rdone\n", piece=piece)
    assert text == b"Error: no such profile\ndone\n"
    assert watched.redraws == 0


@pytest.mark.parametrize("piece", [1, 3, 10_000])
def test_bytes_that_are_no_utf8_are_counted_and_kept(piece: int) -> None:
    """A character cut by a piece's border is whole, and a lone byte is not."""
    text, watched = kept("Zürich ✓ ".encode() + b"Z\xfcrich \xff\n", piece=piece)
    assert watched.undecodable_bytes == 2
    assert text.endswith(b"Z\xfcrich \xff\n")


def test_half_a_character_at_the_end_is_counted() -> None:
    """Output cut amid a character says so."""
    assert kept("✓".encode()[:2])[1].undecodable_bytes == 2


def test_flood_is_cut_and_counted_to_its_end() -> None:
    """Of output without end so much is kept as a log may hold; the rest is counted."""
    text, watched = kept(b"x" * 99 + b"\n" * 200_000, limit=5_000)
    assert (len(text), watched.kept_bytes, watched.cut) == (5_000, 5_000, True)
    assert watched.output_bytes == 200_099


def test_output_as_large_as_the_limit_is_whole() -> None:
    """The limit itself is no cut."""
    assert not kept(b"y" * 5_000, limit=5_000)[1].cut


def test_endless_line_does_not_fill_the_memory() -> None:
    """A line without end is handed on in pieces."""
    found: list[int] = []
    watched = Watched(write=lambda piece: found.append(len(piece)), limit_bytes=2**22)
    for _ in range(200):
        watched.feed(b"z" * 10_000)
    assert max(found) < LONGEST_LINE_BYTES + 10_000
    assert len(found) > 10


def test_plain_output_passes_as_it_is() -> None:
    """Without bars nothing changes, in whatever pieces it comes."""
    dice = random.Random(7)
    said = b"".join(bytes(dice.choices(b"abc \n", k=50)) for _ in range(200))
    assert kept(said, piece=13)[0] == said
