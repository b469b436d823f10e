"""Self-tests of the findings about what a live run could prove."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.records.systems import Provenance
from fixtures.evidence import keys
from fixtures.procedures.preflight import proof
from fixtures.procedures.preflight.finding import Look, State


def told(look: Look, **changes: Any) -> Look:
    return replace(look, settings=look.settings.model_copy(update=changes))


def test_no_key_is_worth_a_word(look: Look) -> None:
    """Unsigned is allowed, and said to be denied by `verify --live`."""
    found = proof.signing_key(look)
    assert found.state is State.ATTENTION
    assert "rehearsal key new" in found.fix


def test_no_key_where_one_is_required(look: Look) -> None:
    """Where settings require a signature the window would be spent for nothing."""
    found = proof.signing_key(told(look, require_signature=True))
    assert found.state is State.MISSING


def test_a_key_that_signs_is_named(look: Look, tmp_path: Path) -> None:
    """By its id and its path, never by its content."""
    pair = keys.new(tmp_path)
    found = proof.signing_key(told(look, signing_key=str(pair.private)))
    assert found.state is State.READY
    assert pair.keyid[:16] in found.found
    assert str(pair.private) in found.found


@pytest.mark.parametrize("mode", [0o644, None], ids=["readable-by-others", "missing"])
def test_a_key_that_cannot_sign(look: Look, tmp_path: Path, mode: int | None) -> None:
    """Found out before the window, with the fix."""
    path = keys.new(tmp_path).private
    if mode is None:
        path.unlink()
    else:
        path.chmod(mode)
    found = proof.signing_key(told(look, signing_key=str(path)))
    assert found.state is State.MISSING
    assert found.fix


def test_what_is_not_pinned_is_named(look: Look) -> None:
    """Each system the environment demands and does not pin."""
    demanded = {"marquez": Provenance.LOCAL, "hotpass": Provenance.LOCAL}
    environment = look.environment.model_copy(update={"provenance": demanded})
    found = proof.pins(replace(look, environment=environment))
    assert found.state is State.ATTENTION
    assert "hotpass, marquez" in found.found
    facts = {"marquez": {"digest": "x"}, "hotpass": {"git commit": "y"}}
    pinned = environment.model_copy(update={"identity": facts})
    assert proof.pins(replace(look, environment=pinned)).state is State.READY
