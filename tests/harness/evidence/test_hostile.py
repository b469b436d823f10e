"""Self-tests of verify against people who mean it: any byte, any file, any single lie."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence import attestation, canonical, layout, ledger, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.keys import TrustedKey
from fixtures.evidence.summary import fold
from fixtures.evidence.verify import Policy, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing
from tests.harness.often import often

KEY = CryptoSigner(Ed25519PrivateKey.generate())
DRY_KEY = CryptoSigner(Ed25519PrivateKey.generate())
TRUSTED = (
    TrustedKey(name="live key", key=KEY.public_key, signs_live=True),
    TrustedKey(name="dry run key", key=DRY_KEY.public_key, signs_live=False),
)
OFTEN = often(150, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def signed(
    tmp_path_factory: pytest.TempPathFactory,
    opening: dict[str, Any],
    rehearsed: Callable[[Bundle, str], None],
    junit: bytes,
) -> Path:
    """A sealed dry run, signed by the key that signs such; restored after each touch."""
    bundle = Bundle.reserve(
        tmp_path_factory.mktemp("hostile"),
        word="marquez",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["marquez"],
        opening=opening,
        signer=DRY_KEY,
    )
    rehearsed(bundle, "held")
    folder = closing.close(bundle, junit=junit).folder
    assert denials(folder) == []
    return folder


def denials(folder: Path, *, live: bool = False) -> list[str]:
    policy = Policy(trusted=TRUSTED, live=live)
    return verify(folder, registries=REGISTRIES, policy=policy).denials


@OFTEN
@given(data=st.data())
def test_no_single_byte_is_free(signed: Path, data: st.DataObject) -> None:
    """Any byte of any file, changed to any other, denies: the attestation's own included."""
    path = signed / data.draw(st.sampled_from(sealing.files_in(signed)))
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    other = data.draw(st.integers(1, 255))
    path.write_bytes(before[:place] + bytes([before[place] ^ other]) + before[place + 1 :])
    try:
        assert denials(signed)
    finally:
        path.write_bytes(before)


@OFTEN
@given(data=st.data())
def test_no_byte_of_the_attestation_is_free(signed: Path, data: st.DataObject) -> None:
    """Neither inserted nor taken away: white space and base64's spare bits are bytes too."""
    path = signed / layout.ATTESTATION
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before)))
    piece = data.draw(st.sampled_from([b" ", b"\n", b"\t", b"=", b"A", b"\xef\xbb\xbf", b","]))
    taken = data.draw(st.integers(0, 2))
    after = before[:place] + piece * (taken == 0) + before[place + taken :]
    path.write_bytes(after)
    try:
        assert after == before or denials(signed)
    finally:
        path.write_bytes(before)


@OFTEN
@given(data=st.data())
def test_no_subset_copy_or_rename_is_live(
    signed: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Whatever of a dry run is taken wherever, under whichever name, it is never live."""
    files = sealing.files_in(signed)
    kept = data.draw(st.sets(st.sampled_from(files), min_size=1))
    word = data.draw(st.sampled_from(["marquez", "arc", "live", "staging"]))
    stamp = data.draw(st.sampled_from([signed.name, "20260101T000000Z", "live"]))
    copy = tmp_path / word / stamp
    copy.mkdir(parents=True)
    try:
        for name in kept:
            target = copy / data.draw(st.sampled_from([name, name.upper(), f"x/{name}"]))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(signed / name, target)
        assert denials(copy, live=True)
    finally:
        shutil.rmtree(tmp_path / word)


def reseal(folder: Path, change: Callable[[dict[str, Any]], object], *, signer: Any) -> None:
    """Edit the ledger's first line, derive everything anew, and sign it with the given key."""
    path = folder / layout.LEDGER
    before = sealing.digest(path).sha256
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(lines[0])
    path.write_bytes(b"".join(map(canonical.line, lines)))
    page = folder / "report.html"
    now = sealing.digest(path).sha256
    page.write_text(page.read_text("utf-8").replace(before, now), "utf-8")
    summary = fold(ledger.read(path))
    names = [n for n in sealing.files_in(folder) if n not in layout.UNLISTED_IN_MANIFEST]
    digests = {name: sealing.digest(folder / name) for name in names}
    said = sealing.manifest(summary, digests)
    (folder / layout.MANIFEST).write_bytes(canonical.pretty(said))
    sums = {name: each.sha256 for name, each in digests.items()}
    sums[layout.MANIFEST] = sealing.digest(folder / layout.MANIFEST).sha256
    (folder / layout.SUMS).write_bytes(sealing.sums_text(sums))
    stated = attestation.statement(
        said,
        manifest_sha256=sums[layout.MANIFEST],
        sums_sha256=sealing.digest(folder / layout.SUMS).sha256,
    )
    (folder / layout.ATTESTATION).write_bytes(attestation.sign(stated, signer))


LIVE_SYSTEM = {
    "name": "marquez",
    "provenance": "staging",
    "claimed": "staging",
    "identity": {"digest": "x"},
    "detail": "",
    "demanded": "local",
    "pins": {"digest": "x"},
}
LIES = {
    "mode": "live",
    "staging": True,
    "taints": [],
    "systems": [LIVE_SYSTEM],
    "narrowed": "",
    "environment": "production",
    "signed_by": KEY.public_key.keyid,
    "previous": None,
    "strict": True,
    "source": {"commit": "0" * 40, "dirty": False},
    "operator": "CI",
}


@pytest.mark.parametrize("holds_live_key", [False, True], ids=["forger", "owner-of-the-key"])
@pytest.mark.parametrize("lie", LIES)
def test_no_single_lie_makes_it_live(
    signed: Path, tmp_path: Path, lie: str, holds_live_key: bool
) -> None:
    """One edited fact, everything derived anew and even signed by the live key: still no."""
    copy = Path(shutil.copytree(signed, tmp_path / "marquez" / signed.name))
    signer = KEY if holds_live_key else DRY_KEY

    def tell(opened: dict[str, Any]) -> None:
        opened["signed_by"] = signer.public_key.keyid
        opened[lie] = LIES[lie]

    reseal(copy, tell, signer=signer)
    denied = [each for each in denials(copy, live=True) if not each.startswith("signature")]
    assert denied, "only the signature stood against it"


def test_every_lie_at_once_without_the_live_key(signed: Path, tmp_path: Path) -> None:
    """Who rewrites everything consistently lacks one thing: a key that is trusted for live."""
    copy = Path(shutil.copytree(signed, tmp_path / "marquez" / signed.name))
    reseal(
        copy,
        lambda opened: opened.update({**LIES, "signed_by": DRY_KEY.public_key.keyid}),
        signer=DRY_KEY,
    )
    assert denials(copy, live=True)


def sums(change: Callable[[str], str]) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / layout.SUMS
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    return spoil


def first(text: str) -> str:
    return text.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda f: (f / "cli.log").unlink(), id="payload-missing"),
        pytest.param(lambda f: (f / "more.txt").write_text("x"), id="payload-not-listed"),
        pytest.param(lambda f: (f / "cli.log").write_text("x"), id="payload-altered"),
        pytest.param(lambda f: (f / "cli.log").write_bytes(b""), id="payload-emptied"),
        pytest.param(lambda f: (f / layout.SUMS).unlink(), id="sums-missing"),
        pytest.param(lambda f: (f / layout.SUMS).write_bytes(b""), id="sums-empty"),
        pytest.param(sums(lambda t: t + first(t)), id="entry-twice"),
        pytest.param(sums(lambda t: t + "0" * 64 + "  nothing.txt\n"), id="entry-of-nothing"),
        pytest.param(sums(lambda t: t.replace("  ", " *", 1)), id="entry-in-binary-form"),
        pytest.param(
            sums(lambda t: t.replace(t[:64], t[:64].upper(), 1)), id="digest-in-capitals"
        ),
        pytest.param(sums(lambda t: t.replace(t[:64], t[:40], 1)), id="shorter-algorithm"),
        pytest.param(sums(lambda t: t.replace("  cli.log", "  ../cli.log")), id="path-upwards"),
        pytest.param(sums(lambda t: t.replace("  cli.log", "  /cli.log")), id="path-from-root"),
        pytest.param(sums(lambda t: t.replace("  cli.log", "  ./cli.log")), id="path-with-dot"),
        pytest.param(sums(lambda t: t.replace("  cli.log", "  ~/cli.log")), id="path-from-home"),
        pytest.param(sums(lambda t: t.replace("  cli.log", "  CLI.log")), id="path-in-capitals"),
        pytest.param(sums(lambda t: "\ufeff" + t), id="byte-order-mark"),
        pytest.param(sums(lambda t: t.replace("\n", "\r\n")), id="carriage-returns"),
        pytest.param(sums(lambda t: t.rstrip("\n")), id="no-last-newline"),
        pytest.param(sums(lambda t: "# a remark\n" + t), id="remark"),
        pytest.param(
            sums(lambda t: "".join(reversed(t.splitlines(keepends=True)))), id="another-order"
        ),
        pytest.param(lambda f: (f / layout.SUMS).write_bytes(b"\xff\xfe"), id="no-utf-8"),
        pytest.param(
            lambda f: (f / unicodedata.normalize("NFD", "é.txt")).write_text("x"),
            id="decomposed-name",
        ),
        pytest.param(
            lambda f: (f / layout.MANIFEST).write_text('{"format": NaN}'), id="manifest-not-json"
        ),
        pytest.param(
            lambda f: (f / layout.MANIFEST).write_text('{"word": "a", "word": "b"}'),
            id="manifest-key-twice",
        ),
        pytest.param(lambda f: (f / layout.MANIFEST).write_text("[" * 9999), id="manifest-deep"),
        pytest.param(lambda f: (f / "cli.log").chmod(0o000), id="unreadable-or-fine"),
    ],
)
def test_each_category_of_broken_bag_is_denied(
    signed: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """The categories of the BagIt conformance suite, each as a mutation of a good bundle."""
    copy = Path(shutil.copytree(signed, tmp_path / "marquez" / signed.name))
    spoil(copy)
    readable = (copy / "cli.log").exists() and (copy / "cli.log").stat().st_mode & 0o777 == 0
    # Root reads what nobody may: then nothing was changed.
    assert denials(copy) or readable


def test_a_bomb_in_a_log_is_only_bytes(signed: Path, tmp_path: Path) -> None:
    """What a log holds is hashed, never unpacked, never rendered."""
    copy = Path(shutil.copytree(signed, tmp_path / "marquez" / signed.name))
    (copy / "bomb.gz").write_bytes(b"\x1f\x8b\x08" + b"\0" * 1000)
    assert denials(copy)


def test_a_replay_under_another_stamp_is_denied(signed: Path, tmp_path: Path) -> None:
    """An old bundle does not become today's by its name."""
    copy = Path(shutil.copytree(signed, tmp_path / "marquez" / "20260101T000000Z"))
    assert any("was reserved as" in why for why in denials(copy))
