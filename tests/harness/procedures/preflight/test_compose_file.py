"""Traps of Hotpass's own Compose file: each is found, those our overlay mends do not block."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.procedures import stacks
from fixtures.procedures.preflight import compose_file
from fixtures.procedures.preflight.finding import Finding, State
from tests.harness.procedures.preflight.conftest import SOUND


def findings(root: Path, text: str) -> list[Finding]:
    (root / stacks.COMPOSE_FILE).write_text(text, encoding="utf-8")
    return list(compose_file.findings(root))


def test_sound_file_has_no_trap(checkout: Path) -> None:
    """Nothing is said of what is in order, and nothing of a file that is not there."""
    assert findings(checkout, SOUND) == []
    (checkout / stacks.COMPOSE_FILE).unlink()
    assert list(compose_file.findings(checkout)) == []


@pytest.mark.parametrize(
    ("sound", "trap", "told"),
    [
        pytest.param(
            "marquez:0.51.1\n    env", "marquez:latest\n    env", "tomorrow", id="latest"
        ),
        pytest.param("marquez:0.51.1\n    env", "marquez\n    env", "tomorrow", id="no-tag"),
        pytest.param("marquez-web:\n", "page:\n", "no lineage page", id="no-page"),
        pytest.param(
            "{marquez-db: {condition: service_healthy}}", "[marquez-db]", "leaves", id="no-wait"
        ),
        pytest.param('SEARCH_ENABLED: "false"', 'A: "b"', "search engine", id="search"),
        pytest.param('python, -c, "pass"', "wget, x", "wget", id="wget"),
        pytest.param("127.0.0.1:3001:80", "3001:80", "every interface", id="all-interfaces"),
    ],
)
def test_trap_that_is_mended(checkout: Path, sound: str, trap: str, told: str) -> None:
    """Attention, with what was found: the overlay mends it, or the manifest tells the digest."""
    assert SOUND.count(sound) == 1
    [finding] = findings(checkout, SOUND.replace(sound, trap))
    assert finding.state is State.ATTENTION
    assert told in finding.found
    assert finding.fix


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(SOUND.replace("postgres:15.9", "postgres:18"), "refuses to start", id="pg18"),
        pytest.param(SOUND.replace("  marquez-db:\n", "  db:\n"), "marquez-db", id="no-database"),
        pytest.param("services: [", "cannot be read", id="no-yaml"),
        pytest.param("- a\n", "no service marquez, marquez-db", id="a-list"),
        pytest.param("services: {marquez: 5}\n", "no service", id="no-table"),
    ],
)
def test_trap_that_blocks(checkout: Path, text: str, told: str) -> None:
    """What nobody can mend for the rehearsal would end it: missing."""
    [finding] = findings(checkout, text)
    assert finding.state is State.MISSING
    assert told in finding.found
    assert finding.fix
