"""Checkouts to audit: real git repositories whose documents claim what was once claimed.

The facts are those of a public repository, the words our own: two rehearsals called complete
twelve days before their day, three dry runs nobody sealed, pictures of one colour.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from securesystemslib.signer import CryptoSigner

from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence.audit import Report, audit
from fixtures.evidence.audit.finding import Acceptance
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.keys import TrustedKey
from fixtures.evidence.verify import Policy
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

GIT = shutil.which("git") or "git"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE = "2025-10-31T01:19:00+00:00"
DRY_RUNS_KEPT = "2025-11-02T08:00:00+00:00"
AFTER = "2025-11-20T09:00:00+00:00"

# ruff: noqa: E501 - the rows are as wide as those of the real document
PLAN = """\
---
title: Plan of the rehearsals
summary: When, who, where.
last_updated: 2025-11-02
---

## Schedule

| Rehearsal             | Date & Time (UTC)        | Owner(s)       | Environment     | Notes |
| --------------------- | ------------------------ | -------------- | --------------- | ----- |
| Marquez lineage smoke | 2025-11-12 14:00 – 15:00 | QA (primary)   | `hotpass-staging` | Completed. Files: `dist/staging/marquez/20251112T140000Z/cli.log`, `dist/staging/marquez/20251112T140000Z/graph.png`. |
| Marquez lineage smoke | 2025-11-01 17:15 – 17:25 | QA (simulated) | `hotpass-staging` | Dry-run rehearsal captured at `dist/staging/marquez/20251101T171901Z/`. Holds `cli.log`, `graph.json` and `graph.png`. |
| Prefect backfill guardrails | 2025-11-01 17:10 – 17:20 | Platform (simulated) | `hotpass-e2e-staging` | Dry-run rehearsal captured at `dist/staging/backfill/20251101T171853Z/`. |
| ARC runner lifecycle  | 2025-11-13 16:00 – 17:30 | Platform       | `arc-staging`   | Completed. Files: `dist/staging/arc/20251113T160000Z/lifecycle.json`. |
| ARC runner lifecycle  | 2025-11-01 17:20 – 17:30 | Platform (simulated) | `arc-staging` | Dry-run rehearsal captured at `dist/staging/arc/20251101T171907Z/` (`lifecycle.json`, `sts.txt`). |

## Checklist

- **Marquez smoke**
  - Logs go to `dist/staging/marquez/{timestamp}/cli.log`.
  - Latest rehearsal evidence: `dist/staging/marquez/20251101T171901Z/`.
- **ARC lifecycle**
  - Latest rehearsal evidence: `dist/staging/arc/20251101T171907Z/`.

```bash
curl -s http://localhost:5000/api/v1/namespaces > dist/staging/marquez/20251112T140000Z/runs.json
```
"""
LOG = """\
## 2025-11-07 (branch: work, pr: n/a, actor: codex)

- [x] **Platform** — ARC sign-off.
  - notes: Evidence captured under dist/staging/arc/20251113T160000Z/.
  - checks: tests=unknown
- [x] **QA** — Preflight from end to end, logs in `dist/logs/e2e-20251107T105820Z/`.
"""

Write = Callable[[str, "str | bytes"], Path]
Commit = Callable[[str], None]
Auditor = Callable[..., Report]


@pytest.fixture(autouse=True)
def no_git_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the user's git configuration nor a hook's variables reach these tests."""
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty folder to audit; no git yet."""
    folder = tmp_path / "hotpass"
    folder.mkdir()
    return folder


@pytest.fixture
def write(checkout: Path) -> Write:
    """Writes one file of the checkout."""

    def put(name: str, content: str | bytes) -> Path:
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.fixture
def git(checkout: Path) -> Callable[..., str]:
    """Runs git in the checkout."""

    def run(*arguments: str, at: str = AFTER, **more: str) -> str:
        done = subprocess.run(
            # No housekeeping after each commit: it would be a process of its own.
            [GIT, "-c", "maintenance.auto=false", "-c", "gc.auto=0", *arguments],
            cwd=checkout,
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_SYSTEM": os.devnull,
                "GIT_AUTHOR_NAME": "Somebody",
                "GIT_AUTHOR_EMAIL": "somebody@example.org",
                "GIT_COMMITTER_NAME": "Somebody",
                "GIT_COMMITTER_EMAIL": "somebody@example.org",
                "GIT_AUTHOR_DATE": at,
                "GIT_COMMITTER_DATE": at,
                **more,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return run


@pytest.fixture
def commit(checkout: Path, git: Callable[..., str]) -> Commit:
    """Commits all there is, at a moment."""

    def made(at: str) -> None:
        if not (checkout / ".git").exists():
            git("init", "-q", "-b", "main", "--template=")
        git("add", "-A", "-f")
        git("commit", "-q", "-m", "work", at=at)

    return made


@pytest.fixture(scope="session")
def qa_key() -> CryptoSigner:
    """The key of somebody trusted."""
    return CryptoSigner(Ed25519PrivateKey.generate())


@pytest.fixture
def audited(checkout: Path, qa_key: CryptoSigner) -> Auditor:
    """Audits the checkout at a fixed present, or at the real one; trusts one key."""
    trusted = TrustedKey(name="QA laptop", key=qa_key.public_key, signs_live=True)

    def run(
        accepted: tuple[Acceptance, ...] = (),
        *,
        now: datetime | None = NOW,
        at: Path = checkout,
    ) -> Report:
        policy = Policy(trusted=(trusted,))
        return audit(at, registries=REGISTRIES, policy=policy, accepted=accepted, now=now)

    return run


@pytest.fixture
def upstream(checkout: Path, write: Write, commit: Commit) -> Path:
    """A checkout with the facts of the public one: claims before their date, dry runs unsealed."""
    plan = "docs/operations/staging-rehearsal-plan.md"
    write(plan, "".join(line for line in PLAN.splitlines(True) if "20251101T" not in line))
    write("Next_Steps_Log.md", LOG)
    commit(BEFORE)
    write(plan, PLAN)
    base = "dist/staging/"
    write(
        base + "arc/20251101T171907Z/lifecycle.json",
        json.dumps(
            {
                "timestamp_utc": "2025-11-01T17:19:07Z",
                "deployment": "hotpass-arc",
                "status": "COMPLETED",
                "pods": {"created": 2, "terminated": 2},
                "oidc": {"role": "arn:aws:iam::123456789012:role/hotpass-arc-runner"},
            },
            indent="\t",
        ),
    )
    write(
        base + "arc/20251101T171907Z/sts.txt",
        "CallerIdentity:\n  Account: 123456789012\n  UserId: EXAMPLE:github-actions\n",
    )
    write(
        base + "backfill/20251101T171853Z/metadata.json",
        json.dumps({"operator": "codex-simulated", "status": "simulated-pass", "checks": {}}),
    )
    write(base + "backfill/20251101T171853Z/hotpass-e2e-staging.log", "policy: ok\n" * 7)
    write(
        base + "backfill/20251101T171853Z/hotpass-e2e-staging.png", solid(1200, 675, (33, 61, 94))
    )
    write(base + "marquez/20251101T171901Z/cli.log", "events: START, COMPLETE\n" * 6)
    write(
        base + "marquez/20251101T171901Z/graph.json",
        json.dumps({"job": "hotpass.pipeline.bundle", "run_id": "simulated-1", "inputs": []}),
    )
    write(base + "marquez/20251101T171901Z/graph.png", solid(1280, 720, (15, 66, 95)))
    commit(DRY_RUNS_KEPT)
    return checkout


LIVE_SYSTEMS = [
    {
        "name": name,
        "provenance": "local",
        "claimed": "local",
        "identity": {"digest": f"{name}-1"},
        "detail": "",
        "demanded": "local",
        "pins": {"digest": f"{name}-1"},
    }
    for name in ("marquez", "hotpass")
]


@pytest.fixture
def seal(
    checkout: Path,
    opening: dict[str, Any],
    rehearsed: Callable[[Bundle, str], None],
    junit: bytes,
    qa_key: CryptoSigner,
) -> Callable[..., Path]:
    """Rehearses and seals a bundle below the checkout: a dry run unless said otherwise.

    A live one is signed.
    """

    def made(
        mode: Mode = Mode.DRY_RUN, first: str = "held", *, signed: bool = True, **changes: Any
    ) -> Path:
        real = {"taints": [], "systems": LIVE_SYSTEMS, "staging": mode is Mode.LIVE}
        bundle = Bundle.reserve(
            checkout / "dist" / "staging",
            word="marquez",
            mode=mode,
            redactor=Redactor(),
            registry=REGISTRIES["marquez"],
            signer=qa_key if signed and mode is Mode.LIVE else None,
            opening={**opening, **({} if mode is Mode.DRY_RUN else real), **changes},
        )
        rehearsed(bundle, first)
        return closing.close(bundle, junit=junit).folder

    return made


def solid(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(made, "PNG")
    return made.getvalue()
