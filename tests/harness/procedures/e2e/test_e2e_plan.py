"""What is changed of the plan's words before anything runs, and that each change is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.clients.hotpass import RUNBOOK_PREFIX, Hotpass
from fixtures.core.settings import Settings
from fixtures.procedures.e2e import plan as planning
from fixtures.procedures.e2e.plan import Plan
from fixtures.procedures.e2e.stack import E2eStack


def planned(
    known: Settings, folder: Path, *, tracked: bool, network: bool, **changes: str
) -> Plan:
    stack = E2eStack(
        hotpass=Hotpass(prefix=RUNBOOK_PREFIX, root=folder / "hotpass", variables={}),
        systems=(),
        scratch=folder / "scratch",
        tracked=tracked,
        network=network,
    )
    return Plan.of(known.words.e2e.model_copy(update=changes), stack)


def test_live_run_keeps_the_plans_network(known: Settings, tmp_path: Path) -> None:
    """What the plan allows is allowed, and nothing is said of it."""
    plan = planned(known, tmp_path, tracked=True, network=True)
    assert plan.network
    assert plan.commands["enrich"][-1] == "--allow-network=true"
    assert not any("network" in each for each in plan.changes)


def test_dry_run_pins_the_network_off_and_says_so(known: Settings, tmp_path: Path) -> None:
    """Also on a real checkout: without --staging nobody outside is asked."""
    plan = planned(known, tmp_path, tracked=True, network=False)
    assert not plan.network
    assert plan.commands["enrich"][-1] == "--allow-network=false"
    assert any("--allow-network=false" in each for each in plan.changes)


def test_people_stay_out_of_the_tracked_tree(known: Settings, tmp_path: Path) -> None:
    """Workbooks and archive go to one folder outside the checkout, and enrich reads from there."""
    plan = planned(known, tmp_path, tracked=True, network=True)
    refine, enrich = plan.commands["refine"], plan.commands["enrich"]
    out = str(tmp_path / "scratch" / "out")
    assert planning.value_of(refine, "--output-path") == f"{out}/refined.xlsx"
    assert planning.value_of(refine, "--dist-dir") == out
    assert planning.value_of(enrich, "--input") == f"{out}/refined.xlsx"
    assert planning.value_of(enrich, "--output") == f"{out}/enriched.xlsx"
    assert any("outside the checkout" in each for each in plan.changes)
    assert not any("dist/staging/" in word for words in plan.commands.values() for word in words)


def test_people_may_be_kept_where_somebody_says(known: Settings, tmp_path: Path) -> None:
    """A folder of their own choice outlives the rehearsal."""
    kept = str(tmp_path / "kept")
    plan = planned(known, tmp_path, tracked=True, network=True, output_dir=kept)
    assert planning.value_of(plan.commands["refine"], "--output-path") == f"{kept}/refined.xlsx"


def test_made_up_checkout_is_left_to_the_plans_words(known: Settings, tmp_path: Path) -> None:
    """It goes away by itself: nothing of the plan's paths needs to change."""
    plan = planned(known, tmp_path, tracked=False, network=True)
    assert plan.commands == {
        name: known.words.e2e.commands[name] for name in ("overview", "refine", "enrich", "qa")
    }
    assert plan.changes == ()


def test_another_input_is_told(known: Settings, tmp_path: Path) -> None:
    """The directory of this rehearsal stands in for the plan's."""
    plan = planned(known, tmp_path, tracked=False, network=True, input_dir=str(tmp_path / "two"))
    assert planning.value_of(plan.commands["refine"], "--input-dir") == str(tmp_path / "two")
    assert any("--input-dir" in each for each in plan.changes)


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (("enrich", "--allow-network=true"), True),
        (("enrich", "--allow-network", "Yes"), True),
        (("enrich", "--allow-network=1"), True),
        (("enrich", "--allow-network=false"), False),
        (("enrich", "--allow-network"), False),
        (("enrich",), False),
        (("enrich", "--allow-network=true", "--allow-network=false"), False),
    ],
)
def test_network_forbidden_whatever_was_said(argv: tuple[str, ...], allowed: bool) -> None:
    """However it is written, pinning it off leaves one flag, and that says no."""
    assert planning.allows_network(argv) is allowed
    pinned = planning.without_network(argv)
    assert not planning.allows_network(pinned)
    assert [word for word in pinned if "network" in word] == ["--allow-network=false"]
