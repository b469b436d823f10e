"""Self-tests of the one-way mark of simulation, and of what makes a mode."""

from __future__ import annotations

import pytest

from fixtures.core import errors, taint
from fixtures.core.records.systems import Mode, Provenance, System, mode_of

SIMULATED, LOCAL, STAGING = Provenance.SIMULATED, Provenance.LOCAL, Provenance.STAGING


@pytest.fixture(autouse=True)
def untainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without marks, as it was before afterwards."""
    monkeypatch.setattr(taint, "_marks", [])
    monkeypatch.setattr(taint, "_forbidden", False)


def test_marks_stay_in_order_and_once() -> None:
    """Every mark is kept once, oldest first."""
    for what in ("marquez", "hotpass", "marquez"):
        taint.mark(what)
    assert taint.marks() == ("marquez", "hotpass")


def test_a_live_run_constructs_no_simulator() -> None:
    """Once forbidden, a simulator is refused and leaves no mark."""
    taint.forbid()
    with pytest.raises(errors.SimulatorForbidden, match="simulated Marquez"):
        taint.mark("simulated Marquez")
    assert taint.marks() == ()


def system(claimed: Provenance, *, proved: bool = True) -> System:
    """A system that claims this."""
    return System(name="marquez", claimed=claimed, identity={"id": "1"} if proved else {})


def test_a_claim_without_proof_is_simulated() -> None:
    """Provenance is proved, not declared."""
    assert system(STAGING).provenance is STAGING
    assert system(STAGING, proved=False).provenance is SIMULATED


@pytest.mark.parametrize(
    ("systems", "staging", "demanded", "taints", "mode"),
    [
        pytest.param([], False, {}, [], "dry run", id="nothing"),
        pytest.param([], True, {}, [], "local", id="nothing-under-staging"),
        pytest.param([system(SIMULATED)], True, {}, [], "dry run", id="a-twin-under-staging"),
        pytest.param([system(STAGING, proved=False)], True, {}, [], "dry run", id="unproved"),
        pytest.param([system(STAGING)], True, {}, ["twin"], "dry run", id="tainted"),
        pytest.param([system(STAGING)], False, {}, [], "local", id="not-asked-for"),
        pytest.param([system(LOCAL)], True, {}, [], "local", id="nobody-demands-less"),
        pytest.param([system(LOCAL)], True, {"marquez": STAGING}, [], "local", id="too-little"),
        pytest.param([system(LOCAL)], True, {"marquez": LOCAL}, [], "live", id="as-demanded"),
        pytest.param([system(STAGING)], True, {"marquez": LOCAL}, [], "live", id="more"),
        pytest.param([system(STAGING)], True, {}, [], "live", id="staging"),
        pytest.param(
            [system(STAGING), system(LOCAL)], True, {}, [], "local", id="one-of-two-too-little"
        ),
    ],
)
def test_mode_is_computed(
    systems: list[System],
    staging: bool,
    demanded: dict[str, Provenance],
    taints: list[str],
    mode: str,
) -> None:
    """The mode follows from provenance, the option and the taints; nobody declares it."""
    assert mode_of(systems, staging=staging, demanded=demanded, taints=taints) is Mode(mode)
