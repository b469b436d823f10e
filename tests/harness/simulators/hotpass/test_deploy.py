"""``hotpass deploy`` and the manifests it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench


RUN = ("deploy", "--flow", "backfill", "--manifest-dir", "prefect")
HEAD = "id: backfill\nname: hotpass-backfill\nflow: m:backfill_pipeline_flow\n"


def test_confirms_what_the_manifest_says(bench: Bench) -> None:
    """The run-book's own command: words, settings, file, and success."""
    outcome = bench.run(*RUN)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    shadow, backfill = "prefect/deployments/hotpass-backfill.yaml", "prefect/backfill.yaml"
    settings = "limit 2, key hotpass/backfill"
    assert lines[0] == "Applying Prefect deployments..."
    assert lines[1] == f"Note: {shadow} has the id of {backfill} and is not used"
    assert lines[2] == f"Concurrency of hotpass-backfill/hotpass-backfill: {settings} ({backfill})"
    assert lines[3:] == ["✓ 1 deployment(s) confirmed, 1 applied"]


def test_event_has_the_real_keys(bench: Bench) -> None:
    """Exactly those of the real event, with what was asked for."""
    options = ("--schedule", "none", "--work-pool", "p", "--name", "n", "--build-image")
    told = bench.run(*RUN, *options, "--log-format", "json").events
    (identifier,) = told["deploy.completed"].pop("deployment_ids")
    assert UUID(identifier)
    assert told["deploy.completed"] == {
        "flows": ["backfill"],
        "manifest_dir": "prefect",
        "build_image": True,
        "push_image": False,
        "deployment_name": "n",
        "schedule": None,
        "disable_schedule": True,
        "work_pool": "p",
    }
    assert told["deploy.concurrency"]["deployment"] == "hotpass-backfill/n"


def test_settings_follow_the_file(bench: Bench) -> None:
    """Another limit in the manifest is another limit in the answer: nothing is canned."""
    limits = "concurrency_limit: 7\nparameters: {concurrency_key: k}\n"
    (bench.workspace / "prefect/backfill.yaml").write_text(HEAD + limits)
    told = bench.run(*RUN, "--log-format", "json").events["deploy.concurrency"]
    assert (told["concurrency_limit"], told["concurrency_key"]) == (7, "k")
    assert told["shadowed"] == ["prefect/deployments/hotpass-backfill.yaml"]


def test_without_flow_all_are_meant(bench: Bench) -> None:
    """Every id once; a deployment without a limit is said to have none."""
    outcome = bench.run("deploy")
    assert "hotpass-refinement-pipeline/hotpass-refinement: not limited" in outcome.out
    assert "✓ 2 deployment(s) confirmed, 2 applied" in outcome.out


def test_ids_are_equal_every_time(bench: Bench) -> None:
    """They are made from names, and asking twice for one flow is asking once."""
    first, second = (
        bench.run(*argv, "--log-format", "json").events["deploy.completed"]["deployment_ids"]
        for argv in (RUN, (*RUN, "--flow", "backfill"))
    )
    assert first == second


def test_dry_run_applies_nothing(bench: Bench) -> None:
    """Confirmed, and no id."""
    told = bench.run(*RUN, "--dry-run", "--log-format", "json").events
    assert told["deploy.completed"]["deployment_ids"] == []
    assert told["deploy.concurrency"]["concurrency_limit"] == 2


def test_server_is_left_alone(bench: Bench) -> None:
    """A server that is configured is not asked, and the log says so."""
    bench.monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    outcome = bench.run(*RUN)
    assert outcome.code == 0
    assert "registers nothing there" in outcome.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("id: [", "cannot be read as a manifest", id="broken"),
        pytest.param("- id", "expected a mapping", id="no-mapping"),
        pytest.param("id: backfill\nname: n\n", "no flow", id="no-flow"),
        pytest.param(HEAD + "parameters: 1\n", "parameters must be", id="parameters"),
        pytest.param(HEAD + "concurrency_limit: two\n", "limit is 'two'", id="limit-is-a-word"),
        pytest.param(HEAD + "concurrency_limit: 0\n", "limit is 0", id="limit-is-zero"),
        pytest.param(HEAD + "concurrency_limit: true\n", "limit is True", id="limit-is-a-truth"),
        pytest.param(HEAD + "concurrency_key: k\n", "limit is None", id="key-without-limit"),
        pytest.param(
            HEAD + "concurrency_limit: 2\nparameters: {concurrency_limit: 3}\n",
            "concurrency_limit is both 2 and 3",
            id="two-limits",
        ),
    ],
)
def test_manifest_that_cannot_be_confirmed(bench: Bench, text: str, complaint: str) -> None:
    """What is no manifest, or contradicts itself, is an error and not a deployment."""
    (bench.workspace / "prefect/backfill.yaml").write_text(text)
    outcome = bench.run(*RUN, "--log-format", "json")
    assert outcome.code == 1
    assert complaint in outcome.err
    assert "deploy.completed" not in outcome.events


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        pytest.param(["--manifest-dir", "absent"], "does not exist: absent", id="no-folder"),
        pytest.param(["--manifest-dir", "data"], "No manifest for any flow", id="no-manifest"),
        pytest.param(["--flow", "x"], "No manifest for x: backfill, refinement", id="no-flow"),
    ],
)
def test_nothing_to_deploy_is_no_success(bench: Bench, argv: list[str], complaint: str) -> None:
    """Nothing deployed is said and is exit 1."""
    outcome = bench.run("deploy", *argv)
    assert outcome.code == 1
    assert complaint in outcome.err
