"""The board in a real browser, opened as a file: on a phone, and with a keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.clients import browser
from fixtures.core.records.systems import Mode
from fixtures.evidence.verify import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.publishing import board
from fixtures.publishing.diff import between, telling
from tests.harness.publishing.board import made
from tests.harness.publishing.board.conftest import NOW
from tests.harness.publishing.board.test_attempts import trouble

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, started once."""
    program = browser.find()
    if program is None:
        pytest.skip("no Chromium that Playwright can drive: install one, and '.[browser]'")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        args = [*browser.QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        opened = playwright.chromium.launch(executable_path=program, args=args)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of a live bundle that broke a promise, an attempt, dry runs, a refused one."""
    root = tmp_path_factory.mktemp("browser") / "staging"
    made.whole(root, mode=Mode.LIVE, first="broke")
    newer, older = made.whole(root, environment="e" * 90), made.whole(root, operator="o" * 300)
    spoilt = made.whole(root)
    (spoilt / "SHA256SUMS").write_text("nothing")
    missing = trouble("x" * 300, "PREFECT_API_URL")
    how: dict[str, Any] = {"staging": True, "systems": [], "outcome": "BLOCKED"}
    made.quick(root, newer, NOW, mode="local", word="arc", troubles=[missing], **how)
    (root / "marquez" / ("old-" * 50)).mkdir()
    built = board.build([root], root / "board", now=NOW)
    assert (built.bundles, built.refused, built.passed) == (5, 1, 1)
    found = between(newer, older, lambda folder: verify(folder, registries=REGISTRIES))
    (built.output / "diff.html").write_bytes(telling.page(found))
    return built.output


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window of a phone's width; whatever the browser complains of fails the test."""
    context = chromium.new_context(viewport=PHONE)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text))
    opened.on("pageerror", lambda said: complaints.append(str(said)))
    opened.on("requestfailed", lambda asked: complaints.append(asked.url))
    yield opened
    context.close()
    assert complaints == []


def test_every_page_fits_and_shows_its_pictures(page: Page, output: Path) -> None:
    """No sideways scrolling, every picture loads and has a text, nothing is asked of a network."""
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    found = sorted(output.rglob("*.html"))
    pictures = 0
    for each in found:
        page.goto(each.as_uri())
        for window in (DESK, PHONE):
            page.set_viewport_size(window)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (each.name, window, wide)
        page.evaluate("for (const each of document.images) each.loading = 'eager'")
        page.wait_for_function("[...document.images].every(each => each.complete)")
        seen = page.evaluate("[...document.images].map(each => [each.naturalWidth, each.alt])")
        assert all(width > 0 and alt for width, alt in seen), each.name
        pictures += len(seen)
    assert len(found) > 9
    assert pictures == 4
    assert all(each.startswith("file://") for each in asked)


def test_a_keyboard_gets_everywhere(page: Page, output: Path) -> None:
    """Tab first offers the way past the menu, then every link in the page's order, visibly."""
    page.goto((output / "marquez.html").as_uri())
    wanted = page.evaluate("[...document.querySelectorAll('a')].map(each => each.href)")
    reached = []
    for _ in wanted:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.href"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
    assert reached == wanted
    page.goto((output / "marquez.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_from_the_front_to_the_report(page: Page, output: Path) -> None:
    """By clicks alone: front, rehearsal, bundle, and the sealed report itself."""
    page.goto((output / "index.html").as_uri())
    page.get_by_role("link", name="Marquez lineage smoke").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Marquez lineage smoke"
    page.get_by_role("table").nth(0).get_by_role("link").first.click()
    page.get_by_role("link", name="Open the report").click()
    assert page.url.endswith("/report.html")
    assert "Guardrails" in page.locator("main").inner_text()


def test_a_screen_reader_is_told_the_same(page: Page, output: Path) -> None:
    """Names by role: tables by their captions, cells by row, what blocks as words, not colours."""
    page.goto((output / "marquez.html").as_uri())
    tree = page.locator("body").aria_snapshot()
    assert '- navigation "Board"' in tree
    assert "- main" in tree
    assert '- table "The newest' in tree
    assert "rowheader" in tree
    assert "blocked" in tree
    assert "marquez.stack-healthy broke" in tree
    assert "Dry runs" in tree


def test_an_attempt_and_strays_are_read_out(page: Page, output: Path) -> None:
    """What is missing by name, and what was passed over as a table with its caption."""
    page.goto((output / "index.html").as_uri())
    card = page.get_by_role("article", name="ARC runner lifecycle")
    assert "Last live attempt" in card.inner_text()
    assert "PREFECT_API_URL" in card.inner_text()
    assert card.get_by_role("link", name="Last live attempt").is_visible()
    strays = page.get_by_role("table", name="1 name where bundles lie")
    assert strays.get_by_role("rowheader").count() == 1
