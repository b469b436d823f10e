"""Who is told: what the settings name, and a missing token is said by the one it is missing of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import ValidationError

from fixtures.core import errors, settings
from fixtures.core.settings.publishing import ChannelTable, IssueTable
from fixtures.publishing import notifiers
from fixtures.publishing.channel import Channel
from fixtures.publishing.issue import Issue

if TYPE_CHECKING:
    from fixtures.publishing.told import Told

ROOT = Path(__file__).parents[3]
ISSUE = {"REHEARSAL_PUBLISHING__ISSUE__REPOSITORY": "acme/hotpass"}
CHANNEL = {"REHEARSAL_PUBLISHING__CHANNEL__ENABLED": "true"}


def configured(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], **environ: str
) -> dict[str, Any]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    known = settings.load(ROOT / "pyproject.toml")
    return {each.name: each for each in notifiers.configured(known, environ)}


def test_nobody_is_told_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a repository and with the channel off, nobody."""
    assert configured(monkeypatch, {}, GITHUB_TOKEN="a-token") == {}


def test_both_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each names its place; a workflow's run is a link in both."""
    run = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/h"}
    tokens = {"GITHUB_TOKEN": "a-token", "SLACK_BOT_TOKEN": "another"}
    found = configured(
        monkeypatch,
        {**ISSUE, **CHANNEL},
        **tokens,
        **run,
        GITHUB_RUN_ID="7",
        GITHUB_ACTIONS="true",
    )
    assert {name: each.place for name, each in found.items()} == {
        "issue": "acme/hotpass #staging-readiness",
        "channel": "#staging-readiness",
    }
    for each in found.values():
        assert each.links == {"Workflow run": "https://github.com/acme/h/actions/runs/7"}


def test_a_missing_token_is_said_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by the variables it looked at; the other is still told."""
    found = configured(monkeypatch, {**ISSUE, **CHANNEL}, SLACK_BOT_TOKEN="another")
    with pytest.raises(errors.TokenRefused, match="REHEARSAL_SECRETS__GITHUB_TOKEN"):
        found["issue"].tell(cast("Told", None))
    assert isinstance(found["channel"], Channel)


def test_a_missing_extra_is_said_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the channel cannot be told, and the issue is."""
    monkeypatch.setitem(sys.modules, "slack_sdk", None)
    tokens = {"GITHUB_TOKEN": "a-token", "SLACK_BOT_TOKEN": "another"}
    found = configured(monkeypatch, {**ISSUE, **CHANNEL}, **tokens)
    with pytest.raises(errors.ExtraMissing):
        found["channel"].tell(cast("Told", None))
    assert isinstance(found["issue"], Issue)


def test_our_own_secret_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow has a token of its own, and may be given a better one."""
    monkeypatch.setenv("REHEARSAL_SECRETS__GITHUB_TOKEN", "the-better-one")
    known = settings.load(ROOT / "pyproject.toml")
    environ = {"GITHUB_TOKEN": "the-workflows"}
    assert notifiers._token(known, environ, notifiers.GITHUB) == "the-better-one"


@pytest.mark.parametrize("handle", ["qa", "@acme/qa @everyone", "@", "<!channel>", "@a b"])
def test_a_handle_is_one_handle(handle: str) -> None:
    """What is put into a message as it is has its form checked with the settings."""
    with pytest.raises(ValidationError):
        IssueTable(mentions={"QA": handle})
    with pytest.raises(ValidationError):
        ChannelTable(mentions={"QA": handle})
