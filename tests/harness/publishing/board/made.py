"""Bundles that never happened, for boards and comparisons.

Covers: whole ones, sealed as rehearsals seal; and quick ones, made from another's manifest, which
only the quick checks believe.
"""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner

from fixtures.core import words
from fixtures.core.records.systems import Mode
from fixtures.evidence import attestation, canonical, layout, ledger, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.keys import TrustedKey
from fixtures.procedures import closing
from fixtures.procedures.changes import Compare
from tests.harness.evidence import conftest as rehearsed

Edit = Callable[[dict[str, Any]], object]


def systems(**changes: Any) -> list[dict[str, Any]]:
    """Real ones, pinned."""
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


def whole(
    root: Path,
    *,
    mode: Mode = Mode.DRY_RUN,
    first: str = "held",
    signer: CryptoSigner | None = None,
    before_sealing: Callable[[Bundle], object] = lambda _: None,
    compare: Compare | None = None,
    **changes: Any,
) -> Path:
    """Rehearse and seal, made up but for the sealing: `verify` has nothing against it."""
    live = {"staging": True, "taints": [], "systems": systems()} if mode is Mode.LIVE else {}
    bundle = rehearsed.reserved(
        root,
        mode=mode,
        run_id=uuid.uuid4(),
        signer=signer,
        opening={**rehearsed.OPENING, **live, **changes},
    )
    rehearsed.fill(bundle)
    before_sealing(bundle)
    rehearsed.judge(bundle, first)
    return closing.close(bundle, junit=rehearsed.JUNIT, compare=compare).folder


def quick(
    root: Path,
    like: Path,
    at: datetime,
    *,
    word: str = "marquez",
    mode: str = "live",
    outcome: str = "PASSED",
    signer: CryptoSigner | None = None,
    edit: Edit = lambda _: None,
    took_s: float = 60.0,
    **changes: Any,
) -> Path:
    """Make a bundle by its manifest alone; its other files are another's, but for pictures.

    Args:
        like: A sealed bundle whose files it shares.
        outcome: What it came to, or for a dry run would have.
        edit: Changes the manifest before it is sealed.
    """
    body = manifest_of(like)
    stamp = words.stamp(at)
    dry = mode == "dry run"
    body.update(
        word=word,
        stamp=stamp,
        run_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{word}/{stamp}")),
        previous=None,
        mode=mode,
        outcome="SIMULATED" if dry else outcome,
        would_be=outcome if dry else None,
        window={
            "started_at": ledger.write_moment(at),
            "ended_at": ledger.write_moment(at + timedelta(seconds=took_s)),
        },
        staging=mode == "live",
        taints=["a twin"] if dry else [],
        systems=systems(claimed="simulated", provenance="simulated", identity={})
        if dry
        else systems(**({"demanded": "staging"} if mode == "local" else {})),
        pinned=not dry,
        absent=[],
        source={"commit": "a" * 40, "dirty": False},
        signed_by=signer.public_key.keyid if signer is not None else None,
    )
    rulings = {"FAILED": "broke", "BLOCKED": "not established", "INTERRUPTED": None}
    body["guardrails"][0]["ruling"] = rulings.get(outcome, "held")
    first = body["guardrails"][0]["id"]
    body["reasons"] = [] if outcome == "PASSED" else [f"{first} is why it {outcome}"]
    body.update(changes)
    edit(body)
    interrupted = ".interrupted" if outcome == "INTERRUPTED" else ""
    folder = root / word / f"{stamp}{interrupted}"
    folder.mkdir(parents=True)
    for each in body["artefacts"]:
        target = folder / each["path"]
        target.parent.mkdir(exist_ok=True)
        if target.suffix == ".png":
            # One more name of a file changes its marks, and the board looks at those of pictures.
            shutil.copyfile(like / each["path"], target)
        else:
            os.link(like / each["path"], target)
    write(folder, body, signer)
    return folder


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle, to change."""
    body: dict[str, Any] = canonical.read((folder / layout.MANIFEST).read_bytes())
    return copy.deepcopy(body)


def write(folder: Path, body: dict[str, Any], signer: CryptoSigner | None = None) -> None:
    """Write manifest, sums and attestation so that they agree."""
    data = canonical.pretty(body)
    digest = hashlib.sha256(data).hexdigest()
    sums = {each["path"]: each["sha256"] for each in body["artefacts"]}
    listed = sealing.sums_text({**sums, layout.MANIFEST: digest})
    (folder / layout.MANIFEST).write_bytes(data)
    (folder / layout.SUMS).write_bytes(listed)
    if signer is not None:
        stated = attestation.statement(
            body, manifest_sha256=digest, sums_sha256=hashlib.sha256(listed).hexdigest()
        )
        (folder / layout.ATTESTATION).write_bytes(attestation.sign(stated, signer))


def trust(signer: CryptoSigner, *, live: bool = True) -> TrustedKey:
    """Vouch for a key."""
    return TrustedKey(name="QA laptop", key=signer.public_key, signs_live=live)
