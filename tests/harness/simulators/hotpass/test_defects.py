"""Every measured defect: the promise by default, the broken one with its switch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from fixtures.simulators.hotpass import BANNER
from fixtures.simulators.hotpass.defects import DEFECTS

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench

Probe = Callable[["Bench", str], object]


@dataclass(frozen=True, slots=True)
class Case:
    """What to look at, what is seen without the switch, and what with it."""

    probe: Probe
    promised: object
    measured: object


def bare(bench: Bench, defect: str) -> object:
    outcome = bench.run(defects=defect)
    return outcome.code, "'Namespace' object has no attribute 'input_dir'" in outcome.err


def key_at_the_top(bench: Bench, defect: str) -> object:
    body = {"id": "b", "name": "b", "flow": "m:f", "concurrency_limit": 3, "concurrency_key": "k"}
    Path("tops").mkdir(exist_ok=True)
    Path("tops/b.json").write_text(json.dumps(body))
    argv = ("deploy", "--manifest-dir", "tops", "--log-format", "json")
    return bench.run(*argv, defects=defect).events["deploy.concurrency"]["concurrency_key"]


def concurrency_read(bench: Bench, defect: str) -> object:
    deploy = bench.run("deploy", "--flow", "backfill", "--log-format", "json", defects=defect)
    qa = bench.run("qa", "ta", "--log-format", "json", defects=defect)
    return "deploy.concurrency" in deploy.events, qa.events["qa.completed"]["summary"]["total"]


def manifest_that_wins(bench: Bench, defect: str) -> object:
    outcome = bench.run("deploy", "--flow", "backfill", "--log-format", "json", defects=defect)
    return outcome.events["deploy.concurrency"]["manifest"]


def dry_run(bench: Bench, defect: str) -> object:
    return bench.run("deploy", "--dry-run", "--no-upload", defects=defect).code


def deploy_with_runtime(bench: Bench, defect: str) -> object:
    bench.monkeypatch.setenv("HOTPASS_ENABLE_PREFECT_RUNTIME", "1")
    outcome = bench.run("deploy", "--flow", "backfill", defects=defect)
    return outcome.code, "Error: Either an image or remote storage" in outcome.err


def deploy_nothing(bench: Bench, defect: str) -> object:
    absent = bench.run("deploy", "--manifest-dir", "absent", defects=defect)
    unknown = bench.run("deploy", "--flow", "unknown", defects=defect)
    return absent.code, unknown.code, "No deployments matched" in absent.out


def deploy_without_runtime(bench: Bench, defect: str) -> object:
    outcome = bench.run("deploy", "--flow", "backfill", defects=defect)
    return outcome.code, "Error: 'function' object has no attribute 'name'" in outcome.err


def provenance(bench: Bench, defect: str) -> object:
    assert bench.run("refine").code == 0
    seen: list[object] = []
    for network in ("true", "false"):
        argv = ("enrich", "--input", "dist/refined.xlsx", "--output", f"{network}.xlsx")
        assert bench.run(*argv, f"--allow-network={network}", defects=defect).code == 0
        header, row, *_ = openpyxl.load_workbook(f"{network}.xlsx")["Data"].iter_rows(
            values_only=True
        )
        cells = dict(zip(header, row, strict=True))
        seen.append((cells["provenance_source"], cells["provenance_network_status"]))
    return seen


def loaded_profile(bench: Bench, defect: str) -> object:
    assert bench.run("refine").code == 0
    argv = ("enrich", "--input", "dist/refined.xlsx", "--output", "o.xlsx")
    return bench.run(*argv, "--profile", "aviation", defects=defect).out.splitlines()[0]


def enrich_nothing(bench: Bench, defect: str) -> object:
    outcome = bench.run("enrich", "--input", "absent.xlsx", "--output", "o.xlsx", defects=defect)
    wanted = "TypeError: Console.print() got an unexpected keyword argument 'file'"
    return outcome.code, wanted in outcome.err


def facet_schemas(bench: Bench, defect: str) -> object:
    bench.run("refine", defects=defect)
    facets = [
        event[part]["facets"]["hotpass"] for event in bench.received for part in ("run", "job")
    ]
    return {"_schemaURL" in facet for facet in facets}


def reason_of_failure(bench: Bench, defect: str) -> object:
    Path("data/zz.xlsx").write_bytes(b"no zip file")
    bench.run("refine", defects=defect)
    last = bench.received[-1]
    return last["eventType"], "errorMessage" in last["run"]["facets"]


def length_of_run_id(bench: Bench, defect: str) -> object:
    bench.run("refine", defects=defect)
    return {len(event["run"]["runId"]) for event in bench.received}


def events_sent(bench: Bench, defect: str) -> object:
    outcome = bench.run("refine", defects=defect)
    return outcome.code, len(bench.received), outcome.err


def overview_for_programs(bench: Bench, defect: str) -> object:
    out = bench.run("overview", "--log-format", "json", defects=defect).out
    return out[0] == "{", "╭" in out


def redaction(bench: Bench, defect: str) -> object:
    outcome = bench.run("refine", defects=defect)
    return "PII redaction unavailable; returning original dataframe" in outcome.err


def progress(bench: Bench, defect: str) -> object:
    refine = bench.run("refine", defects=defect)
    qa = bench.run("qa", "data-quality", defects=defect)
    return ["\rCalculating Metrics: 100%" in outcome.err for outcome in (refine, qa)]


def documented_qa_options(bench: Bench, defect: str) -> object:
    output = bench.run("qa", "profiles", "--output", "qa.json", defects=defect)
    profile = bench.run("qa", "profiles", "--prefect-profile", "staging", defects=defect)
    return output.code, profile.code, Path("qa.json").exists()


def length_of_checksum(bench: Bench, defect: str) -> object:
    bench.run("refine", "--archive", "--dist-dir", "a", defects=defect)
    with zipfile.ZipFile(next(Path("a").iterdir())) as packed:
        return len(packed.read("SHA256SUMS").split()[0])


def profile_staging(bench: Bench, defect: str) -> object:
    outcome = bench.run("refine", "--profile", "staging", defects=defect)
    return outcome.code, "Error: Profile 'staging' could not be found\n" in outcome.err


def broken_words(bench: Bench, defect: str) -> object:
    outcome = bench.run("refine", "--output-path", f"{'y' * 90}.xlsx", defects=defect)
    return f"{'y' * 90}.xlsx" in outcome.out


WITH = ("network_enrichment", "enabled")
WITHOUT = ("deterministic", "disabled")
WRONG = [("original", "enabled"), ("network_enrichment", "skipped: network disabled")]

CASES = {
    "bare-traceback": Case(bare, (1, False), (1, True)),
    "concurrency-key-dropped": Case(key_at_the_top, "k", None),
    "concurrency-unread": Case(concurrency_read, (True, 6), (False, 5)),
    "deeper-manifest-wins": Case(
        manifest_that_wins, "prefect/backfill.yaml", "prefect/deployments/hotpass-backfill.yaml"
    ),
    "deploy-lacks-dry-run": Case(dry_run, 0, 2),
    "deploy-needs-image": Case(deploy_with_runtime, (0, False), (1, True)),
    "deploy-nothing-succeeds": Case(deploy_nothing, (1, 1, False), (0, 0, True)),
    "deploy-undecorated": Case(deploy_without_runtime, (0, False), (1, True)),
    "enrich-provenance-misleads": Case(provenance, [WITH, WITHOUT], WRONG),
    "enrich-says-generic": Case(
        loaded_profile, "Loaded profile: Aviation", "Loaded profile: Generic Business"
    ),
    "enrich-traceback": Case(enrich_nothing, (1, False), (1, True)),
    "facet-without-schema": Case(facet_schemas, {True}, {False}),
    "fail-without-reason": Case(reason_of_failure, ("FAIL", True), ("FAIL", False)),
    "hex-run-id": Case(length_of_run_id, {36}, {32}),
    "no-openlineage": Case(events_sent, (0, 2, f"{BANNER}\n"), (0, 0, f"{BANNER}\n")),
    "overview-has-no-json": Case(overview_for_programs, (True, False), (False, True)),
    "pii-unredacted": Case(redaction, promised=False, measured=True),
    "progress-on-stderr": Case(progress, [False, False], [True, True]),
    "qa-lacks-options": Case(documented_qa_options, (0, 0, True), (2, 2, False)),
    "short-checksums": Case(length_of_checksum, 64, 12),
    "staging-unknown": Case(profile_staging, (0, False), (2, True)),
    "wrapped-output": Case(broken_words, promised=True, measured=False),
}


@pytest.mark.parametrize("name", CASES)
def test_promise_holds_by_default(bench: Bench, name: str) -> None:
    """Without the switch the command does what the run-book promises."""
    assert CASES[name].probe(bench, "") == CASES[name].promised


@pytest.mark.parametrize("name", CASES)
def test_switch_brings_the_defect(bench: Bench, name: str) -> None:
    """With it, and with it alone, the command does what was measured."""
    assert CASES[name].probe(bench, name) == CASES[name].measured


def test_every_defect_is_exercised() -> None:
    """A row of the table without a case would be a claim nobody checks."""
    assert CASES.keys() == DEFECTS.keys()
