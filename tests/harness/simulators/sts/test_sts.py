"""The twin of STS verifies what moto takes on trust: signature, issuer, claims, times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.clients.aws import Aws, refuse_static_keys
from fixtures.core import errors
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.timeline import Timeline
from fixtures.simulators.sts.routes import StsApp
from fixtures.simulators.sts.state import Role, StsRefusedError, TokenService
from fixtures.simulators.sts.tokens import Issuer

ISSUER = Issuer()
ROLE = Role(
    name="rehearser",
    account="123456789012",
    path="/ci/",
    issuer=ISSUER.url,
    audience="sts.amazonaws.com",
    subjects=("repo:acme/hotpass:*",),
)


@pytest.fixture
def service() -> TokenService:
    """Token service with one role that trusts one repository."""
    return TokenService(Timeline(), {ISSUER.url: ISSUER.jwks}, [ROLE])


@pytest.fixture
def aws(service: TokenService) -> Iterator[Aws]:
    """Client of the twin, through boto3."""
    serving = Serving(StsApp(service), name="STS under test")
    yield Aws(region="eu-west-1", endpoint_url=serving.start())
    serving.stop()


def token(service: TokenService, *, issuer: Issuer = ISSUER, **changes: Any) -> str:
    now = int(service.timeline.now.timestamp())
    claims = {
        "aud": "sts.amazonaws.com",
        "sub": "repo:acme/hotpass:ref:refs/heads/main",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        **changes,
    }
    return issuer.token(claims)


def assume(service: TokenService, text: str, **changes: Any) -> dict[str, Any]:
    asked = {"role_arn": ROLE.arn, "session_name": "s-1", "token": text, "duration_s": 900}
    return service.assume(**{**asked, **changes})


def test_right_token_gets_credentials(service: TokenService) -> None:
    """The ARN of who assumed the role drops the role's path, as the real one does."""
    got = assume(service, token(service))
    assert got["AssumedRoleUser"]["Arn"] == (
        "arn:aws:sts::123456789012:assumed-role/rehearser/s-1"
    )
    keys = got["Credentials"]
    caller = service.caller(keys["AccessKeyId"], keys["SessionToken"])
    assert caller["Arn"] == got["AssumedRoleUser"]["Arn"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"aud": "another"}, "InvalidIdentityToken", id="audience"),
        pytest.param({"sub": "repo:acme/other:ref:x"}, "AccessDenied", id="subject"),
        pytest.param({"sub": "repo:acme@5/hotpass@7:ref:x"}, "AccessDenied", id="new-subject"),
        pytest.param({"exp": 1}, "ExpiredTokenException", id="expired"),
        pytest.param({"nbf": 99_999_999_999}, "InvalidIdentityToken", id="not-yet"),
        pytest.param({"iss": "https://elsewhere"}, "InvalidIdentityToken", id="issuer"),
    ],
)
def test_wrong_claims_are_refused(
    service: TokenService, changes: dict[str, Any], code: str
) -> None:
    """Each claim the trust policy names is looked at."""
    with pytest.raises(StsRefusedError) as refused:
        assume(service, token(service, **changes))
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["abcd", "a.b.c", ""])
def test_garbage_is_no_token(service: TokenService, text: str) -> None:
    """What is not a token never becomes credentials."""
    with pytest.raises(StsRefusedError, match="not a token"):
        assume(service, text)


def test_another_key_is_not_the_issuers(service: TokenService) -> None:
    """A token signed by somebody else's key of the same name is refused."""
    forged = token(service, issuer=Issuer(key_name="forged"))
    with pytest.raises(StsRefusedError, match="no key of that name"):
        assume(service, forged)
    head, body, _ = token(service).split(".")
    other = token(service, sub="repo:acme/hotpass:x").split(".")[2]
    with pytest.raises(StsRefusedError, match="signature does not hold"):
        assume(service, f"{head}.{body}.{other}")


@pytest.mark.parametrize("seconds", [10, 899, 3601])
def test_bounds_of_the_duration(service: TokenService, seconds: int) -> None:
    """Shorter than 900 s or longer than the role allows is refused."""
    with pytest.raises(StsRefusedError, match="DurationSeconds"):
        assume(service, token(service), duration_s=seconds)


def test_credentials_end(service: TokenService) -> None:
    """After their time they are nobody's."""
    keys = assume(service, token(service))["Credentials"]
    service.timeline.advance(901)
    with pytest.raises(StsRefusedError, match="expired"):
        service.caller(keys["AccessKeyId"], keys["SessionToken"])


def test_boto3_sees_a_token_service(service: TokenService, aws: Aws) -> None:
    """The wire is the real one's: boto3 reads credentials and refusals."""
    got = aws.assume(role_arn=ROLE.arn, session_name="s-1", token=token(service))
    assert got["Credentials"]["AccessKeyId"].startswith("ASIA")
    with pytest.raises(errors.SystemRefused, match="InvalidIdentityToken"):
        aws.assume(role_arn=ROLE.arn, session_name="s-1", token=token(service, aud="x"))


def test_caller_says_which_provider_answered(
    service: TokenService, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole chain of a runner: token file, role, session; and how the keys came to be."""
    keys = assume(service, token(service))["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
    caller = aws.caller()
    assert (caller.account, caller.role, caller.provider) == ("123456789012", "rehearser", "env")


def test_long_lived_keys_are_an_error(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """They win over every role in silence: this rehearsal will not begin with them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMADEUPKEY0000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with pytest.raises(errors.SettingsInvalid, match="AWS_ACCESS_KEY_ID") as refused:
        aws.caller()
    assert "AKIAMADEUPKEY" not in str(refused.value)
    refuse_static_keys({})
