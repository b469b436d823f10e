"""A live backfill opens what is named and nothing else; what is missing comes in one list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fixtures
from fixtures.clients.prefect_rest import Rest
from fixtures.core import errors, settings
from fixtures.core.settings import BackfillTable, EnvironmentTable, Settings
from fixtures.procedures import backfill_stack

ROOT = Path(fixtures.__file__).parents[1]
ACCOUNT, WORKSPACE = (
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
)
CLOUD = f"https://api.prefect.cloud/api/accounts/{ACCOUNT}/workspaces/{WORKSPACE}"
WINDOWS = ({"run_date": "2026-01-01", "version": "1"},)


@pytest.fixture
def known() -> Settings:
    """Settings of this project, as its pyproject.toml has them."""
    return settings.load(ROOT / "pyproject.toml")


@pytest.fixture
def table(known: Settings) -> BackfillTable:
    """The backfill's settings, with a window to work on."""
    return known.words.backfill.model_copy(update={"windows": WINDOWS})


@pytest.fixture
def environment(known: Settings) -> EnvironmentTable:
    """The backfill's environment, pinned to no workspace."""
    return known.environments["hotpass-e2e-staging"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory that looks like a checkout."""
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


@pytest.fixture(autouse=True)
def no_prefect_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the shell's own Prefect away."""
    for name in (backfill_stack.API_URL, backfill_stack.API_KEY, backfill_stack.AUTH):
        monkeypatch.delenv(name, raising=False)


def missing(table: BackfillTable, environment: EnvironmentTable, root: Path | None) -> str:
    found = backfill_stack.missing_live(
        table, environment, environment_name="hotpass-e2e-staging", hotpass_root=root
    )
    return "\n".join(found)


def test_everything_missing_is_listed_at_once(
    known: Settings, environment: EnvironmentTable
) -> None:
    """Checkout, address and windows: one list, each with how to provide it."""
    told = missing(known.words.backfill, environment, None)
    assert "--hotpass-root" in told
    assert "set PREFECT_API_URL" in told
    assert "REHEARSAL_WORDS__BACKFILL__WINDOWS" in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param(CLOUD, "set PREFECT_API_KEY", id="no-key"),
        pytest.param("https://api.prefect.cloud/api", "a workspace", id="no-workspace"),
        pytest.param("api.prefect.cloud", "must start with", id="no-scheme"),
    ],
)
def test_address_must_be_usable(
    table: BackfillTable,
    environment: EnvironmentTable,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    told: str,
) -> None:
    """An address that cannot work is told before the window, not in it."""
    monkeypatch.setenv("PREFECT_API_URL", url)
    assert told in missing(table, environment, checkout)


def test_variable_wins_over_the_setting(
    environment: EnvironmentTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan's own PREFECT_API_URL counts; the setting stands in where there is none."""
    set_up = environment.model_copy(update={"prefect_api_url": "http://setting/api"})
    assert backfill_stack.api_url_of(set_up) == "http://setting/api"
    monkeypatch.setenv("PREFECT_API_URL", "http://shell/api/")
    assert backfill_stack.api_url_of(set_up) == "http://shell/api"


def test_workspace_is_read_from_the_address() -> None:
    """Account and workspace are the facts an environment pins."""
    assert backfill_stack.workspace_of(CLOUD) == {"account": ACCOUNT, "workspace": WORKSPACE}
    assert backfill_stack.workspace_of("http://host/api") == {"address": "http://host/api"}


def test_another_workspace_is_refused_before_it_is_asked(
    table: BackfillTable,
    environment: EnvironmentTable,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pinned workspace is the only one; not a single request goes to another."""
    monkeypatch.setenv("PREFECT_API_URL", CLOUD)
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_made-up-for-a-test")

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("nobody is to be asked")

    monkeypatch.setattr(Rest, "ask", never)
    pinned = environment.model_copy(
        update={"identity": {"prefect": {"workspace": ACCOUNT, "server version": "cloud"}}}
    )
    with (
        pytest.raises(errors.IdentityRefused, match=WORKSPACE),
        backfill_stack.live(
            table, pinned, environment_name="hotpass-e2e-staging", hotpass_root=checkout
        ),
    ):
        pass


def test_isolation_keeps_profiles_away(tmp_path: Path) -> None:
    """The pre-checks meet a Prefect home of their own: HOME alone would lead to the user's."""
    given = backfill_stack.isolation(tmp_path)
    assert all(str(tmp_path) in given[name] for name in ("PREFECT_HOME", "PREFECT_PROFILES_PATH"))
    # Empty wins over a `.env` of the checkout; absent would not.
    assert (given["PREFECT_API_URL"], given["PREFECT_API_KEY"]) == ("", "")
