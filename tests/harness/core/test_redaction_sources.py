"""Self-tests of where known values come from: the environment and the settings."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, SecretStr

from fixtures.core.redaction import sources


@pytest.mark.parametrize(
    "name",
    [
        *("GITHUB_TOKEN", "aws_secret_access_key", "DB_PASSWORD", "PREFECT_API_KEY", "STRIPE_KEY"),
        *("SENTRY_DSN", "DB_CONN_STRING", "PG_CONN", "SESSION_COOKIE", "NPM_CONFIG__AUTH"),
        *("GH_PAT", "GOOGLE_CREDENTIALS", "AUTHORIZATION", "MYSQL_PWD", "SIGNING_SEED", "APP_JWT"),
        *("AZURE_STORAGE_CONNECTION_STRING", "SSH_PRIVATE_KEY", "DB_PASS", "KEY"),
    ],
)
def test_sensitive_variables(name: str) -> None:
    """Named like a secret, it is one."""
    assert list(sources.sensitive({name: "hunter2hunter2"})) == [(name, "hunter2hunter2")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PWD", "/srv/hotpass"),
        ("OLDPWD", "/srv/hotpass"),
        ("HOME", "/root/hotpass"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/token"),
        ("TOKEN_TTL", "3600000000"),
        ("SSH_AUTH_SOCK", "/tmp/ssh-agent"),
        ("TOKENIZERS_PARALLELISM", "falsefalse"),
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        ("PREFECT_API_URL", "https://api.prefect.cloud/api/accounts/0/workspaces/1"),
        ("SOME_TOKEN", "true"),
        ("KEYBOARD", "qwertzuiop"),
        ("GIT_URL", "ssh://git@github.com/x"),
    ],
)
def test_other_variables_are_left(name: str, value: str) -> None:
    """Masking a path or a flag would blank the evidence."""
    assert list(sources.sensitive({name: value})) == []


@pytest.mark.parametrize(
    "url",
    ["http://bob:p%40ssw0rd!@proxy:3128", "postgresql+psycopg://:p%40ssw0rd!@db/x"],
    ids=["proxy", "database"],
)
def test_passwords_in_urls_are_secrets(url: str) -> None:
    """As it stands there and as it reads; the rest of the URL is worth keeping."""
    found = dict(enumerate(value for _, value in sources.sensitive({"HTTPS_PROXY": url})))
    assert list(found.values()) == ["p%40ssw0rd!", "p@ssw0rd!"]


def test_a_token_for_a_user_name_is_a_secret() -> None:
    """Package indexes take a token and no password."""
    url = "https://" + "a1b2c3d4" * 4 + "@index.example.org/simple"
    assert [value for _, value in sources.sensitive({"UV_INDEX_URL": url})] == ["a1b2c3d4" * 4]


class _Inner(BaseModel):
    token: SecretStr = SecretStr("inner-secret")
    plain: str = "plain"


class _Outer(BaseModel):
    first: SecretStr = SecretStr("outer-secret")
    unset: SecretStr = SecretStr("")
    inner: _Inner = _Inner()
    many: tuple[_Inner, ...] = (_Inner(token=SecretStr("one-of-many")),)
    named: dict[str, SecretStr] = {"a": SecretStr("named-secret")}


def test_every_secret_setting_is_found() -> None:
    """However deep; what is empty is not set."""
    assert dict(sources.secrets_in(_Outer())) == {
        "first": "outer-secret",
        "inner.token": "inner-secret",
        "many.0.token": "one-of-many",
        "named.a": "named-secret",
    }
