"""Self-tests of the rules: secrets nobody registered, and what must survive."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter

import pytest

from fixtures.core.redaction import Redactor, mask_json

S = "hunter2-Xy"
"""Stands for a secret in every text below."""
M = "[REDACTED:s-1]"


def masked(text: str) -> str:
    """The text as a redactor that knows nothing masks it."""
    return Redactor().mask_text(text)


def run(alphabet: str, length: int) -> str:
    """So many characters, digits and letters mixed."""
    return (alphabet * length)[:length]


LOW, MIXED, HEX, UP = "a1b2c3d4e5", "aB3dE5gH7j", "0a1b2c3d4e5f", "A1B2C3D4E5"

TEXTS = {
    "variable": (f"DB_PASSWORD={S}", f"DB_PASSWORD={M}"),
    "exported": (f"export PREFECT_API_KEY='{S}' x", f"export PREFECT_API_KEY='{M}' x"),
    "yaml": (f"  clientSecret: {S}\n  other: 1", f"  clientSecret: {M}\n  other: 1"),
    "yaml-quoted": (f'password: "{S} x"', f'password: "{M}"'),
    "ini": (f"aws_secret_access_key = {S}", f"aws_secret_access_key = {M}"),
    "java": (f"Pool(user=a, password={S}, size=3)", f"Pool(user=a, password={M}, size=3)"),
    "ruby": (f":api_key => '{S}'", f":api_key => '{M}'"),
    "connection": (f"Server=a;Pwd={S};Timeout=3", f"Server=a;Pwd={M};Timeout=3"),
    "azure": (
        f"AccountName=a;AccountKey={S}==;EndpointSuffix=b",
        f"AccountName=a;AccountKey={M};EndpointSuffix=b",
    ),
    "json": (f'{{"client_secret": "{S}", "a": 1}}', f'{{"client_secret": "{M}", "a": 1}}'),
    "json-number": ('{"password":123456,"a":1}', '{"password":"[REDACTED:s-1]","a":1}'),
    "json-list": (f'{{"Authorization": ["{S}"]}}', f'{{"Authorization": ["{M}"]}}'),
    "json-in-json": (rf'{{"a": "{{\"token\": \"{S}\"}}"}}', rf'{{"a": "{{\"token\": \"{M}\"}}"}}'),
    "json-three-deep": (rf"\\\"token\\\":\\\"{S}\\\"", rf"\\\"token\\\":\\\"{M}\\\""),
    "json-escapes": (r'"password": "a\"b\\", "c": 1', f'"password": "{M}", "c": 1'),
    "json-line": (f'{{"log": "password={S}\\nnext"}}', f'{{"log": "password={M}\\nnext"}}'),
    "python": (f"{{'api_key': '{S}', 'a': 1}}", f"{{'api_key': '{M}', 'a': 1}}"),
    "html": (f"<td>token=&quot;{S}&quot;</td>", f"<td>token=&quot;{M}&quot;</td>"),
    "xml": (f"<password>{S}</password>", f"<password>{M}</password>"),
    "xml-property": (
        f'<property name="api_token" value="{S}"/>',
        f'<property name="api_token" value="{M}"/>',
    ),
    "bearer": (f"> Authorization: Bearer {S}\r\n", f"> Authorization: Bearer {M}\r\n"),
    "bare-bearer": (f"sent bearer {S}-0123456 to", "sent bearer [REDACTED:s-1] to"),
    "basic": ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {M}"),
    "signed": (
        "Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=0f",
        f"Authorization: AWS4-HMAC-SHA256 {M}",
    ),
    "cookie": (f'Cookie: a={S}; b="c d"\n', f"Cookie: {M}\n"),
    "set-cookie": (f"Set-Cookie: sid={S}; Path=/; Secure\n", f"Set-Cookie: {M}\n"),
    "aws-header": (f"X-Amz-Security-Token: {S}", f"X-Amz-Security-Token: {M}"),
    "key-header": (f"curl -H 'X-Api-Key: {S}' x", f"curl -H 'X-Api-Key: {M}' x"),
    "proxy-header": (f"proxy-authorization: {S}", f"proxy-authorization: {M}"),
    "option": (f"hotpass --password {S} --x 1", f"hotpass --password {M} --x 1"),
    "option-equals": (f"hotpass --api-token={S} --x", f"hotpass --api-token={M} --x"),
    "option-listed": (f"['--password', '{S}', '-x']", f"['--password', '{M}', '-x']"),
    "curl-user": (f"curl -fsS -u bob:{S} http://x", f"curl -fsS -u bob:{M} http://x"),
    "userinfo": (f"postgres://bob:{S}@db:5432/x", f"postgres://bob:{M}@db:5432/x"),
    "userinfo-at": ("redis://:p@ss@host/0", f"redis://:{M}@host/0"),
    "userinfo-token": (f"https://{S}0123456789@host/x", f"https://{M}@host/x"),
    "presigned": (
        f"https://b/x?X-Amz-Date=1&X-Amz-Signature={S}&X-Amz-SignedHeaders=host",
        f"https://b/x?X-Amz-Date=1&X-Amz-Signature={M}&X-Amz-SignedHeaders=host",
    ),
    "sas": (f"https://b/x?sv=1&sig={S}%3D&se=2", f"https://b/x?sv=1&sig={M}&se=2"),
    "query": (f"GET /x?access_token={S}&page=2 200", f"GET /x?access_token={M}&page=2 200"),
    "spaced": (f"API key: {S}", f"API key: {M}"),
    "manifest-env": (
        f"- name: DB_PASSWORD\n  value: {S}\n",
        f"- name: DB_PASSWORD\n  value: {M}\n",
    ),
    "json-env": (
        f'{{"name":"DB_PASSWORD","value":"{S}"}}',
        f'{{"name":"DB_PASSWORD","value":"{M}"}}',
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_structure_tells(case: str) -> None:
    """A value is masked for the name or the place it has, and nothing else is."""
    text, wanted = TEXTS[case]
    assert masked(text) == wanted


TOKENS = {
    "aws-id": "AKIA" + run("ABCDEFGH23456723", 16),
    "aws-temporary": "ASIA" + run("ABCDEFGH23456723", 16),
    "github": "ghp_" + run(MIXED, 36),
    "github-action": "ghs_" + run(MIXED, 36),
    "github-fine": "github_pat_" + run(UP, 22) + "_" + run(MIXED, 59),
    "prefect": "pnu_" + run(MIXED, 36),
    "prefect-service": "pnb_" + run(MIXED, 36),
    "slack-bot": "xoxb-" + run("123456789", 12) + "-" + run(MIXED, 24),
    "slack-app": "xapp-1-" + run(UP, 11) + "-123-" + run(HEX, 40),
    "openai": "sk-" + run(MIXED, 48),
    "openai-project": "sk-proj-" + run(MIXED, 60) + "_" + run(MIXED, 40),
    "anthropic": "sk-ant-api03-" + run(MIXED, 90) + "AA",
    "gitlab": "glpat-" + run(MIXED, 20),
    "gitlab-runner": "glrt-" + run(MIXED, 20),
    "jwt": "eyJ" + run(MIXED, 20) + ".eyJ" + run(MIXED, 40) + "." + run(MIXED, 43),
    "npm": "npm_" + run(MIXED, 36),
    "pypi": "pypi-" + run(MIXED, 80),
    "vault": "hvs." + run(MIXED, 90),
    "vault-batch": "hvb." + run(MIXED, 90),
    "vault-old": "s." + run(MIXED, 24),
    "google": "AIza" + run(MIXED, 35),
    "google-oauth": "ya29." + run(MIXED, 60),
    "sendgrid": "SG." + run(MIXED, 22) + "." + run(MIXED, 43),
    "docker": "dckr_pat_" + run(MIXED, 27),
    "digitalocean": "dop_v1_" + run(HEX, 64),
    "shopify": "shpat_" + run(HEX, 32),
    "stripe": "sk_live_" + run(MIXED, 24),
    "stripe-restricted": "rk_live_" + run(MIXED, 24),
    "stripe-webhook": "whsec_" + run(MIXED, 32),
    "square": "sq0atp-" + run(MIXED, 22),
    "mailgun": "key-" + run(HEX, 32),
    "newrelic": "NRAK-" + run(UP, 27),
    "grafana": "glsa_" + run(MIXED, 32) + "_" + run(HEX, 8),
    "linear": "lin_api_" + run(MIXED, 40),
    "figma": "figd_" + run(MIXED, 40),
    "atlassian": "ATATT3" + run(MIXED, 180),
    "postman": "PMAK-" + run(HEX, 24) + "-" + run(HEX, 34),
    "rubygems": "rubygems_" + run(HEX, 48),
    "huggingface": "hf_" + run(MIXED, 34),
    "databricks": "dapi" + run(HEX, 32),
    "age": "AGE-SECRET-KEY-1" + run("QPZRY9X8GF2TVDW0", 58),
    "terraform": run(MIXED, 14) + ".atlasv1." + run(MIXED, 60),
    "azure-ad": "a1B8Q~" + run(MIXED, 34),
    "telegram": "12345678:AA" + run(MIXED, 33),
    "mailchimp": run(HEX, 32) + "-us12",
    "flutterwave": "FLWSECK_TEST-" + run(MIXED, 30) + "-X",
    "openshift": "sha256~" + run(MIXED, 43),
    "tailscale": "tskey-auth-" + run(MIXED, 30),
    "sentry": "sntrys_" + run(MIXED, 60),
    "pulumi": "pul-" + run(HEX, 40),
}


@pytest.mark.parametrize("around", ["see {} now", '"{}"', "x={}", r"a\n{}\n", "({})", "{}"])
@pytest.mark.parametrize("issuer", TOKENS)
def test_prefixes_tell(issuer: str, around: str) -> None:
    """A token with a format of its own is masked wherever it stands, to its last character."""
    assert re.fullmatch(
        re.escape(around).replace(r"\{\}", r"\[REDACTED:p-1\]"),
        masked(around.format(TOKENS[issuer])),
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/{}",
        "https://discord.com/api/webhooks/1234567890/{}",
        "https://acme.webhook.office.com/webhookb2/{}",
    ],
    ids=["slack", "discord", "teams"],
)
def test_webhooks_keep_their_host(url: str) -> None:
    """Of a webhook's URL the secret goes, and where it leads stays."""
    secret = "T0A1B2C3D/B0A1B2C3D/" + run(MIXED, 24)
    assert masked(url.format(secret.replace("/", ""))) == url.format("[REDACTED:p-1]")


def test_a_secret_beside_its_key_id_goes_too() -> None:
    """The 40 characters after an AWS key id have no prefix of their own."""
    text = f"{TOKENS['aws-id']},{run('aB3/E5+H7j', 40)},eu-west-1"
    assert masked(text) == "[REDACTED:p-1],[REDACTED:p-2],eu-west-1"
    commit = run(HEX, 40)
    assert masked(f"{TOKENS['aws-id']} {commit}").endswith(commit)


def pem(kind: str = "RSA ", *, prefix: str = "", lines: int = 12) -> str:
    """A private key, each line with what a log puts before it."""
    body = [run(MIXED, 64) for _ in range(lines)]
    whole = [f"-----BEGIN {kind}PRIVATE KEY-----", *body, f"-----END {kind}PRIVATE KEY-----"]
    return "\n".join(prefix + line for line in whole)


@pytest.mark.parametrize(
    "key",
    [
        pem(),
        pem("OPENSSH "),
        pem(""),
        pem("EC ").replace("\n", "\r\n"),
        pem().replace("\n", "\\n"),
        pem(prefix="2026-11-22 INFO ").removeprefix("2026-11-22 INFO "),
        pem(lines=200),
    ],
    ids=["rsa", "openssh", "pkcs8", "crlf", "escaped", "logged", "long"],
)
def test_private_keys_are_masked_whole(key: str) -> None:
    """From its first dash to its last, whatever its lines look like."""
    assert masked(f"before {key} after") == "before [REDACTED:p-1] after"


def test_a_key_cut_short_is_masked_as_far_as_it_goes() -> None:
    """A log that ends amid a key does not show what it had of it."""
    cut = pem()[:300]
    assert masked(f"x {cut}") == "x [REDACTED:p-1]"


def test_a_certificate_stays() -> None:
    """It is public."""
    text = pem().replace("RSA PRIVATE KEY", "CERTIFICATE")
    assert masked(text) == text


SECRET_MANIFEST = f"""\
apiVersion: v1
data:
  password: {base64.b64encode(S.encode()).decode()}
  user: Ym9i
kind: Secret
metadata:
  name: arc-runner
"""


@pytest.mark.parametrize("order", ["data-first", "kind-first", "in-a-list", "json"])
def test_kubernetes_secrets_in_text(order: str) -> None:
    """As ``kubectl get secret -o yaml`` prints it, or as somebody wrote it; names stay."""
    text = SECRET_MANIFEST
    if order == "kind-first":
        head, _, data = text.partition("data:")
        data, kind, rest = data.partition("kind: Secret\n")
        text = head + kind + rest + "data:" + data
    if order == "in-a-list":
        text = "items:\n- " + text.replace("\n", "\n  ").rstrip() + "\nkind: List\n"
    if order == "json":
        body = {
            "apiVersion": "v1",
            "data": {"password": "aHVudA==", "user": "Ym9i"},
            "kind": "Secret",
        }
        text = json.dumps({"items": [body]}, indent=4)
    shown = masked(text)
    assert "aHVudGVy" not in shown
    assert "aHVudA" not in shown
    assert "Ym9i" not in shown
    assert shown.count("[REDACTED:s-") == 2
    assert "password" in shown
    assert "apiVersion" in shown
    if order == "json":
        assert json.loads(shown)["items"][0]["kind"] == "Secret"


def test_a_config_map_stays() -> None:
    """Only a Secret's data is secret."""
    text = SECRET_MANIFEST.replace("Secret", "ConfigMap").replace("  password:", "  pool:")
    assert masked(text) == text


def test_last_applied_secret_is_masked() -> None:
    """Kubectl keeps a manifest as JSON text inside an annotation."""
    body = {"apiVersion": "v1", "data": {"user": "Ym9iYm9i"}, "kind": "Secret"}
    note = json.dumps({"annotation": json.dumps(body, separators=(",", ":"))})
    shown = masked(note)
    assert json.loads(json.loads(shown)["annotation"])["data"] == {"user": "[REDACTED:s-1]"}


KEPT = [
    "commit 2f221b8ca41f0d3be5a1a0b7f3f0f0c7d94a1b2c",
    "image marquezproject/marquez@sha256:" + "0f1e2d3c" * 8,
    'imageID: "docker-pullable://marquezproject/marquez@sha256:' + "0f1e2d3c" * 8 + '"',
    "docker-pullable://marquez:0.51@sha256:" + "0f1e2d3c" * 8,
    "run 39f3811b-2e7e-4bca-88a2-207680e1c169 is COMPLETED",
    "2026-11-22T04:30:17.405Z INFO [2026-11-22 04:30:17,413]",
    "pod arc-runner-set-7x9kq-runner-4zq2m in namespace arc-systems",
    "arn:aws:iam::123456789012:role/hotpass-staging-arc",
    "arn:aws:sts::123456789012:assumed-role/hotpass-staging/session",
    '"UserId": "AROA1B2C3D4E5F6G7H8I9:hotpass-session"',
    "https://github.com/IAmJonoBo/Hotpass-Win64/actions/runs/11785530123/job/32827",
    "namespace: hotpass.local",
    "ERROR: duplicate key value violates, primary key=runs_pkey_39f3811b",
    "token_bucket_limit=5 token_bucket_limit: 12",
    "concurrency_key=hotpass/backfill concurrency_key: hotpass-backfill",
    "dist/staging/marquez/20261122T043017Z/runs.json",
    (
        "PREFECT_API_URL=https://api.prefect.cloud/api/accounts/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
        "/workspaces/39f3811b-2e7e-4bca-88a2-207680e1c169"
    ),
    'ETag: "9bb58f26192e4ba00f01e2e7b136bbd8-3"',
    "session: 4711 opened",
    "| `hotpass refine` | `11dd39a912dccaa1b91f5318e50de6684ee1278d1f61cec4d55eda8d60faa912` |",
    "https://github.com/OpenLineage/OpenLineage/tree/1.23.0/client/python",
    "file:/data/refined.xlsx s3://hotpass-staging/marquez/20261122T043017Z/manifest.json",
    '{"nextPageToken": "CAEQAA", "continue": "eyJ2IjoibWV0YSJ9", "total_tokens": 12}',
    "PWD=/srv/hotpass OLDPWD=/srv",
    "export AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks/token",
    "githubConfigSecret: arc-github-app",
    "imagePullSecrets:\n- name: regcred\n",
    'curl -fsS -H "Authorization: Bearer $PREFECT_API_KEY" https://x',
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "kubectl get secret arc-github-app -o name\nsecret/arc-github-app created",
    "docker run --user 1000:1000 -u 0:0 marquez",
    "git@github.com:IAmJonoBo/Hotpass-Win64.git ssh://git@github.com/x mail bob@example.org",
    "http://127.0.0.1:41033/api/v1/lineage?nodeId=job%3Ahotpass.local%3Agen@1",
    '<testcase classname="tests.test_token" name="test_password_is_masked[a]" time="0.1"/>',
    "password is required; no token given; the secret was not found",
    '"keyid": "0f1e2d3c", "sig": "MEUCIQDabc0123456789abcdefABCDEF+/=="',
    "basic authentication, bearer of news",
    "task-12-ab34cd56ef78ab34cd56 risk-0123456789012345678901234",
]


@pytest.mark.parametrize("text", KEPT, ids=range(len(KEPT)))
def test_what_must_survive_survives(text: str) -> None:
    """Evidence is worth nothing when its ids are blanked."""
    assert masked(text) == text
    assert mask_json(Redactor(), {"a": [text]}) == {"a": [text]}


TREE = {
    "settings": {"variables": ["DB_PASSWORD"], "argv": ["hotpass", "--password", S, "--x", "y"]},
    "password": S,
    "token": 12345678,
    "secret": None,
    "api_key": True,
    "credentials": {"user": "bob", "password": S},
    "cookies": [S, "x"],
    "Authorization": f"Bearer {S}",
    "env": [{"name": "API_TOKEN", "value": S}, {"name": "PORT", "value": "5000"}],
    "token_bucket_limit": 5,
    "concurrency_key": "hotpass/backfill",
    "curl": ["curl", "-u", f"bob:{S}", "http://x"],
    "kube": {
        "kind": "Secret",
        "data": {"a": "Yg==", "b": {"c": "Yw=="}},
        "metadata": {"name": "n"},
    },
    "spec": {"imagePullSecrets": [{"name": "regcred"}], "secretName": "tls"},
}


def test_json_is_masked_by_its_keys() -> None:
    """What a secret name holds goes whatever it looks like; the rest keeps its shape."""
    counts: Counter[str] = Counter()
    shown = mask_json(Redactor(), TREE, counts)
    assert shown == TREE | {
        "settings": {
            "variables": ["DB_PASSWORD"],
            "argv": ["hotpass", "--password", M, "--x", "y"],
        },
        "password": M,
        "token": "[REDACTED:s-2]",
        "credentials": {"user": "bob", "password": M},
        "cookies": [M, "[REDACTED:s-3]"],
        "Authorization": f"Bearer {M}",
        "env": [{"name": "API_TOKEN", "value": M}, {"name": "PORT", "value": "5000"}],
        "curl": ["curl", "-u", f"bob:{M}", "http://x"],
        "kube": {
            "kind": "Secret",
            "data": {"a": "[REDACTED:s-4]", "b": {"c": "[REDACTED:s-5]"}},
            "metadata": {"name": "n"},
        },
    }
    assert S not in json.dumps(shown)
    assert sum(counts.values()) == 11
    assert mask_json(Redactor(), shown) == shown


def test_equal_values_have_equal_masks_however_found() -> None:
    """A value keeps its number by structure, by prefix and in a tree."""
    known = Redactor()
    token = TOKENS["github"]
    first = known.mask_text(f"see {token}")
    assert known.mask_text(f"token={token}") == first.replace("see ", "token=")
    assert mask_json(known, {"token": "other-1", "b": token}) == {
        "token": "[REDACTED:s-2]",
        "b": "[REDACTED:p-1]",
    }


def test_a_registered_value_keeps_its_mask_under_a_secret_name() -> None:
    """The reader learns more from ``v``: this very secret was here."""
    known = Redactor()
    known.register(S, name="THE_ONE")
    assert known.mask_text(f"password={S} Authorization: Bearer {S}") == (
        "password=[REDACTED:v-1] Authorization: Bearer [REDACTED:v-1]"
    )
    assert mask_json(known, {"password": S}) == {"password": "[REDACTED:v-1]"}


def test_masks_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many values that are told apart the rest shares one mask."""
    monkeypatch.setattr("fixtures.core.redaction.redactor.MOST_NUMBERS", 2)
    assert Redactor().mask_text("token=a1 token=b2 token=c3 token=d4 token=a1") == (
        "token=[REDACTED:s-1] token=[REDACTED:s-2] token=[REDACTED:s-0] token=[REDACTED:s-0] "
        "token=[REDACTED:s-1]"
    )


def test_a_picture_is_noise_and_not_a_token() -> None:
    """What reads like a token deep in a picture is left; beside it, and first in it, it is not."""
    token = b"EAA" + b"Zk3" * 25
    known = Redactor()
    picture = b'<img src="data:image/png;base64,' + b"iVBOR/" * 60 + b"+" + token + b'/AA==">'
    assert known.mask_bytes(picture) == picture
    for leaky in (picture + b" " + token, b'src="data:image/png;base64,' + token + b'"'):
        assert token not in known.mask_bytes(leaky).removeprefix(picture)
