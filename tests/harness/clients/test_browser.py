"""Finding a browser: none without Playwright, none without a program."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable

import pytest

from fixtures.clients import browser
from fixtures.core import errors


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Machine with or without Playwright, and with these programs on PATH."""

    def made(*, playwright: bool, programs: tuple[str, ...]) -> None:
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda _: object() if playwright else None
        )
        monkeypatch.setattr(
            shutil, "which", lambda name: f"/usr/bin/{name}" if name in programs else None
        )

    return made


@pytest.mark.parametrize(
    ("playwright", "programs"),
    [
        pytest.param(False, ("chromium",), id="no-playwright"),
        pytest.param(True, (), id="no-program"),
        pytest.param(True, ("firefox",), id="another-browser"),
        pytest.param(False, (), id="neither"),
    ],
)
def test_nothing_to_drive_is_none(
    machine: Callable[..., None], playwright: bool, programs: tuple[str, ...]
) -> None:
    """Both are needed: what drives and what is driven."""
    machine(playwright=playwright, programs=programs)
    assert browser.find() is None


@pytest.mark.parametrize("program", browser.PROGRAMS)
def test_any_known_program_is_found(machine: Callable[..., None], program: str) -> None:
    """Each name a Chromium goes by is looked for."""
    machine(playwright=True, programs=(program,))
    assert browser.find() == f"/usr/bin/{program}"


def test_first_known_program_wins(machine: Callable[..., None]) -> None:
    """A distribution's own Chromium goes before Chrome."""
    machine(playwright=True, programs=("google-chrome", "chromium"))
    assert browser.find() == "/usr/bin/chromium"


@pytest.mark.parametrize("playwright", [True, False])
def test_none_is_no_browser(machine: Callable[..., None], playwright: bool) -> None:
    """Asked for none, none is used, whatever is there."""
    machine(playwright=playwright, programs=browser.PROGRAMS)
    assert browser.find(browser.NO_BROWSER) is None


def test_the_one_asked_for_is_used(machine: Callable[..., None]) -> None:
    """A browser asked for by name wins over the known ones."""
    machine(playwright=True, programs=("chromium", "my-chromium"))
    assert browser.find("my-chromium") == "/usr/bin/my-chromium"


@pytest.mark.parametrize(
    ("playwright", "programs", "told"),
    [
        pytest.param(True, ("chromium",), "is not there or may not be run", id="not-there"),
        pytest.param(False, ("my-chromium",), "needs Playwright", id="no-playwright"),
    ],
)
def test_the_one_asked_for_is_never_replaced(
    machine: Callable[..., None], playwright: bool, programs: tuple[str, ...], told: str
) -> None:
    """Asked for by name and not usable is trouble, never another browser or a drawing."""
    machine(playwright=playwright, programs=programs)
    with pytest.raises(errors.PictureNotTaken, match=told) as caught:
        browser.find("my-chromium")
    assert "REHEARSAL_BROWSER" in caught.value.hint
