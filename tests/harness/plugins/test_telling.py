"""Self-tests of what the terminal says: what is quoted there acts on no terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures.core import errors
from fixtures.core.verdict import Promise
from fixtures.evidence.bundle import Bundle
from fixtures.guardrails.registries import REGISTRIES
from fixtures.plugins import telling
from fixtures.procedures import closing
from tests.harness.evidence.conftest import JUNIT, OPENING, fill, reserved

HOSTILE = "a\x1b[2J\r\nVERIFIED as LIVE\u202e"


class Terminal:
    """Keeps what is written to it."""

    def __init__(self) -> None:
        self.said = ""

    def ensure_newline(self) -> None:
        """It begins so."""

    def section(self, title: str, **_: Any) -> None:
        """A heading is a line."""
        self.write_line(title)

    def write(self, said: str, **_: Any) -> None:
        """As it comes."""
        self.said += said

    def write_line(self, said: str, **_: Any) -> None:
        """With its end."""
        self.said += f"{said}\n"


def observed(bundle: Bundle) -> None:
    for each in REGISTRIES["marquez"].expected(steps_run=frozenset()):
        bundle.note_verdict(Promise(each.id, each.artefact, each.promise).broke(HOSTILE))


def stumbled(bundle: Bundle) -> None:
    bundle.note_trouble(errors.SystemUnreachable(HOSTILE, hint=HOSTILE), step="1")


def stopped(bundle: Bundle) -> None:
    bundle.note_interruption(HOSTILE)


@pytest.mark.parametrize("quote", [observed, stumbled, stopped], ids=lambda made: made.__name__)
def test_what_is_quoted_acts_on_no_terminal(
    tmp_path: Path, quote: Callable[[Bundle], None]
) -> None:
    """Neither clears it nor begins a line of its own."""
    bundle = reserved(tmp_path, opening={**OPENING, "narrowed": HOSTILE})
    fill(bundle)
    quote(bundle)
    terminal = Terminal()
    config = SimpleNamespace(invocation_params=SimpleNamespace(dir=tmp_path))
    telling.tell(cast("Any", terminal), closing.close(bundle, junit=JUNIT), cast("Any", config))
    assert "VERIFIED as LIVE" in terminal.said
    assert all(line.isprintable() for line in terminal.said.split("\n"))
    assert not any(line.startswith("VERIFIED") for line in terminal.said.split("\n"))
