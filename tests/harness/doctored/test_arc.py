"""Doctored payloads of an ARC rehearsal, and exactly the guardrails that do not hold over each.

Covers: every folder of ``tests/doctored/arc``: edits over ``good_holds``, read back as evidence is
and judged by the registry; what each must break stands in ``fixtures/guardrails/seeded_arc.json``.
Not here: whole runs against the twins' faults (``harness/procedures/test_arc_faults.py``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from fixtures.core.verdict import Ruling, Verdict
from fixtures.evidence import canonical, contract
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import arc_saved
from fixtures.simulators.cluster import patches

FOLDERS = Path(__file__).parents[2] / "doctored" / "arc"
GOOD = FOLDERS / "good_holds"
PAYLOADS = {
    "lifecycle.json": "arc-lifecycle",
    "preflight.json": "arc-preflight",
    "identity.json": "arc-identity",
}
ALL = sorted(path.name for path in FOLDERS.iterdir() if path.is_dir())
NEVER_ALONE = {"arc.watch-unbroken"}
"""With a gap in the watch, what rests on an order is not established: that is the point of it."""
REGISTRY = REGISTRIES["arc"]


def judged(name: str, evidence: Path) -> tuple[Verdict, ...]:
    """Lay a folder's edits over the good payloads, read them back and judge all of it."""
    evidence.mkdir()
    for file in PAYLOADS:
        body = canonical.read((GOOD / file).read_bytes())
        edits = edits_of(name).get(file, [])
        (evidence / file).write_bytes(canonical.payload(patches.apply(body, edits)))
    return REGISTRY.judge_all(arc_saved.seen_in(evidence), steps_run=frozenset())


def edits_of(name: str) -> dict[str, list[dict[str, object]]]:
    """Payload to JSON patch; nothing for the good one."""
    path = FOLDERS / name / "edits.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


@pytest.mark.parametrize("name", ALL)
def test_exactly_these_do_not_hold(name: str, tmp_path: Path) -> None:
    """The guardrails its row names do not hold, with these rulings, and all others do."""
    verdicts = judged(name, tmp_path / "evidence")
    stories = "\n".join(each.story for each in verdicts if not each)
    expected = seeded.expected("arc", "payloads")[name].not_held
    assert {each.guardrail: each.ruling for each in verdicts if not each} == expected, stories


@pytest.mark.parametrize("name", ALL)
def test_edits_leave_valid_payloads(name: str, tmp_path: Path) -> None:
    """A payload that breaks its schema would never come to be judged."""
    judged(name, tmp_path / "evidence")
    for file, schema in PAYLOADS.items():
        body = canonical.read((tmp_path / "evidence" / file).read_bytes())
        assert contract.trouble_with(body, schema) is None


@pytest.mark.parametrize("name", ALL)
def test_name_says_what_it_does(name: str) -> None:
    """A folder is named for its flaw, ends in what it does, and says why in one sentence."""
    assert re.fullmatch(r"[a-z_]+_(breaks|holds)", name)
    assert name.endswith("_breaks") == bool(seeded.expected("arc", "payloads")[name].not_held)
    (why,) = (FOLDERS / name / "README.md").read_text(encoding="utf-8").splitlines()
    assert why.endswith(".")
    assert bool(edits_of(name)) == (name != GOOD.name)


def test_every_folder_has_its_row() -> None:
    """A folder without a row, or a row without a folder, proves nothing."""
    assert seeded.expected("arc", "payloads").keys() == set(ALL)


@pytest.mark.parametrize("guardrail", [each.id for each in REGISTRY])
def test_every_guardrail_breaks_in_two_folders(guardrail: str) -> None:
    """Broken once could be broken by luck; not established is not yet broken."""
    rows = seeded.expected("arc", "payloads")
    broken = [name for name in ALL if rows[name].not_held.get(guardrail) is Ruling.BROKE]
    assert len(broken) > 1


@pytest.mark.parametrize("guardrail", sorted({each.id for each in REGISTRY} - NEVER_ALONE))
def test_every_guardrail_breaks_alone(guardrail: str) -> None:
    """Some folder breaks it and nothing else: no other guardrail could stand in for it."""
    rows = seeded.expected("arc", "payloads")
    assert any(dict(rows[name].not_held) == {guardrail: Ruling.BROKE} for name in ALL)


def test_more_break_than_hold() -> None:
    """Guardrails are proved by what they catch."""
    ends = Counter(name.rpartition("_")[2] for name in ALL)
    assert ends["breaks"] > ends["holds"] > 1


def test_empty_evidence_never_holds(tmp_path: Path) -> None:
    """Without payloads nothing is established."""
    verdicts = REGISTRY.judge_all(arc_saved.seen_in(tmp_path), steps_run=frozenset())
    assert {each.ruling for each in verdicts} == {Ruling.NOT_ESTABLISHED}
