"""What every word needs: Hotpass's Python, clocks, the bucket, the issue, the follow-up."""

from __future__ import annotations

import io
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from fixtures.clients.aws import Aws, Caller
from fixtures.clients.github_issues import GithubIssues
from fixtures.core import errors
from fixtures.core.settings import EnvironmentTable
from fixtures.core.settings.publishing import BucketTable
from fixtures.procedures import preflight
from fixtures.procedures.preflight import bucket, caller, clock, common, here, issue, python
from fixtures.procedures.preflight.finding import Finding, Look, State
from fixtures.simulators.marquez.door import RecorderServer
from tests.harness.procedures.preflight.conftest import Install, only

PUT, DELETE = bucket.PUT, bucket.DELETE


# Hotpass's Python


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("3.13.2", ">=3.13,<3.14", True),
        ("3.13", ">=3.13,<3.14", True),
        ("3.14.0", ">=3.13,<3.14", False),
        ("3.12.9", ">=3.13,<3.14", False),
        ("3.13.2", "==3.13.*", True),
        ("3.13.2", "~=3.13", True),
        ("4.0", "~=3.13", False),
        ("3.13.1", "!=3.13.1", False),
        ("3.13.1", "<=3.13", True),
        ("3.13.0", ">3.13", False),
    ],
)
def test_python_fits(version: str, wanted: str, fits: bool) -> None:
    """As pyproject.toml writes its demand."""
    assert python.fits(version, wanted) is fits


def with_environment(checkout: Path, version: str) -> Path:
    (checkout / ".venv/pyvenv.cfg").write_text(f"version_info = {version}\n")
    return checkout


def uv_says(tmp_path: Path, line: str, *, code: int) -> None:
    program = tmp_path / "bin/uv"
    program.write_text(f"#!/bin/sh\necho '{line}'\nexit {code}\n")
    program.chmod(0o755)


def test_environment_has_the_python(checkout: Path) -> None:
    """The one its environment was made with counts: `uv run` uses it."""
    found = python.of_checkout(checkout)
    assert (found.state, found.found) == (State.READY, f"3.13.2 in {checkout / '.venv'}")


def test_uv_finds_the_python(checkout: Path, tmp_path: Path) -> None:
    """An environment that uv would make again, with a Python that is there."""
    uv_says(tmp_path, "/opt/python3.13", code=0)
    found = python.of_checkout(with_environment(checkout, "3.11.7"))
    assert (found.state, found.found) == (State.READY, "/opt/python3.13, for >=3.13,<3.14")


@pytest.mark.parametrize("has_uv", [True, False])
def test_no_python(checkout: Path, tmp_path: Path, has_uv: bool) -> None:
    """Neither there nor found: blocks, with the command that installs it."""
    if has_uv:
        uv_says(tmp_path, "error: No interpreter found", code=2)
    found = python.of_checkout(with_environment(checkout, "3.11.7"))
    assert (found.state, found.fix) == (State.MISSING, "Run `uv python install 3.13`.")


def test_checkout_that_demands_none(checkout: Path) -> None:
    """Without a demand nobody can say which it is: attention."""
    (checkout / "pyproject.toml").write_text("")
    assert python.of_checkout(checkout).state is State.ATTENTION


# clocks


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"a": 0.4, "b": -1.0}, State.READY),
        ({"a": 0.4, "b": -7.0}, State.ATTENTION),
        ({"a": 61.0}, State.MISSING),
        ({"a": None, "b": 0.0}, State.READY),
        ({"a": None}, State.UNSEEN),
        ({}, State.UNSEEN),
    ],
)
def test_worst_clock_counts(answers: dict[str, float | None], state: State) -> None:
    """Each system that answers is named; nobody's answer is no pass."""
    found = clock.skew({name: name for name in answers}, ask=lambda url: answers[url])
    assert found.state is state
    assert all(name in found.found for name, value in answers.items() if value is not None)
    assert found.state is State.READY or found.fix


def test_clock_of_a_real_server(server: RecorderServer) -> None:
    """A server of this machine has this machine's clock."""
    difference = clock.difference_s(server.api_url)
    assert difference is not None
    assert abs(difference) <= clock.SEEN_S


def test_server_that_lives_in_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes behind us is two minutes, with the sign of who is ahead."""
    import requests

    answer = requests.Response()
    answer.status_code, answer.raw = 404, io.BytesIO(b"")
    answer.headers["date"] = format_datetime(datetime.now(UTC) - timedelta(minutes=2), usegmt=True)
    monkeypatch.setattr(requests.Session, "get", lambda *_, **__: answer)
    difference = clock.difference_s("http://x")
    assert difference is not None
    assert 115 < difference < 125


def test_nobody_at_the_address() -> None:
    """No answer is no time."""
    assert clock.difference_s("http://127.0.0.1:9") is None


def test_systems_are_the_words_own(look: Look) -> None:
    """Only what the word would talk to, and where evidence goes, is asked."""
    environment = EnvironmentTable(
        provenance={},
        marquez_url="http://m",
        prefect_api_url="http://p/api",
        cluster_server="https://k",
        github_repository="o/r",
    )
    at = replace(look, environment=environment)
    assert clock.systems_of(at) == {"marquez": "http://m"}
    assert clock.systems_of(replace(at, word="backfill")) == {"prefect": "http://p/api"}
    assert clock.systems_of(replace(at, word="arc")).keys() == {"cluster", "github"}


# the bucket


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """AWS of this process's own, with a bucket that locks and one that does not."""
    import boto3  # type: ignore[import-untyped]  # no types

    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in names:
            patch.setenv(name, "testing")
        client = boto3.client("s3", region_name="eu-west-1")
        where = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(
            Bucket="locked", CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True
        )
        client.create_bucket(Bucket="plain", CreateBucketConfiguration=where)
        yield client


def simulated(monkeypatch: pytest.MonkeyPatch, allowed: dict[str, bool]) -> None:
    monkeypatch.setattr(bucket, "_simulated", lambda *_: allowed)


def states(found: Iterator[Finding]) -> dict[str, State]:
    return {each.name: each.state for each in found}


def test_no_bucket_is_no_finding() -> None:
    """Nothing is asked where nothing is named."""
    assert not list(bucket.findings(BucketTable()))


def test_locked_bucket(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, locked, may put, may not delete: all as it should be, and nothing was written."""
    simulated(monkeypatch, {PUT: True, DELETE: False})
    found = states(bucket.findings(BucketTable(name="locked")))
    assert set(found.values()) == {State.READY}
    assert len(found) == 4
    assert "Contents" not in s3.list_objects_v2(Bucket="locked")


@pytest.mark.parametrize(
    ("allowed", "name", "state"),
    [
        ({PUT: True, DELETE: True}, DELETE, State.ATTENTION),
        ({PUT: False, DELETE: False}, PUT, State.ATTENTION),
        ({}, PUT, State.UNSEEN),
        ({}, DELETE, State.UNSEEN),
    ],
)
def test_rights(
    s3: Any, monkeypatch: pytest.MonkeyPatch, allowed: dict[str, bool], name: str, state: State
) -> None:
    """Who publishes may put and must not delete; where nobody can say, that is said."""
    simulated(monkeypatch, allowed)
    assert states(bucket.findings(BucketTable(name="locked")))[f"{name} on locked"] is state


def test_bucket_that_keeps_nothing(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without object lock anybody with the right may delete: attention."""
    simulated(monkeypatch, {})
    table = BucketTable(name="plain", retention_days=30)
    [found] = [each for each in bucket.findings(table) if each.name.startswith("object lock")]
    assert found.state is State.ATTENTION
    assert "retention_days" in found.fix


def test_bucket_that_is_not_there(s3: Any) -> None:
    """One line, and no more questions."""
    found = only(bucket.findings(BucketTable(name="nowhere")))
    assert found.state is State.ATTENTION
    assert found.fix


def test_own_store_has_no_simulator() -> None:
    """MinIO and Ceph tell a right only when it is used: nobody asks AWS about them."""

    def nobody(service: str) -> Any:
        raise AssertionError(service)

    table = BucketTable(name="mine", endpoint_url="http://127.0.0.1:9")
    assert bucket._simulated(table, nobody) == {}


def test_policy_simulator_is_asked_about_the_role() -> None:
    """The session's role, both actions, below the prefix; its answer as it is."""
    asked: dict[str, Any] = {}

    class Iam:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": "arn:aws:sts::123456789012:assumed-role/publisher/me"}

        def simulate_principal_policy(self, **how: Any) -> dict[str, Any]:
            asked.update(how)
            return {
                "EvaluationResults": [
                    {"EvalActionName": PUT, "EvalDecision": "allowed"},
                    {"EvalActionName": DELETE, "EvalDecision": "explicitDeny"},
                ]
            }

    table = BucketTable(name="kept", prefix="p")
    assert bucket._simulated(table, lambda _: Iam()) == {PUT: True, DELETE: False}
    assert asked["PolicySourceArn"] == "arn:aws:iam::123456789012:role/publisher"
    assert asked["ResourceArns"] == ["arn:aws:s3:::kept/p/rehearsal"]


# the issue


def with_issue(look: Look, **secrets: str) -> Look:
    from pydantic import SecretStr

    publishing = look.settings.publishing
    table = publishing.issue.model_copy(update={"repository": "o/r"})
    settings = look.settings.model_copy(
        update={
            "publishing": publishing.model_copy(update={"issue": table}),
            "secrets": {name: SecretStr(value) for name, value in secrets.items()},
        }
    )
    return replace(look, settings=settings)


def test_no_issue_is_no_finding(look: Look) -> None:
    """No repository, no question."""
    assert not list(issue.findings(look))


def test_issue_without_a_token(look: Look) -> None:
    """Nobody would be told: attention, and nobody is asked."""
    found = only(issue.findings(with_issue(look)))
    assert (found.state, "GITHUB_TOKEN" in found.fix) == (State.ATTENTION, True)


def test_issue_that_is_meant(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by its title; whether we may comment only a comment would tell."""
    monkeypatch.setattr(GithubIssues, "number_of", lambda *_: 7)
    monkeypatch.setattr(GithubIssues, "described", lambda _: {})
    found, right = issue.findings(with_issue(look, github_token="t"))
    assert (found.state, found.found) == (State.READY, "o/r#7")
    assert right.state is State.UNSEEN


def test_issue_nobody_can_tell(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, or two of that title: told with the client's own hint."""

    def ambiguous(*_: object) -> int:
        raise errors.IssueAmbiguous("2 open issues", hint="Name the one.")

    monkeypatch.setattr(GithubIssues, "number_of", ambiguous)
    found = only(issue.findings(with_issue(look, github_token="t")))
    assert (found.state, found.fix) == (State.ATTENTION, "Name the one.")


# AWS identity


@pytest.mark.parametrize(
    ("role", "pinned", "state"),
    [
        ("rehearser", {}, State.READY),
        ("rehearser", {"role": "rehearser"}, State.READY),
        ("somebody", {"role": "rehearser"}, State.MISSING),
    ],
)
def test_aws_identity(
    look: Look,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    pinned: dict[str, str],
    state: State,
) -> None:
    """The role we have, against the one the environment pins."""
    who = Caller(
        account="123456789012",
        arn=f"arn:aws:sts::123456789012:assumed-role/{role}/x",
        provider="sso",
    )
    monkeypatch.setattr(Aws, "caller", lambda _: who)
    environment = EnvironmentTable(provenance={}, identity={"aws": pinned} if pinned else {})
    assert caller.finding(replace(look, environment=environment)).state is state


def test_no_aws_credentials(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long-lived keys and none at all both block, without a value of theirs."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA0000000000000000")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    found = caller.finding(look)
    assert found.state is State.MISSING
    assert "AKIA" not in found.found


# the follow-up and the run-books


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"hotpass_root": Path("/srv/hotpass")}, State.READY),
        ({"hotpass_root": None}, State.ATTENTION),
    ],
)
def test_follow_up_needs_a_checkout(
    look: Look, install: Install, changes: dict[str, Any], state: State
) -> None:
    """Live it is on; without a checkout it would not run, and that is said."""
    install("uv")
    live = replace(look, staging=True, **changes)
    assert common._follow_up(live).state is state


def test_follow_up_needs_uv(look: Look) -> None:
    """Nothing on PATH begins the plan's command: attention."""
    live = replace(look, staging=True, hotpass_root=Path("/srv/hotpass"))
    assert common._follow_up(live).fix == "Run `pip install uv`."


def test_scratch_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A full disk or no folder at all for temporary files blocks."""
    assert here.scratch().state is State.READY
    monkeypatch.setattr(here, "LEAST_FREE_BYTES", 2**60)
    assert here.scratch().state is State.MISSING
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    assert (here.scratch().state, here.scratch().fix) == (
        State.MISSING,
        "Set TMPDIR to one.",
    )


def test_loopback_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may not listen anywhere cannot have the embedded stack."""

    def refuses(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuses)
    assert here.loopback().state is State.MISSING


def test_follow_up_switched_off(look: Look) -> None:
    """Somebody switched it off: shown, since the plan demands it; it would not start."""
    settings = look.settings.model_copy(update={"follow_up": "never"})
    live = replace(look, staging=True, settings=settings, hotpass_root=Path("/srv/hotpass"))
    assert common._follow_up(live).found == "switched off"
    assert not common.would_start(live)


@pytest.mark.parametrize("word", ["marquez", "arc", "backfill", "e2e"])
def test_every_word_has_its_lines(look: Look, word: str) -> None:
    """Four words, each with its evidence directory and what it would start."""
    dry = replace(look, word=word)
    found = list(preflight.findings(dry))
    assert {"this harness", "ports on loopback", "evidence directory"} <= {
        each.name for each in found
    }
    assert preflight.would_start(dry)
    assert all(each.fix for each in found if each.state is not State.READY)


def test_absent_run_books_are_told(look: Look, tmp_path: Path) -> None:
    """A folder without them: attention, whatever the word."""
    found = [
        each
        for each in common.after(replace(look, hotpass_root=tmp_path))
        if each.name == "run-books"
    ]
    assert [each.state for each in found] == [State.ATTENTION]
