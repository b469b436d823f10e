"""What a full E2E preflight would meet: profiles, inputs, outputs, the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.procedures import preflight
from fixtures.procedures.preflight import e2e
from fixtures.procedures.preflight.checkout import PROFILES
from fixtures.procedures.preflight.finding import Finding, Look, State, blocked
from tests.harness.procedures.preflight.conftest import Install
from tests.harness.procedures.runbook import made_up


@pytest.fixture
def look(look: Look) -> Look:
    """Dry run of the full E2E preflight."""
    return replace(look, word="e2e")


def named(look: Look, name: str) -> Finding:
    [found] = [each for each in e2e.findings(look) if each.name.startswith(name)]
    return found


def with_table(look: Look, **changes: Any) -> Look:
    words = look.settings.words
    table = words.e2e.model_copy(update=changes)
    words = words.model_copy(update={"e2e": table})
    return replace(look, settings=look.settings.model_copy(update={"words": words}))


def test_dry_run_needs_nothing(look: Look) -> None:
    """The simulated command, the synthetic inputs, and no network."""
    found = list(preflight.findings(look))
    assert {each.state for each in found} == {State.READY}
    assert preflight.would_start(look) == [
        "the simulated `hotpass` four times: overview, refine, enrich, qa all"
    ]


def test_live_without_a_checkout(look: Look) -> None:
    """One list of what is missing; nothing would start."""
    live = replace(look, staging=True)
    found = list(preflight.findings(live))
    assert blocked(found)
    assert any("--hotpass-root" in each.fix for each in found)
    assert preflight.would_start(live) == ["nothing: no Hotpass checkout is named"]


def test_live_run_of_a_checkout(look: Look, checkout: Path, install: Install) -> None:
    """The plan's profile is unknown, and stood for: amber; each command is named."""
    install("uv")
    live = replace(look, staging=True, hotpass_root=checkout)
    found = list(preflight.findings(live))
    assert not blocked(found), [each for each in found if each.state is State.MISSING]
    profile = named(live, "profile staging")
    assert profile.state is State.ATTENTION
    assert "generic would stand for it" in profile.expected
    started = preflight.would_start(live)
    assert [each.split()[3].strip("`") for each in started] == [
        "overview",
        "refine",
        "enrich",
        "qa",
    ]


def test_no_profile_would_do(look: Look, checkout: Path) -> None:
    """Neither the plan's nor the one that stands for it: the stages would be refused."""
    found = named(
        with_table(replace(look, hotpass_root=checkout), working_profile="absent"),
        "profile staging",
    )
    assert found.state is State.MISSING


def test_profiles_that_lie_elsewhere(look: Look, checkout: Path) -> None:
    """Where none is found nobody knows whether the command has them: amber, as for every word."""
    for folder in PROFILES:
        for path in (checkout / folder).glob("*.y*ml"):
            path.unlink()
    found = named(replace(look, hotpass_root=checkout), "profile staging")
    assert (found.state, found.found) == (State.ATTENTION, f"no profiles below {checkout}")


def test_dry_run_of_a_checkout_starts_what_it_says(look: Look, checkout: Path) -> None:
    """The network is off in the very command that is shown."""
    at = replace(look, hotpass_root=checkout)
    [enrich] = [each for each in preflight.would_start(at) if "hotpass enrich" in each]
    assert "--allow-network=false`" in enrich
    assert "--allow-network=true" not in enrich


@pytest.mark.parametrize(("there", "state"), [(True, State.READY), (False, State.MISSING)])
def test_inputs(look: Look, checkout: Path, tmp_path: Path, there: bool, state: State) -> None:
    """Those of the command, in the checkout, or those of the settings."""
    folder = checkout / "data" if there else tmp_path / "nowhere"
    at = replace(look, hotpass_root=checkout)
    found = named(with_table(at, input_dir=str(folder)), "input directory")
    assert (found.state, "__E2E__INPUT_DIR" in found.fix) == (state, not there)
    assert named(at, "input directory").state is State.READY


def test_pins_of_what_it_meets(look: Look, checkout: Path) -> None:
    """Its environment knows systems that a preflight never meets: nobody need pin those."""
    found = named(replace(look, staging=True, hotpass_root=checkout), "pins of")
    assert found.found.startswith("none for hotpass: ")


def test_network_is_not_tried(look: Look, checkout: Path) -> None:
    """Asking the sources would use their quota: it is said that nobody looked."""
    live = named(replace(look, staging=True, hotpass_root=checkout), "network")
    assert (live.state, "--allow-network=true" in live.found) == (State.UNSEEN, True)
    assert named(look, "network").state is State.READY


def test_lines_of_the_run_book_that_do_not_work(look: Look, checkout: Path) -> None:
    """Told by line, once for the same mistake, with what would work."""
    made_up.write(checkout, ports=False)
    [found] = [
        each
        for each in preflight.findings(replace(look, hotpass_root=checkout))
        if each.name.startswith("run-book docs/")
    ]
    assert found.state is State.ATTENTION
    assert found.name.endswith(", lines 26, 27")
    assert "runbook.patch" in found.fix
