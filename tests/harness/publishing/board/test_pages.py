"""What is in the pages: links that lead somewhere, text that stays text, colours one can read."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.publishing.board import pages, places
from fixtures.publishing.board.places import Shelf, Spot
from tests.harness.publishing.board.conftest import Draw, Make

HOSTILE = "\"><img src=x onerror=alert(1)><script>alert(2)</script>' {{ 7*7 }} \u202egnp"


class Read(HTMLParser):
    """Notes elements with their attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.found.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        """The attributes of every element of these names."""
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture
def output(make: Make, draw: Draw, root: Path) -> Path:
    """A board with one of everything."""
    make(9)
    make(8, outcome="FAILED", operator=HOSTILE, runbook=HOSTILE, owners=[HOSTILE])
    make(7, environment=HOSTILE, reasons=[], signer=None)
    make(6, mode="local")
    make(5, mode="dry run", outcome="BLOCKED")
    make(4, mode="dry run", below=root / "dry-run", word="arc")
    make(3, outcome="INTERRUPTED")
    (root / "marquez" / HOSTILE.replace("/", "")).mkdir()
    (root / "marquez" / HOSTILE.replace("/", "") / "manifest.json").write_text("{}")
    (root / "e2e" / os.fsdecode(b"no \xff utf-8")).mkdir(parents=True)
    (root / "e2e" / os.fsdecode(b"no \xff utf-8") / "manifest.json").write_text("{}")
    output = draw().output
    # What the index holds of it is what the disk holds.
    assert draw().written == []
    return output


@pytest.fixture
def every(output: Path) -> dict[str, Read]:
    """Every page, read."""
    return {str(each.relative_to(output)): Read(each) for each in output.rglob("*.html")}


def links(read: Read) -> Iterator[str]:
    for attributes in read.all("a", "img", "link", "script", "iframe", "form"):
        for name in ("href", "src", "action"):
            if attributes.get(name):
                yield str(attributes[name])


def test_every_link_leads_somewhere(output: Path, every: dict[str, Read]) -> None:
    """Relative, no scheme and no host: from file:// and from a bucket alike."""
    count = 0
    for name, read in every.items():
        for link in links(read):
            parts = urlsplit(link)
            assert (parts.scheme, parts.netloc, parts.query) == ("", "", ""), (name, link)
            if parts.path:
                assert (
                    (output / name).parent / unquote(parts.path, errors="surrogateescape")
                ).exists(), (name, link)
                count += 1
            else:
                assert any(one.get("id") == parts.fragment for _, one in read.found)
    assert count > 100


def test_nothing_from_elsewhere(output: Path, every: dict[str, Read]) -> None:
    """No script, style sheet, font or frame; a policy that would forbid them; no comment code."""
    for name, read in every.items():
        assert not read.all("script", "iframe", "link", "object", "embed", "form"), name
        (policy,) = [each["content"] for each in read.all("meta") if "http-equiv" in each]
        assert "default-src 'none'" in str(policy)
        text = (output / name).read_text("utf-8")
        assert "url(" not in text
        assert "@import" not in text
        assert "http" not in re.sub(r"http-equiv|http://127\.0\.0\.1", "", text), name


def test_hostile_names_stay_text(output: Path, every: dict[str, Read]) -> None:
    """Environments, operators, directory names: shown, never obeyed, nothing turned around."""
    shown = 0
    for name, read in every.items():
        text = (output / name).read_text("utf-8")
        assert "<script" not in text
        assert "\u202e" not in text
        assert not [each for each in read.all("img") if "onerror" in each]
        shown += "&lt;script&gt;" in text and "{{ 7*7 }}" in text
    assert shown >= 3


def test_pages_are_built_for_everybody(every: dict[str, Read]) -> None:
    """Language, title, landmarks, one h1, headings in order, captions, scopes, alt texts."""
    assert len(every) > 12
    for name, read in every.items():
        assert [each.get("lang") for each in read.all("html")] == ["en-GB"], name
        assert len(read.all("title")) == 1 + len(read.all("rect")), name
        for landmark in ("main", "nav", "h1", "footer"):
            assert len(read.all(landmark)) == 1, (name, landmark)
        levels = [int(tag[1]) for tag, _ in read.found if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), name
        assert len(read.all("caption")) == len(read.all("table"))
        assert all("scope" in each for each in read.all("th"))
        assert all(each.get("alt") for each in read.all("img"))
        assert all(each.get("aria-label") for each in read.all("svg"))
        ids = [each["id"] for _, each in read.found if "id" in each]
        assert len(ids) == len(set(ids)), name
        named = [each["aria-labelledby"] for _, each in read.found if "aria-labelledby" in each]
        assert set(named) <= set(ids)
        assert not [each for _, each in read.found if str(each.get("tabindex", "0")) > "0"]


def test_dry_runs_stand_apart(output: Path, every: dict[str, Read]) -> None:
    """A list of their own under a heading that says so, never among the live ones, never green."""
    text = (output / "marquez.html").read_text("utf-8")
    live, apart = text.split('<section class="apart"')
    assert "nothing here is staging evidence" in apart
    assert "would have been BLOCKED" in apart
    assert 'class="badge dry"' not in live
    assert 'class="badge good"' not in apart
    (page,) = (output / "bundles").glob("arc-*.html")
    dry = page.read_text("utf-8")
    assert "<title>DRY RUN · " in dry
    assert "DRY RUN <span" in dry
    assert "LIVE</p>" not in dry


def test_each_bundle_says_how_to_check_it(output: Path) -> None:
    """The command, from the board's folder; and what was checked and what was not."""
    found = list((output / "bundles").iterdir())
    assert len(found) == 9
    for page in found:
        assert "uv</span> <span" in page.read_text("utf-8")
        assert "verify</span>" in page.read_text("utf-8")
    for name in ("index.html", "marquez.html"):
        assert "the ledger is not added up" in (output / name).read_text("utf-8")


def test_pictures_are_shown_where_they_lie(output: Path, every: dict[str, Read]) -> None:
    """By a relative link into the bundle: nothing is copied, and a dry run's caption says so."""
    shown = {
        name: [str(each["alt"]) for each in read.all("img")]
        for name, read in every.items()
        if read.all("img")
    }
    assert len(shown) == 7
    dry = [alts for name, alts in shown.items() if name.startswith("bundles/arc")]
    assert all(each.startswith("Dry run: ") for alts in dry for each in alts)


def test_trend_tells_its_median_in_words(make: Make, draw: Draw) -> None:
    """Bars for the eye, the figures for everybody."""
    for days, took_s in ((3, 10), (2, 20), (1, 60)):
        make(days, took_s=took_s)
    text = (draw().output / "marquez.html").read_text("utf-8")
    assert "How long the last 3 live rehearsals took, oldest first: median 20 s" in text
    assert text.count("<rect ") == 3


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_read(scheme: int) -> None:
    """Every pair of ink and ground the pages use: at least 4.5 to 1, in both schemes."""
    css = resources.files("fixtures.drawing").joinpath("templates/report.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours: dict[str, str] = {}
    for block in blocks[: scheme + 1]:
        colours.update(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    pairs = [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("paper", "card")]
    pairs += [(tone, f"{tone}-wash") for tone in ("good", "bad", "amber", "open", "plain")]
    pairs += [("ink", "code"), ("card", "link")]
    for ink, ground in pairs:
        assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert _contrast(colours["hazard"] if scheme == 0 else "#ffb000", "#141414") >= 4.5


@given(
    st.lists(
        st.datetimes().map(lambda at: f"{at:%Y%m%dT%H%M%SZ}".rjust(16, "0")),
        max_size=60,
        unique=True,
    )
)
def test_history_is_split_whole(names: list[str]) -> None:
    """Every bundle on exactly one page, in order, whatever the stamps."""
    shelf = Shelf("arc", "", "", apart=False)
    listed = [
        Spot(name, name, stamped=True, answered=False, shelf=shelf) for name in sorted(names)
    ]
    split = places.split(listed)
    assert [each for page in split.values() for each in page] == listed
    assert all(each.name.startswith(part) for part, page in split.items() for each in page)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("202611", "November 2026"),
        ("2026111", "10 to 19 November 2026"),
        ("20261122", "22 November 2026"),
        ("209913", "209913"),
        ("2026119", "2026119"),
        ("20261122T0", "22 November 2026, 00:00 to 09:59"),
        ("20261122T05", "22 November 2026, 05:00 to 05:59"),
        ("20261122T0544", "22 November 2026, 0544"),
        ("unnamed", "Without a time stamp"),
    ],
)
def test_parts_have_names(part: str, said: str) -> None:
    """Months and days in words; what is no date stays as it is."""
    assert pages.part_name(part) == said


def test_where_a_bundle_lay_is_told_nobody(root: Path, draw: Draw) -> None:
    """A directory without a manifest is refused by the name of what is missing, and no path."""
    (root / "marquez" / "20261119T000000Z").mkdir(parents=True)
    built = draw()
    assert built.refused == 1
    page = (built.output / "index.html").read_text("utf-8")
    assert "manifest.json: No such file or directory" in page
    assert str(root) not in page


def test_facts_of_a_manifest_are_shown(make: Make, draw: Draw) -> None:
    """What a rehearsal noted beside its systems, such as the run of a workflow."""
    fact: dict[str, Any] = {"step": "2", "name": "workflow run", "value": "https://example.org/1"}
    make(1, edit=lambda body: body.update(facts=[fact]))
    (page,) = (draw().output / "bundles").iterdir()
    assert "https://example.org/1" in page.read_text("utf-8")
