"""The embedded server: isolated, from a template that many share, and never guessed ports.

Not here: a server that answers (``procedures/backfill``), its end with ours (``test_daemons.py``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.core import errors, process
from fixtures.procedures import prefect_server


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Migrations made so far, each in a moment: what Prefect would do takes eight seconds."""
    made: list[Path] = []

    def migrate(home: Path) -> None:
        made.append(home)
        with sqlite3.connect(home / "prefect.db") as database:
            database.execute("create table alembic_version (version_num text)")
            database.execute("insert into alembic_version values ('head')")
        database.close()

    monkeypatch.setattr(prefect_server, "_migrate", migrate)
    return made


@pytest.fixture
def lay(tmp_path: Path) -> Callable[[str], str]:
    """Lays a database into a new home, from the template in one cache."""

    def laid(name: str) -> str:
        home = tmp_path / name
        home.mkdir()
        told = prefect_server._lay_database(home, tmp_path / "cache")
        assert (home / "prefect.db").is_file()
        return told

    return laid


def test_template_is_made_once(lay: Callable[[str], str], migrations: list[Path]) -> None:
    """The second server copies what the first has migrated."""
    assert lay("one").endswith("made just now")
    assert not lay("two").endswith("made just now")
    assert len(migrations) == 1


@pytest.mark.parametrize(
    "spoilt",
    [pytest.param(b"", id="empty"), pytest.param(b"no database" * 100, id="torn")],
)
def test_spoilt_template_is_made_again(
    lay: Callable[[str], str], migrations: list[Path], tmp_path: Path, spoilt: bytes
) -> None:
    """A template that somebody has spoilt is no template."""
    lay("one")
    (template,) = (tmp_path / "cache").glob("*.db")
    template.write_bytes(spoilt)
    assert lay("two").endswith("made just now")
    assert len(migrations) == 2


def test_template_is_named_for_the_version(
    lay: Callable[[str], str], migrations: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of Prefect has another schema."""
    lay("one")
    monkeypatch.setattr(prefect_server, "installed", lambda: "99.0.0")
    lay("two")
    assert len(migrations) == 2


def test_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, migrations: list[Path]
) -> None:
    """Without a cache the database is migrated in its own home, and that is told."""
    (tmp_path / "cache").write_text("a file where a folder should be")
    home = tmp_path / "home"
    home.mkdir()
    told = prefect_server._lay_database(home, tmp_path / "cache")
    assert told.startswith("migrated here")
    assert migrations == [home]


def test_nothing_of_the_user_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of ours meets neither the shell's PREFECT_* nor the user's profile."""
    for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_HOME"):
        monkeypatch.setenv(name, "of the user")
    given = process.environment(prefect_server.variables(tmp_path, api_url="http://ours/api"))
    assert "of the user" not in given.values()
    assert given["PREFECT_API_URL"] == "http://ours/api"
    assert given["PREFECT_SERVER_EPHEMERAL_ENABLED"] == "false"
    places = ("PREFECT_HOME", "PREFECT_PROFILES_PATH", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
    assert all(str(tmp_path) in given[name] for name in places)


def test_without_prefect_it_is_a_missing_prerequisite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An install without the extra says what to install, and starts nothing."""
    monkeypatch.setattr(prefect_server, "installed", lambda: "")
    with (
        pytest.raises(errors.PrerequisitesMissing, match="1 missing") as missing,
        prefect_server.serving(tmp_path),
    ):
        pass
    assert "hotpass-rehearsals[backfill]" in missing.value.hint
