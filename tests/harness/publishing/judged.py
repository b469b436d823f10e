"""Verifying copies of one bundle again and again, without judging the same bytes each time.

Covers: whether an artefact counts, remembered by its bytes.
Not here: that it is judged rightly (``harness/evidence/test_contract.py``).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import contract
from fixtures.evidence.layout import Artefact

_JUDGED: dict[tuple[str, ...], str | None] = {}


def once(patched: pytest.MonkeyPatch) -> None:
    """Judge the same bytes by the same rule once, where a bundle is verified again and again.

    Whether an artefact counts is a pure function of its name and bytes, and takes most of the
    time of a verification; what changes is judged, and all else of it is done each time.
    """
    counted, fits = contract.why_not_counted, contract.trouble_with

    def why_not_counted(path: Path, entry: Artefact | None) -> str | None:
        if not path.is_file():
            return counted(path, entry)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        key = ("artefact", path.name, repr(entry), digest)
        if key not in _JUDGED:
            _JUDGED[key] = counted(path, entry)
        return _JUDGED[key]

    def trouble_with(value: Any, schema: str) -> str | None:
        key = ("value", schema, repr(value))
        if key not in _JUDGED:
            _JUDGED[key] = fits(value, schema)
        return _JUDGED[key]

    patched.setattr(contract, "why_not_counted", why_not_counted)
    patched.setattr(contract, "trouble_with", trouble_with)
