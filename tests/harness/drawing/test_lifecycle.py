"""The picture of a lifecycle: a lane for everything that lived, the drain window where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fixtures.core import errors
from fixtures.drawing import png
from fixtures.drawing.lifecycle import lifecycle_svg

GOOD = Path(__file__).parents[2] / "doctored" / "arc" / "good_holds" / "lifecycle.json"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def body() -> dict[str, Any]:
    """A lifecycle with nothing wrong in it."""
    told: dict[str, Any] = json.loads(GOOD.read_text(encoding="utf-8"))
    return told


def lanes(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    return [
        each.get("data-name", "") for each in root.iter(f"{SVG}g") if each.get("class") == "lane"
    ]


def test_every_life_has_its_lane(body: dict[str, Any]) -> None:
    """Listeners, both jobs, and every runner that was seen."""
    drawn = lanes(lifecycle_svg(body))
    names = [each["name"] for each in body["runners"]]
    assert [name for name in drawn if name in names] == names
    assert sum(name.startswith("listener") for name in drawn) == len(body["listeners"])
    assert sum(name.startswith("job") for name in drawn) == 2


def test_drain_window_is_shaded_where_it_was(body: dict[str, Any]) -> None:
    """One shade, none without a drain."""
    assert lifecycle_svg(body).count('class="drain"') == 1
    assert 'class="drain"' not in lifecycle_svg({**body, "drain": None})


def test_same_payload_same_bytes(body: dict[str, Any]) -> None:
    """Anybody can draw it again and compare."""
    assert lifecycle_svg(body) == lifecycle_svg(json.loads(json.dumps(body)))


def test_names_are_made_safe(body: dict[str, Any]) -> None:
    """A runner's name is somebody else's text."""
    body["runners"][0]["name"] = '<script>"&\u202e</script>'
    svg = lifecycle_svg(body)
    ElementTree.fromstring(svg)  # noqa: S314 - our own
    assert "<script>" not in svg


def test_nothing_seen_is_drawn_as_such(body: dict[str, Any]) -> None:
    """A rehearsal stopped early has a picture too."""
    none: dict[str, Any] = {
        "runners": [],
        "listeners": [],
        "jobs": {"a": None, "b": None},
        "drain": None,
    }
    assert lanes(lifecycle_svg({**body, **none})) == []


def test_it_becomes_pixels_that_show_something(body: dict[str, Any]) -> None:
    """The PNG is not blank."""
    assert not png.is_blank(png.facts(png.svg_to_png(lifecycle_svg(body))))


def test_what_is_no_lifecycle_is_told(body: dict[str, Any]) -> None:
    """A missing time is an error with a hint, not a traceback."""
    del body["started_at"]
    with pytest.raises(errors.PayloadUnreadable):
        lifecycle_svg(body)
