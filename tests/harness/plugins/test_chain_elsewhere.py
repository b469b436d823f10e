"""A live run continues the chain that the bucket has; no other run asks it anything."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.core import errors, settings, taint
from fixtures.evidence import canonical, layout
from fixtures.plugins import evidence
from fixtures.publishing import bucket
from tests.harness.plugins.conftest import ROOT
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing.bucket_stage import Kept

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

LIVE = ("-m", "marquez", "--staging", "-p", "no:html")
SYSTEMS = """
import types

from fixtures.core.records.systems import Provenance, System


@pytest.fixture(scope="module")
def surroundings():
    systems = tuple(
        System(name=name, claimed=Provenance.LOCAL, identity={"digest": name})
        for name in ("marquez", "hotpass")
    )
    return Surroundings(types.SimpleNamespace(systems=systems))
"""
"""Systems that prove to be what the environment demands; everything else is fed by hand."""


@pytest.fixture(autouse=True)
def untainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other self-tests of this process construct simulators, and go on doing so afterwards."""
    monkeypatch.setattr(taint, "_marks", [])
    # A live session inside this one forbids them for good.
    monkeypatch.setattr(taint, "_forbidden", False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the buckets that were opened."""
    monkeypatch.setenv("REHEARSAL_PUBLISHING__BUCKET__NAME", stage.BUCKET)
    monkeypatch.setenv("REHEARSAL_FOLLOW_UP", "never")
    return []


def opens(monkeypatch: pytest.MonkeyPatch, asked: list[str], found: Any) -> None:
    def open_bucket(table: Any) -> Any:
        asked.append(table.name)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(bucket, "open_bucket", open_bucket)


def sealed(project: Project) -> Any:
    (folder,) = project.bundles()
    return canonical.read((folder / layout.MANIFEST).read_bytes())


def said(manifest: Any) -> list[str]:
    return [each["value"] for each in manifest["facts"] or () if each["name"] == "chain"]


def test_a_live_run_continues_what_was_published(
    project: Project, monkeypatch: pytest.MonkeyPatch, asked: list[str], tmp_path: Path
) -> None:
    """By another machine: nothing lies here, and the chain goes on all the same."""
    kept = Kept()
    first = stage.sealed(tmp_path, now=datetime(2026, 3, 1, tzinfo=UTC))
    data = (first / layout.MANIFEST).read_bytes()
    kept.have(f"marquez/{first.name}/{layout.MANIFEST}", data)
    opens(monkeypatch, asked, kept)
    project.rehearsal(SYSTEMS)
    result = project.run(*LIVE)
    assert result.ret == pytest.ExitCode.OK
    manifest = sealed(project)
    assert manifest["mode"] == "live"
    assert manifest["previous"]["stamp"] == first.name
    assert said(manifest) == [f"the last one in s3://evidence/ is {first.name}"]


def test_a_bucket_that_cannot_be_asked_changes_no_outcome(
    project: Project, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """It is recorded, with its code; the chain begins anew, as it would without a bucket."""
    opens(monkeypatch, asked, errors.SystemUnreachable("no route", hint="Mend it."))
    project.rehearsal(SYSTEMS)
    assert project.run(*LIVE).ret == pytest.ExitCode.OK
    manifest = sealed(project)
    assert (manifest["outcome"], manifest["previous"]) == ("PASSED", None)
    assert said(manifest) == ["s3://evidence/ not asked: [system-unreachable] no route"]
    (report,) = (each / "report.html" for each in project.bundles())
    assert "[system-unreachable] no route" in report.read_text()


@pytest.mark.parametrize(
    ("arguments", "root", "mode"),
    [
        pytest.param(["-m", "marquez", "-p", "no:html"], "staging", "dry run", id="dry"),
        pytest.param([*LIVE, "-k", "run_completed"], "scratch", "live", id="narrowed"),
    ],
)
def test_nobody_else_asks(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    asked: list[str],
    arguments: list[str],
    root: str,
    mode: str,
) -> None:
    """A dry run never does, nor one that never counts."""
    opens(monkeypatch, asked, Kept())
    if "--staging" in arguments:
        project.rehearsal(SYSTEMS)
    project.run(*arguments)
    opened = project.summary(root).opened
    assert (opened["mode"], opened["previous"]) == (mode, None)
    assert asked == []


def test_without_a_bucket_nothing_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """None is configured: not even what would ask it."""
    monkeypatch.delenv("REHEARSAL_PUBLISHING__BUCKET__NAME", raising=False)
    monkeypatch.setitem(sys.modules, "fixtures.publishing.bucket_chain", None)
    known = settings.load(ROOT / "pyproject.toml")
    none = evidence._asked_elsewhere(known, tmp_path, mode="live", environment="hotpass-staging")
    assert none is None
