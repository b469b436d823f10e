"""Self-tests of signatures: who signed what, and nothing that looks like it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from fixtures.core import errors
from fixtures.core.records.systems import Mode
from fixtures.evidence import attestation, canonical, keys, layout, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.keys import TrustedKey
from fixtures.evidence.verify import Answer, Policy, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

Seal = Callable[..., Path]


def live_systems(**changes: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "provenance": "local",
            "claimed": "local",
            "identity": {"digest": f"{name}-1"},
            "detail": "",
            "demanded": "local",
            "pins": {"digest": f"{name}-1"},
            **changes,
        }
        for name in ("marquez", "hotpass")
    ]


def trust(signer: CryptoSigner, *, live: bool = True, **changes: Any) -> TrustedKey:
    return TrustedKey(name="QA laptop", key=signer.public_key, signs_live=live, **changes)


@pytest.fixture(scope="session")
def key() -> CryptoSigner:
    """A key of somebody trusted."""
    return CryptoSigner(Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def stranger() -> CryptoSigner:
    """A key of nobody in particular."""
    return CryptoSigner(Ed25519PrivateKey.generate())


@pytest.fixture
def seal(
    tmp_path: Path,
    opening: dict[str, Any],
    rehearsed: Callable[[Bundle, str], None],
    junit: bytes,
    redactor: Any,
) -> Seal:
    """Rehearse and seal: live and signed unless said otherwise."""

    def made(
        signer: CryptoSigner | None = None,
        *,
        mode: Mode = Mode.LIVE,
        first: str = "held",
        now: datetime | None = None,
        **changes: Any,
    ) -> Path:
        live = {"staging": True, "taints": [], "systems": live_systems()}
        told = {**opening, **(live if mode is Mode.LIVE else {}), **changes}
        bundle = Bundle.reserve(
            tmp_path / "staging",
            word="marquez",
            mode=mode,
            redactor=redactor,
            registry=REGISTRIES["marquez"],
            opening=told,
            signer=signer,
            now=now,
        )
        rehearsed(bundle, first)
        return closing.close(bundle, junit=junit).folder

    return made


@pytest.fixture
def redactor() -> Any:
    """A redactor that knows nothing."""
    from fixtures.core.redaction import Redactor

    return Redactor()


def ask(folder: Path, *trusted: TrustedKey, **policy: Any) -> Answer:
    return verify(folder, registries=REGISTRIES, policy=Policy(trusted=trusted, **policy))


def envelope_of(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / layout.ATTESTATION).read_text())
    return body


def statement_of(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(base64.b64decode(envelope_of(folder)["payload"]))
    return body


def test_a_signed_live_bundle_is_evidence_of_staging(seal: Seal, key: CryptoSigner) -> None:
    """Live, pinned, complete and signed by a trusted key: the one thing `--live` accepts."""
    said = ask(seal(key), trust(key), live=True)
    assert said.denials == []
    assert said.verified
    assert said.signed_by is not None
    assert said.signed_by.name == "QA laptop"


def test_a_live_failure_is_live_evidence_of_a_failure(seal: Seal, key: CryptoSigner) -> None:
    """What broke on staging is signed as broken, with the guardrail named."""
    folder = seal(key, first="broke")
    said = ask(folder, trust(key), live=True)
    assert said.verified, said.denials
    predicate = statement_of(folder)["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["failedTests"] == [next(iter(REGISTRIES["marquez"])).id]


def test_the_statement_says_what_was_tested(seal: Seal, key: CryptoSigner) -> None:
    """An in-toto test result over the manifest and over the whole tree."""
    folder = seal(key)
    body = statement_of(folder)
    assert body["_type"] == "https://in-toto.io/Statement/v1"
    assert body["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert body["predicate"]["result"] == "PASSED"
    assert set(body["predicate"]["passedTests"]) == {
        each.id for each in REGISTRIES["marquez"]
    } - set(json.loads((folder / layout.MANIFEST).read_text())["not_exercised"])
    manifest, tree = body["subject"]
    assert manifest["digest"] == {"sha256": sealing.digest(folder / layout.MANIFEST).sha256}
    assert tree["name"] == f"marquez/{folder.name}"


def test_coreutils_recompute_the_tree(seal: Seal, key: CryptoSigner) -> None:
    """``dirHash1`` needs nothing of ours: find, sort and sha256sum print it."""
    folder = seal(key)
    pipe = (
        "find . -type f ! -name SHA256SUMS ! -name attestation.dsse.json | cut -c3- "
        "| LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum | cut -d' ' -f1"
    )
    by_hand = subprocess.run(
        ["/bin/sh", "-c", pipe], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert statement_of(folder)["subject"][1]["digest"] == {"dirHash1": by_hand}
    assert sealing.digest(folder / layout.SUMS).sha256 == by_hand


@pytest.mark.parametrize(
    ("mode", "changes", "kind"),
    [
        pytest.param(Mode.DRY_RUN, {}, attestation.SIMULATION, id="dry-run"),
        pytest.param(
            Mode.LOCAL,
            {"taints": [], "systems": live_systems(), "staging": False},
            attestation.REHEARSAL,
            id="local",
        ),
    ],
)
def test_what_is_not_live_is_no_test_result(
    seal: Seal, key: CryptoSigner, mode: Mode, changes: dict[str, Any], kind: str
) -> None:
    """A consumer that drops unknown fields must not be left with a test result."""
    folder = seal(key, mode=mode, **changes)
    assert statement_of(folder)["predicateType"] == kind
    assert "result" not in statement_of(folder)["predicate"]
    assert ask(folder, trust(key, live=False)).verified
    denials = " ".join(ask(folder, trust(key, live=False), trust(key), live=True).denials)
    assert "it is no test result" in denials
    assert f"its mode is {mode}" in denials


def test_a_blocked_live_run_is_no_test_result(seal: Seal, key: CryptoSigner) -> None:
    """What could not be judged has no result to attest."""
    folder = seal(key, first="not_established")
    assert statement_of(folder)["predicateType"] == attestation.REHEARSAL
    assert "live: it is no test result: BLOCKED" in ask(folder, trust(key), live=True).denials


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"identity": {}}, "nothing proves which marquez it was", id="no-identity"),
        pytest.param({"pins": {}}, "the environment does not pin marquez", id="unpinned"),
        pytest.param({"pins": {"digest": "x"}}, "marquez, digest: expected x", id="another"),
        pytest.param({"demanded": "staging"}, "its systems make it local", id="too-near"),
    ],
)
def test_each_missing_proof_denies(
    seal: Seal, key: CryptoSigner, changes: dict[str, Any], why: str
) -> None:
    """Provenance is proved by every system, and the mode is recomputed from the proofs."""
    folder = seal(key, systems=live_systems(**changes))
    said = ask(folder, trust(key), live=True)
    assert not said.verified
    assert why in " ".join(said.denials)


def test_no_system_is_no_proof(seal: Seal, key: CryptoSigner) -> None:
    """A rehearsal that opened nothing was no rehearsal of staging."""
    assert not ask(seal(key, systems=[]), trust(key), live=True).verified


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"taints": ["a twin"]}, "its systems make it dry run", id="tainted"),
        pytest.param({"staging": False}, "its systems make it local", id="not-staging"),
    ],
)
def test_a_declared_mode_is_recomputed(
    seal: Seal, key: CryptoSigner, changes: dict[str, Any], why: str
) -> None:
    """Even asked for nothing but what it says, a bundle that says live must have been."""
    said = ask(seal(key, **changes), trust(key))
    assert why in " ".join(said.denials)


def test_a_narrowed_run_is_never_live(seal: Seal, key: CryptoSigner) -> None:
    """A run of chosen guardrails proves what was chosen."""
    assert (
        "live: it was narrowed: -k x"
        in ask(seal(key, narrowed="-k x"), trust(key), live=True).denials
    )


def test_a_changed_harness_is_never_live(seal: Seal, key: CryptoSigner) -> None:
    """Code and pins that no commit holds could have been any."""
    folder = seal(key, source={"commit": "0" * 40, "dirty": True})
    denials = ask(folder, trust(key), live=True).denials
    assert denials == ["live: the harness was changed since its commit"]


def test_unsigned_is_said_and_denied_where_it_matters(seal: Seal) -> None:
    """Without a key a bundle is sealed all the same; `--live` and a strict setting deny it."""
    folder = seal()
    said = ask(folder)
    assert said.verified
    assert next(check.said for check in said.checks if check.name == "signature") == "unsigned"
    assert ask(folder, live=True).denials == ["live: it is unsigned"]
    assert "signature is required" in ask(folder, require_signature=True).denials[0]


def test_a_dry_run_needs_no_signature(pristine: Path) -> None:
    """Requiring signatures is for what claims something of staging."""
    assert ask(pristine, require_signature=True).verified


def resigned(folder: Path, signer: CryptoSigner, **changes: Any) -> None:
    body = {**statement_of(folder), **changes}
    (folder / layout.ATTESTATION).write_bytes(attestation.sign(body, signer))


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    body = envelope_of(folder)
    change(body)
    (folder / layout.ATTESTATION).write_bytes(canonical.pretty(body))


def sig(envelope: dict[str, Any], text: str) -> None:
    envelope["signatures"][0]["sig"] = text


def tail_bits(text: str) -> str:
    """The same bytes in base64 with other spare bits: lenient readers see no difference."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    assert body != text, "no padding, no spare bits"
    return body[:-1] + alphabet[alphabet.index(body[-1]) ^ 1] + text[len(body) :]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda f: (f / layout.ATTESTATION).unlink(), "there is none", id="stripped"),
        pytest.param(lambda f: (f / layout.ATTESTATION).write_bytes(b""), "", id="emptied"),
        pytest.param(lambda f: (f / layout.ATTESTATION).write_bytes(b"{}\n"), "", id="hollow"),
        pytest.param(
            lambda f: edited(f, lambda b: b["signatures"].clear()), "one signature", id="no-sig"
        ),
        pytest.param(
            lambda f: edited(f, lambda b: b["signatures"].append(b["signatures"][0])),
            "one signature",
            id="two-signatures",
        ),
        pytest.param(
            lambda f: edited(
                f, lambda b: b["signatures"][0].update(sig=base64.b64encode(b"0" * 64).decode())
            ),
            "not of QA laptop",
            id="other-signature",
        ),
        pytest.param(
            lambda f: edited(
                f, lambda b: b["signatures"][0].update(sig=tail_bits(b["signatures"][0]["sig"]))
            ),
            "as we write it",
            id="tail-bits",
        ),
        pytest.param(
            lambda f: edited(f, lambda b: b["signatures"][0].update(keyid="0" * 64)),
            "promised",
            id="other-keyid",
        ),
        pytest.param(
            lambda f: edited(f, lambda b: b.update(payloadType="application/json")),
            "payload is of type",
            id="other-type",
        ),
        pytest.param(
            lambda f: edited(f, lambda b: b.update(note="x")), "as we write it", id="extra-key"
        ),
        pytest.param(
            lambda f: (f / layout.ATTESTATION).write_bytes(json.dumps(envelope_of(f)).encode()),
            "as we write it",
            id="other-white-space",
        ),
    ],
)
def test_any_touched_attestation_is_denied(
    seal: Seal, key: CryptoSigner, change: Callable[[Path], object], why: str
) -> None:
    """No byte of it is free: white space, spare bits and spare signatures included."""
    folder = seal(key)
    change(folder)
    said = ask(folder, trust(key))
    assert not said.verified
    (denied,) = said.denials
    assert denied.startswith("signature: ")
    assert why in denied


def test_another_statement_is_denied_though_the_key_is_right(
    seal: Seal, key: CryptoSigner
) -> None:
    """A trusted key over something else than these files vouches for something else."""
    folder = seal(key)
    resigned(folder, key, predicateType=attestation.SIMULATION)
    assert "not what manifest and sums come to" in ask(folder, trust(key)).denials[0]


def test_signatures_cannot_be_swapped(seal: Seal, key: CryptoSigner) -> None:
    """The attestation of one bundle says nothing of another, though one key signed both."""
    first = seal(key)
    second = seal(key, first="broke")
    (second / layout.ATTESTATION).write_bytes((first / layout.ATTESTATION).read_bytes())
    assert "not what manifest and sums come to" in ask(second, trust(key)).denials[0]


def test_a_stranger_is_not_believed(seal: Seal, key: CryptoSigner, stranger: CryptoSigner) -> None:
    """Signed by somebody: by whom is the question, and the key to ask for is named."""
    denials = ask(seal(stranger), trust(key)).denials
    assert stranger.public_key.keyid in denials[0]
    assert "--trust" in denials[0]


def test_the_wrong_kind_of_key_is_not_believed(seal: Seal, key: CryptoSigner) -> None:
    """A dry run's key signs no live bundle, nor the other way round."""
    assert "may not sign" in ask(seal(key), trust(key, live=False)).denials[0]
    assert "may not sign" in ask(seal(key, mode=Mode.DRY_RUN), trust(key)).denials[0]


def test_a_key_expires(seal: Seal, key: CryptoSigner) -> None:
    """What it signed while it was good stays signed; later rehearsals need another."""
    today = datetime.now(UTC).date()
    folder = seal(key)
    assert ask(folder, trust(key, expires=today + timedelta(days=1))).verified
    assert "expired" in ask(folder, trust(key, expires=date(2020, 1, 1))).denials[0]


def test_an_interrupted_bundle_is_sealed_without_its_key(
    seal: Seal, key: CryptoSigner, tmp_path: Path, opening: dict[str, Any], redactor: Any
) -> None:
    """A kill leaves nobody who could sign: what was promised is missing, and it never counts."""
    bundle = Bundle.reserve(
        tmp_path / "staging",
        word="marquez",
        mode=Mode.LIVE,
        redactor=redactor,
        registry=REGISTRIES["marquez"],
        opening={**opening, "staging": True, "taints": [], "systems": live_systems()},
        signer=key,
    )
    bundle.ledger.close()
    folder = closing.recover(bundle.folder).folder
    assert ask(folder, trust(key)).verified
    assert not ask(folder, trust(key), live=True).verified


def test_the_envelope_is_the_standard_one() -> None:
    """The test vector of the DSSE specification: what is signed is its pre-authentication text."""
    envelope = Envelope(b"hello world", "http://example.com/HelloWorld", {})
    assert envelope.pae() == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_any_dsse_reader_accepts_it(seal: Seal, key: CryptoSigner) -> None:
    """The file is an ordinary envelope: the library reads it without us."""
    envelope = Envelope.from_dict(envelope_of(seal(key)))
    assert set(envelope.verify([key.public_key], threshold=1)) == {key.public_key.keyid}


def pem(private: Any, *, passphrase: bytes = b"") -> bytes:
    data: bytes = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    )
    return data


@pytest.mark.parametrize(
    ("data", "mode", "why"),
    [
        pytest.param(None, 0o600, "cannot be read", id="missing"),
        pytest.param(b"", 0o600, "holds no private key", id="empty"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nxx\n", 0o600, "no private key", id="torn"),
        pytest.param(pem(Ed25519PrivateKey.generate()), 0o644, "read by others", id="open"),
        pytest.param(
            pem(Ed25519PrivateKey.generate(), passphrase=b"secret"),
            0o600,
            "no private key that can be used",
            id="locked",
        ),
        pytest.param(
            pem(rsa.generate_private_key(65537, 2048)), 0o600, "of kind rsa", id="another-kind"
        ),
        pytest.param(
            pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "of kind ecdsa", id="ecdsa"
        ),
    ],
)
def test_a_key_that_cannot_sign_is_refused(
    tmp_path: Path, data: bytes | None, mode: int, why: str
) -> None:
    """Missing, torn, readable by others, locked or of another kind: said, and never shown."""
    path = tmp_path / "key.pem"
    if data is not None:
        path.write_bytes(data)
        path.chmod(mode)
    with pytest.raises(errors.KeyUnusable) as refused:
        keys.signer(path)
    assert why in str(refused.value)
    assert "BEGIN" not in str(refused.value)


def test_an_encrypted_key_signs_with_its_passphrase(tmp_path: Path) -> None:
    """The file alone is worth nothing to whoever finds it."""
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_bytes(pem(Ed25519PrivateKey.generate(), passphrase=b"open sesame"))
    assert keys.signer(path, passphrase="open sesame").public_key.keytype == "ed25519"


def test_only_ed25519_is_trusted() -> None:
    """A weaker algorithm is no way in."""
    weak = rsa.generate_private_key(65537, 2048).public_key()
    text = weak.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    with pytest.raises(errors.KeyUnusable, match="of kind rsa"):
        keys.public(text, name="theirs")


def test_a_new_pair_fits(tmp_path: Path) -> None:
    """The public half is that of the private one, and both are what they are named."""
    pair = keys.new(tmp_path)
    signer = keys.signer(pair.private)
    known: SSlibKey = keys.public_at(pair.public)
    assert signer.public_key.keyid == known.keyid == pair.keyid
