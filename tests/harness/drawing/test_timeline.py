"""The time line: what is drawn is what ran, and a breach is told in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from fixtures.drawing import png, timeline
from fixtures.drawing.timeline import MOST_LANES, Lane, Timeline


def a_line(*lanes: Lane, limit: int | None = 2) -> Timeline:
    return Timeline(title="backfill", note="", limit=limit, seconds=10.0, lanes=lanes)


def ran(label: str, begin: float, end: float, *, control: bool = False) -> Lane:
    return Lane(label=label, state="Completed", ran=((begin, end),), control=control)


def test_each_run_has_its_lane() -> None:
    """One lane a run, by its name, and well-formed."""
    svg = timeline.timeline_svg(a_line(ran("a", 0, 4), ran("b", 2, 6)))
    ElementTree.fromstring(svg)  # noqa: S314 - our own drawing
    assert svg.count('class="lane"') == 2
    assert re.findall(r'class="label"[^>]*>([^<]+)<', svg) == ["a", "b"]


def test_limit_is_drawn_in() -> None:
    """The limit stands there as a line and as a number."""
    svg = timeline.timeline_svg(a_line(ran("a", 0, 4)))
    assert svg.count('class="limit"') == 2
    assert ">limit 2<" in svg
    assert 'class="limit"' not in timeline.timeline_svg(a_line(ran("a", 0, 4), limit=None))


def test_breach_is_told_in_words() -> None:
    """Three at once under a limit of two is no matter of colour alone."""
    svg = timeline.timeline_svg(a_line(*(ran(name, 0, 4) for name in "abc")))
    assert "limit 2, exceeded: 3 at once" in svg


def test_control_arm_is_not_counted() -> None:
    """Runs without a limit break none."""
    lanes = [ran("a", 0, 4), *(ran(name, 5, 9, control=True) for name in "bcd")]
    svg = timeline.timeline_svg(a_line(*lanes))
    assert "exceeded" not in svg
    assert "1 runs · at most 1 at once · 3 of the control arm" in svg


def test_what_ends_makes_room() -> None:
    """Runs that meet in one moment were never at once."""
    assert timeline.levels([(0, 1), (1, 2)]) == [(0, 1), (1, 1), (2, 0)]
    assert max(level for _, level in timeline.levels([(0, 2), (1, 3), (1, 2)])) == 3


@pytest.mark.parametrize("count", [0, 1, MOST_LANES + 5])
def test_any_number_of_runs_is_a_picture(count: int) -> None:
    """None, one, or more than there is room for: the picture says so and is not blank."""
    svg = timeline.timeline_svg(a_line(*(ran(f"run-{each}", 0, 4) for each in range(count))))
    assert not png.is_blank(png.facts(png.svg_to_png(svg)))
    assert ("5 lanes not drawn" in svg) is (count > MOST_LANES)


def test_hostile_names_are_drawn_as_text() -> None:
    """Names come from somebody else's system."""
    svg = timeline.timeline_svg(a_line(ran("<script>\u202e\x00", 0, 4)))
    ElementTree.fromstring(svg)  # noqa: S314 - our own drawing
    assert "<script>" not in svg


def test_same_runs_give_the_same_bytes() -> None:
    """A drawing can be compared."""
    assert timeline.timeline_svg(a_line(ran("a", 0, 4))) == timeline.timeline_svg(
        a_line(ran("a", 0, 4))
    )
