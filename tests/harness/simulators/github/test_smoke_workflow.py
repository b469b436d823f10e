"""The smoke workflow users copy: its own script, run against the twins.

Covers: the identity step of ``tests/rehearsals/arc-smoke.yml`` word for word, and that what it
leaves is what the simulated job leaves.
"""

from __future__ import annotations

import io
import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import fixtures
from fixtures.core.records.arc_identity import Identity
from fixtures.evidence import contract
from fixtures.simulators.cluster.world import Doors, World, serve

WORKFLOW = Path(fixtures.__file__).parents[1] / "tests" / "rehearsals" / "arc-smoke.yml"
BODY = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
STEPS = BODY["jobs"]["smoke"]["steps"]
EXPECTED = {
    "account": "123456789012",
    "role": "arc-rehearsal",
    "audience": "sts.amazonaws.com",
    "repository": "acme/hotpass",
    "repository_id": "7001",
}
MARK = {"mode": "dry run", "run_id": "5b0f6d54-0c4b-4f6b-9b3a-0d9a3c1f2e11", "source": ""}


@pytest.fixture
def world() -> World:
    """World whose STS and issuer the script talks to."""
    return World.of()


@pytest.fixture
def doors(world: World) -> Iterator[Doors]:
    """Where they answer."""
    with serve(world) as opened:
        yield opened


def said(
    world: World, doors: Doors, folder: Path, patch: pytest.MonkeyPatch, **variables: str
) -> dict[str, Any]:
    """Run the identity step of a job, its addresses led to the twins."""
    run = world.github.dispatch({"correlation_id": "c", "identity": "true"})
    real = urllib.request.urlopen

    def led(request: urllib.request.Request, timeout: float) -> Any:
        if request.full_url.startswith("https://token.example/"):
            audience = request.full_url.partition("audience=")[2]
            token, _ = world.smoke._token(run, audience)
            return io.BytesIO(json.dumps({"value": token}).encode())
        url = re.sub(r"^https://[a-z0-9.-]+\.amazonaws\.com", doors.sts_url, request.full_url)
        again = urllib.request.Request(url, data=request.data)  # noqa: S310 - loopback
        for name, value in request.header_items():
            again.add_header(name, value)
        return real(again, timeout=timeout)

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    told = {
        "ROLE_ARN": world.smoke.role_arn,
        "AWS_REGION": "eu-west-1",
        "BUCKET": "evidence",
        "CORRELATION_ID": "c",
        "GITHUB_RUN_ID": str(run.id),
        "RUNNER_NAME": "a-runner",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example/?x=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "made-up",
        "HOME": str(folder),
    }
    for name, value in {**told, **variables}.items():
        patch.setenv(name, value)
    patch.chdir(folder)
    patch.setattr(urllib.request, "urlopen", led)
    exec(compile(STEPS[0]["run"], "arc-smoke.yml", "exec"), {"__name__": "__main__"})  # noqa: S102
    body: dict[str, Any] = json.loads((folder / "identity.json").read_text(encoding="utf-8"))
    assert body["run_id"] == str(run.id)
    return body


def fits(body: Mapping[str, Any]) -> str | None:
    mark = {**MARK, "at": "2026-01-01T00:00:00.000Z", "pages": 0}
    return contract.trouble_with(
        {**body, "expected": EXPECTED, "_rehearsal": mark}, "arc-identity"
    )


def test_script_says_who_the_job_is(
    world: World, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Role, session and refusal, in the form the rehearsal reads; no token, no secret."""
    body = said(world, doors, tmp_path, monkeypatch)
    assert fits(body) is None
    identity = Identity.from_json({**body, "expected": EXPECTED})
    assert identity.arn.endswith(f":assumed-role/arc-rehearsal/arc-rehearsal-{body['run_id']}")
    assert (identity.provider, identity.key_prefix) == ("assume-role-with-web-identity", "ASIA")
    assert (identity.refused_accepted, identity.refused_code) == (False, "InvalidIdentityToken")
    text = json.dumps(body)
    assert "eyJ" not in text
    assert "SecretAccessKey" not in text


def test_script_is_not_fooled_by_long_lived_keys(
    world: World, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys in the environment win over the role for every tool there: it says so."""
    key = "AKIASIMULATEDKEY0000"
    world.sts.users[key] = "arn:aws:iam::111122223333:user/ci"
    keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "made-up"}
    body = said(world, doors, tmp_path, monkeypatch, **keys)
    assert body["provider"] == "env"
    assert body["static_keys"] == ["AWS_ACCESS_KEY_ID"]
    assert body["caller"]["arn"] == "arn:aws:iam::111122223333:user/ci"
    assert key not in json.dumps(body)


def test_script_tells_of_a_refusal(
    world: World, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that does not trust the job is an answer, not a crash."""
    body = said(world, doors, tmp_path, monkeypatch, ROLE_ARN="arn:aws:iam::123456789012:role/x")
    assert fits(body) is None
    assert body["error"]["code"] == "AccessDenied"
    assert body["caller"] is None


def test_script_tries_what_must_be_denied(
    world: World, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call done, one denied, by the same credentials; without a bucket neither is tried."""
    body = said(world, doors, tmp_path, monkeypatch)
    assert body["access"] == {
        "allowed": {"call": "s3:ListBucket", "done": True, "code": None},
        "denied": {"call": "iam:ListUsers", "done": False, "code": "AccessDenied"},
    }
    monkeypatch.undo()
    body = said(world, doors, tmp_path, monkeypatch, BUCKET="")
    assert body["access"] is None
    assert fits(body) is None


def test_simulated_job_leaves_the_same_shape(
    world: World, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the job is held to the script users copy."""
    theirs = said(world, doors, tmp_path, monkeypatch)
    run = next(iter(world.github.runs.values()))
    ours = world.smoke._identity(SimpleNamespace(runner_name="a-runner"), run)  # type: ignore[arg-type]
    assert shape(ours) == shape(theirs)
    assert ours["caller"] == theirs["caller"]
    assert ours["refused"] == theirs["refused"]
    assert ours["access"] == theirs["access"]


def test_workflow_is_what_the_rehearsal_dispatches() -> None:
    """Run name, inputs, runner and artefact are those the procedure counts on."""
    assert "[${{ inputs.correlation_id }}]" in BODY["run-name"]
    # YAML 1.1 reads the key `on` as true.
    assert BODY[True]["workflow_dispatch"]["inputs"].keys() == {
        "correlation_id",
        "seconds",
        "identity",
    }
    assert BODY["jobs"]["smoke"]["runs-on"] == "arc-eph"
    assert BODY["permissions"] == {"contents": "read", "id-token": "write"}
    assert STEPS[1]["with"]["name"] == "arc-identity"
    assert re.fullmatch(r"actions/upload-artifact@[0-9a-f]{40}", STEPS[1]["uses"])


def shape(body: Any) -> Any:
    """The keys of a body, all the way down."""
    return {key: shape(each) for key, each in body.items()} if isinstance(body, dict) else ""


@pytest.mark.parametrize(
    ("service", "where", "host", "method", "query", "body"),
    [
        (
            "sts",
            "eu-west-1",
            "sts.eu-west-1.amazonaws.com",
            "POST",
            "",
            b"Action=GetCallerIdentity",
        ),
        ("iam", "us-east-1", "iam.amazonaws.com", "POST", "", b"Action=ListUsers"),
        ("s3", "eu-west-1", "b.s3.eu-west-1.amazonaws.com", "GET", "list-type=2&max-keys=1", b""),
    ],
)
def test_signature_is_that_of_botocore(
    service: str, where: str, host: str, method: str, query: str, body: bytes
) -> None:
    """The twin does not check signatures, AWS does: ours by hand is the official signer's."""
    from botocore.auth import S3SigV4Auth, SigV4Auth  # type: ignore[import-untyped]  # no types
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # no types
    from botocore.credentials import Credentials  # type: ignore[import-untyped]  # no types

    source = STEPS[0]["run"].partition("\nright = token(")[0]
    form = "application/x-www-form-urlencoded; charset=utf-8" if body else ""
    variables = {"AWS_REGION": "eu-west-1", "ROLE_ARN": "r", "GITHUB_RUN_ID": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        script: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(source, "arc-smoke.yml", "exec"), script)  # noqa: S102
    keys = ("ASIAEXAMPLE", "made-up", "session")
    ours = script["signature"](keys, service, where, host, method, query, body, form)
    url = f"https://{host}/" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, data=body)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(*keys), service, where)
    request.headers["x-amz-date"] = ours["x-amz-date"]
    request.headers["x-amz-content-sha256"] = ours["x-amz-content-sha256"]
    request.headers["x-amz-security-token"] = "session"
    if form:
        request.headers["content-type"] = form
    request.context["timestamp"] = ours["x-amz-date"]
    canonical = signer.canonical_request(request)
    theirs = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={theirs}")
