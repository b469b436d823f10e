"""Self-tests of redaction on a whole bundle: nothing damaged, nothing found, nothing left."""

from __future__ import annotations

import json

from fixtures.core.redaction import Redactor
from fixtures.evidence.scan import leaks_in
from tests.harness.procedures.conftest import Staged

SECRET = "a-registered-value"


def test_a_clean_rehearsal_is_neither_masked_nor_suspected(stage: Staged) -> None:
    """No file of it holds a secret, so none is masked, and the scanner is silent."""
    played = stage.play()
    assert not played.not_held
    assert json.loads(played.text("redactions.json"))["files"] == {}
    assert leaks_in(played.sealed.folder, values=[SECRET]) == ()


def test_masking_a_bundle_again_changes_nothing(quick_stage: Staged) -> None:
    """Views are made of what was masked before; a second look must agree with the first."""
    known = Redactor()
    known.register(SECRET, name="S")
    refine = quick_stage.rehearsal.plan.refine
    quick_stage.plan(refine=(*refine, "--sensitive-field", f"token={SECRET}"))
    played = quick_stage.play()
    for path in sorted(played.sealed.folder.iterdir()):
        if path.suffix != ".png" and path.name not in ("manifest.json", "SHA256SUMS"):
            data = path.read_bytes()
            assert known.mask_bytes(data) == data, path.name
    # The argument was masked by its own name: nobody had registered it.
    assert leaks_in(played.sealed.folder, values=[SECRET]) == ()
