"""Self-tests of who signs and who is trusted: from settings to keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.records.systems import Mode
from fixtures.core.settings import Settings
from fixtures.evidence import keys
from fixtures.procedures import signing


def told(known: Settings, **changes: Any) -> Settings:
    return Settings(**{**known.model_dump(exclude_unset=True), **changes})


def test_the_live_key_signs_live_bundles_only(known: Settings, tmp_path: Path) -> None:
    """In any other run it is not even read: a broken one goes unnoticed there."""
    live, dry = keys.new(tmp_path / "live"), keys.new(tmp_path / "dry")
    both = told(known, signing_key=str(live.private), dry_run_signing_key=str(dry.private))
    signers = {mode: signing.signer_of(both, mode) for mode in Mode}
    ids = {mode: each.public_key.keyid for mode, each in signers.items() if each is not None}
    assert ids == {Mode.LIVE: live.keyid, Mode.LOCAL: dry.keyid, Mode.DRY_RUN: dry.keyid}
    live.private.write_bytes(b"")
    assert signing.signer_of(both, Mode.DRY_RUN) is not None
    signing.refuse_unsignable(both, staging=False)
    with pytest.raises(errors.KeyUnusable):
        signing.refuse_unsignable(both, staging=True)


def test_without_a_key_nobody_signs(known: Settings) -> None:
    """Unless a signature is required: then a live run is refused before anything is started."""
    assert signing.signer_of(known, Mode.LIVE) is None
    signing.refuse_unsignable(known, staging=True)
    strict = told(known, require_signature=True)
    signing.refuse_unsignable(strict, staging=False)
    with pytest.raises(errors.PrerequisitesMissing, match="require_signature"):
        signing.refuse_unsignable(strict, staging=True)


def test_trusted_keys_of_settings_and_by_hand(known: Settings, tmp_path: Path) -> None:
    """Each with what it may sign; a file given by hand is trusted for either kind."""
    pair, other = keys.new(tmp_path / "one"), keys.new(tmp_path / "two")
    table = {"name": "CI", "public_key": pair.public.read_text(), "signs": "dry run"}
    found = signing.trusted(told(known, trusted_keys=[table]), [str(other.public)])
    said = [(each.name, each.key.keyid, each.signs_live) for each in found]
    assert said == [
        ("CI", pair.keyid, False),
        (str(other.public), other.keyid, True),
        (str(other.public), other.keyid, False),
    ]
    assert signing.trusted(None) == ()


def test_a_trusted_key_that_is_none_is_refused(known: Settings) -> None:
    """A typing error in the settings must not end in `nobody is trusted`."""
    table = {"name": "CI", "public_key": "ssh-ed25519 AAAA"}
    with pytest.raises(errors.KeyUnusable, match="trusted key CI"):
        signing.trusted(told(known, trusted_keys=[table]))
