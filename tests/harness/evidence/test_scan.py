"""Self-tests of the scanner: what masking missed is found, and clean evidence is clean."""

from __future__ import annotations

import ast
import base64
import gzip
import html
import json
import random
import urllib.parse
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.evidence import scan, unpacking
from fixtures.evidence.scan import Leak, leaks_in

SECRET = "p@ss w0rd/'q+é%x"
MIXED = "aB3dE5gH7j"

Packed = dict[str, bytes]


def mixed(length: int) -> str:
    """So many letters and digits."""
    return (MIXED * length)[:length]


def packed(raw: bytes) -> Packed:
    """A text as it may hide in a file."""
    return {
        "raw": raw,
        "json": json.dumps(raw.decode()).encode(),
        "json-in-json": json.dumps(json.dumps(raw.decode())).encode(),
        "codes": "".join(f"\\u{ord(each):04x}" for each in raw.decode()).encode(),
        "url": urllib.parse.quote(raw, safe="").encode(),
        "form": urllib.parse.quote_plus(raw).encode(),
        "html": html.escape(raw.decode()).encode(),
        "entities": "".join(f"&#{ord(each)};" for each in raw.decode()).encode(),
        "hex": raw.hex().encode(),
        "hex-upper": raw.hex().upper().encode(),
        "hex-odd": b"f" + raw.hex().encode(),
        "base64": base64.b64encode(raw),
        "base64url": base64.urlsafe_b64encode(b"?>" + raw),
        "base64-glued": b"prefix/" + base64.b64encode(raw),
        "base64-lines": base64.encodebytes(raw * 6),
        "gzip": gzip.compress(raw),
        "gzip-within": b"head " + gzip.compress(raw) + b" tail",
        "base64-gzip": base64.b64encode(gzip.compress(raw)),
        "base64-hex": base64.b64encode(raw.hex().encode()),
        "three-deep": base64.b64encode(base64.b64encode(base64.b64encode(raw))),
        "url-base64": urllib.parse.quote(base64.b64encode(raw * 2)).encode(),
    }


@pytest.mark.parametrize("how", packed(SECRET.encode()))
def test_a_registered_value_is_found(how: str, tmp_path: Path) -> None:
    """However it is packed; the line is said, the value is not."""
    data = packed(SECRET.encode())[how]
    (tmp_path / "logs").mkdir()
    before = b"" if how == "gzip" else b"one\ntwo \xff\n"
    (tmp_path / "logs" / "a.log").write_bytes(before + data + b"\nend\n")
    found = leaks_in(tmp_path, values=[SECRET, "another-value"])
    assert {leak.path for leak in found} == {"logs/a.log"}
    assert {leak.line for leak in found} == {1 if how == "gzip" else 3}
    assert all("registered" in leak.rule for leak in found)
    assert SECRET not in repr(found)


FORMATS = {
    "private key": "-----BEGIN RSA PRIVATE KEY-----",
    "AWS key id": "AKIA" + "ABCDEFGH23456723",
    "GitHub token": "ghp_" + mixed(36),
    "GitLab token": "glpat-" + mixed(20),
    "Prefect key": "pnu_" + mixed(36),
    "Slack token": "xoxb-123456789012-" + mixed(24),
    "Slack webhook": "hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/" + mixed(24),
    "web token": f"eyJ{mixed(20)}.eyJ{mixed(20)}.{mixed(40)}",
    "Google key": "AIza" + mixed(35),
    "Google token": "ya29." + mixed(40),
    "model key": "sk-proj-" + mixed(48),
    "Stripe key": "sk_live_" + mixed(24),
    "npm token": "npm_" + mixed(36),
    "PyPI token": "pypi-AgE" + mixed(80),
    "Vault token": "hvs." + mixed(40),
    "SendGrid key": f"SG.{mixed(22)}.{mixed(43)}",
    "Docker token": "dckr_pat_" + mixed(27),
    "Hugging Face token": "hf_" + "aBcDeFgHiJ" * 3 + "aBcD",
    "Grafana token": f"glsa_{mixed(32)}_0a1b2c3d",
    "header": "Authorization: Bearer " + mixed(12),
    "signed URL": "X-Amz-Signature=" + "0a1b2c3d" * 8,
    "password in a URL": "postgres://bob:hunter2@db/x",
    "password": "DB_Password=hunter2hunter2",
}


@pytest.mark.parametrize("how", ["raw", "base64", "hex", "gzip-within"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_known_format_is_found(name: str, how: str, tmp_path: Path) -> None:
    """Without a registered value, and packed too."""
    (tmp_path / "a.json").write_bytes(b"x " + packed(f"see {FORMATS[name]} here".encode())[how])
    found = leaks_in(tmp_path, values=[])
    assert [leak.rule.partition(" in gzip")[0].removesuffix(f" in {how}") for leak in found] == [
        name
    ]


def test_every_format_has_a_case() -> None:
    """A format nobody tried may find nothing at all."""
    assert {name for name, _, _ in scan._FORMATS} == set(FORMATS)


@pytest.mark.parametrize("sign", sorted({sign for _, sign, _ in scan._FORMATS}))
def test_every_sign_is_seen_in_the_quick_pass(sign: bytes) -> None:
    """Whatever stands beside it: what the quick pass does not name is not looked for."""
    formats = [each for each in scan._FORMATS if each[1] == sign]
    for beside in (b"", b"_", b"-", b".", b":", b"A", b"x", b"w", b"\n", b"g"):
        for text in (sign, beside + sign, sign + beside, beside + sign + beside, sign + sign):
            named = set(scan._ANCHOR.findall(b"0" + text + b"0"))
            looked_for = [each for anchor in named for each in scan._FORMATS_BY_ANCHOR[anchor]]
            assert all(each in looked_for for each in formats)


def test_quick_pass_finds_what_a_slow_one_finds() -> None:
    """Signs and their pieces in any order, without the quick pass and with it."""
    rng = random.Random(10)
    pieces = [sign for _, sign, _ in scan._FORMATS] + [each.encode() for each in FORMATS.values()]
    pieces += [sign[:cut] for sign in pieces for cut in (1, 2, 3)] + [b" ", b"\n", b"-", b"_"]
    for _ in range(300):
        data = b"".join(rng.choices(pieces, k=8))
        slow = {
            (hit.start(), name)
            for name, _, pattern in scan._FORMATS
            for hit in pattern.finditer(data)
        }
        assert set(scan._as_it_is(data, {}, formats=True, unpacked=False)) == slow


def test_each_value_is_looked_for_whatever_it_shares() -> None:
    """Values by what they have in common, against each of them by itself."""
    rng = random.Random(11)
    pieces = [*"abcd", "@house.org", "+44 1632 ", "Ada ", "\n", "ß"]
    for _ in range(200):
        values = {"".join(rng.choices(pieces, k=rng.randint(1, 6))) for _ in range(12)}
        wanted = {
            part.encode()
            for value in values
            for part in (value, *(each.strip() for each in value.splitlines()))
            if len(part.encode())
            >= (scan.SHORTEST_VALUE if part in values else scan.SHORTEST_LINE)
        }
        data = "".join(rng.choices([*pieces, *values], k=6)).encode()
        slow = {value for value in wanted if value in data}
        assert set(scan._held(scan._known(tuple(values)), data)) == slow


@pytest.mark.parametrize("name", FORMATS)
def test_what_the_redactor_masked_is_clean(name: str, tmp_path: Path) -> None:
    """Two implementations, one opinion: after masking nothing is left to find."""
    (tmp_path / "a.log").write_text(Redactor().mask_text(f"see {FORMATS[name]} here\n"))
    assert leaks_in(tmp_path, values=[]) == ()


CLEAN = [
    "commit 2f221b8ca41f0d3be5a1a0b7f3f0f0c7d94a1b2c run 39f3811b-2e7e-4bca-88a2-207680e1c169",
    "image a@sha256:" + "0f1e2d3c" * 8,
    "arn:aws:iam::123456789012:role/hotpass https://api.prefect.cloud/api/accounts/0/workspaces/1",
    "password=[REDACTED:s-1] https://bob:[REDACTED:v-2]@host Authorization: Bearer [REDACTED:p-3]",
    "test_password_is_masked passed; primary key=runs_pkey; 12:30:15@5; a:b@c",
    "token_bucket_limit=5 concurrency_key=hotpass/backfill",
    "http://127.0.0.1:41033/api/v1/lineage?nodeId=job%3Ahotpass.local%3Ageneric@1",
    'export PASSWORD="$DB_PASSWORD"; curl -H "Authorization: Bearer $TOKEN"',
]


@pytest.mark.parametrize("text", CLEAN, ids=range(len(CLEAN)))
def test_clean_evidence_is_clean(text: str, tmp_path: Path) -> None:
    """A false alarm quarantines a rehearsal that took hours."""
    (tmp_path / "a.log").write_text(text)
    assert leaks_in(tmp_path, values=[SECRET]) == ()


def test_wide_text_is_read(tmp_path: Path) -> None:
    """A registered value between zeros is found."""
    (tmp_path / "a.log").write_bytes("one\nhunter2hunter2".encode("utf-16"))
    assert leaks_in(tmp_path, values=["hunter2hunter2"]) == (
        Leak("a.log", 2, "registered in UTF-16"),
    )


def test_random_hex_is_clean(tmp_path: Path) -> None:
    """Twenty megabytes of it unpack to no text, so to no secret."""
    noise = random.Random(7).randbytes(10 * 2**20).hex()
    (tmp_path / "a.log").write_text(noise)
    assert leaks_in(tmp_path, values=[SECRET]) == ()


def test_what_is_unpacked_must_be_text(tmp_path: Path) -> None:
    """Bytes that happen to have a format's shape are no secret; the same as text is."""
    for password, expected in ((b"\x01\x02\x8f", []), ("pä5".encode(), ["password in a URL"])):
        (tmp_path / "a.log").write_text((b"0" * 8 + b"://a:" + password + b"@host").hex())
        found = leaks_in(tmp_path, values=[])
        assert [leak.rule.removesuffix(" in hex") for leak in found] == expected


def test_borders_of_windows_hide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a value stands in a large file, it is found once, on its line."""
    monkeypatch.setattr(scan, "WINDOW_BYTES", 4096)
    monkeypatch.setattr(scan, "OVERLAP_BYTES", 256)
    for at in range(4000, 4200, 7):
        text = ("x" * 79 + "\n") * 200
        (tmp_path / "a.log").write_text(text[:at] + "hunter2hunter2" + text[at:])
        assert leaks_in(tmp_path, values=["hunter2hunter2"]) == (
            Leak("a.log", at // 80 + 1, "registered"),
        )


def test_a_bomb_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than is looked at is not called clean, and fills no memory."""
    monkeypatch.setattr(unpacking, "MOST_INFLATED", 2**22)
    bomb = gzip.compress(bytes(2**23))
    (tmp_path / "a.log.gz").write_bytes(bomb)
    (tmp_path / "b.log").write_bytes(b"x " + bomb)
    (tmp_path / "c.log").write_bytes(base64.b64encode(bomb))
    found = leaks_in(tmp_path, values=[])
    assert {leak.path: leak.rule for leak in found} == {
        "a.log.gz": scan.UNOPENED,
        "b.log": scan.UNOPENED,
        "c.log": f"{scan.UNOPENED} in base64",
    }


def test_a_long_packed_log_is_read_to_its_end(tmp_path: Path) -> None:
    """A secret at the end of megabytes of packed log is found."""
    log = "".join(f"line {number} of the log\n" for number in range(200_000))
    (tmp_path / "a.log.gz").write_bytes(gzip.compress((log + FORMATS["npm token"]).encode()))
    assert leaks_in(tmp_path, values=[]) == (Leak("a.log.gz", 1, "npm token in gzip"),)


def test_names_are_looked_at(tmp_path: Path) -> None:
    """A value in a file's name is in the manifest, too."""
    (tmp_path / "hunter2hunter2.log").write_text("")
    assert [leak.line for leak in leaks_in(tmp_path, values=["hunter2hunter2"])] == [0]


def test_lines_of_a_key_are_values_too(tmp_path: Path) -> None:
    """One line of a registered key is enough to be found."""
    key = "-----BEGIN X-----\n" + "\n".join(mixed(64)[shift:] + "x" * shift for shift in range(5))
    (tmp_path / "a.log").write_text("INFO " + key.splitlines()[3])
    assert len(leaks_in(tmp_path, values=[key])) == 1
    (tmp_path / "a.log").write_text("-----BEGIN X-----")
    assert leaks_in(tmp_path, values=[key]) == ()


def test_pixels_are_no_formats(tmp_path: Path) -> None:
    """In a picture only registered values count."""
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG " + FORMATS["npm token"].encode() + b" hunter2hunter2"
    )
    assert [leak.rule for leak in leaks_in(tmp_path, values=["hunter2hunter2"])] == ["registered"]


def test_what_cannot_be_read_is_not_clean(tmp_path: Path) -> None:
    """A link to nowhere ends the scan."""
    (tmp_path / "a.log").symlink_to(tmp_path / "missing")
    with pytest.raises(errors.BundleUnreadable, match=r"a\.log"):
        leaks_in(tmp_path, values=[])


def test_the_scanner_shares_nothing_with_the_redactor() -> None:
    """A hole in one must not be a hole in the other."""
    for module in (scan, unpacking):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imported = {
            name
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in (getattr(node, "module", None) or "", *(each.name for each in node.names))
        }
        assert not any("redaction" in name for name in imported)
