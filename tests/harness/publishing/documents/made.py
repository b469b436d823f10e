"""Documents as the checkout has them, in our own words, and rehearsals to write into them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.evidence.sign_offs import Answer
from fixtures.publishing.documents.facts import Facts
from fixtures.publishing.documents.page import Page

TODAY = date(2026, 11, 22)
BEGAN = datetime(2026, 11, 12, 14, 5, 7, tzinfo=UTC)
RUN = "3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10"
FOLDER = "dist/staging/marquez/20261112T140507Z"

# ruff: noqa: E501 - the rows are as wide as those of the real document
PLAN = """\
---
title: Plan of the rehearsals
summary: When, who, where.
last_updated: 2026-11-02
---

## Overview

1. **Marquez lineage smoke test** — what it is for.

## Schedule

| Rehearsal             | Date & Time (UTC)        | Owner(s)                            | Environment             | Notes             |
| --------------------- | ------------------------ | ----------------------------------- | ----------------------- | ----------------- |
| Marquez lineage smoke | 2026-11-12 14:00 – 15:00 | QA (primary), Engineering (support) | `hotpass-staging`       | Scheduled.        |
| Marquez lineage smoke | 2026-11-01 17:15 – 17:25 | QA (simulated)                      | `hotpass-staging`       | Dry-run rehearsal captured at `dist/staging/marquez/20261101T171901Z/`. Holds `cli.log`. |
| ARC runner lifecycle  | 2026-11-13 16:00 – 17:30 | Platform (primary), QA (observer)   | `arc-staging` namespace | Bring the token.    |

## Artefact Checklist

- **Marquez smoke**
  - Logs go to `dist/staging/marquez/{timestamp}/cli.log`.
  - Latest rehearsal evidence: `dist/staging/marquez/20261101T171901Z/` (dry run).
- **ARC lifecycle**
  - Latest rehearsal evidence: none yet.
- **Prefect backfill guardrails**
  - Log and picture go to `dist/staging/backfill/{timestamp}/`.

## Evidence layout (per rehearsal)

| Rehearsal | Directory | Required files |
|-----------|-----------|----------------|
| Marquez lineage smoke | `dist/staging/marquez/{timestamp}/` | `cli.log`, `graph.png` |

## Pending Rehearsals (Awaiting Access)

### Prefect Backfill Guardrails

1. Deploy:
   ```bash
   uv run hotpass deploy > dist/staging/backfill/20261101T171901Z/prefect.log
   ```

### Full E2E Preflight

1. Run all of it.
"""
STEPS = """\
# Steps of the operators

## Priorities of the page

- [ ] **Platform** — Validate Prefect backfill deployment guardrails in staging.
- [ ] **Platform & QA** — Capture staging evidence for Prefect backfill guardrails and ARC runner sign-off once access returns.
- [ ] Schedule Marquez lineage smoke against `observability/marquez-bootstrap` follow-up once the
  optional dependencies land (target 2026-11-29).
  - **Progress:** waiting.
• [ ] **QA** — Execute full E2E runs with the registry.
  • **Progress:** waiting.
- [ ] **Docs** — Describe how the Marquez lineage smoke is read.

```markdown
- [ ] Schedule Marquez lineage smoke in a fence
```
"""
LOG = """\
## 2026-11-07 (branch: work, pr: n/a, actor: somebody)

- [x] **QA** — Tidied up.
  - notes: none
  - checks: tests=unknown, lint=unknown, type=unknown, sec=unknown, build=unknown
"""
FLAT_LOG = """\
# Next Steps Log

_Updated 2026-11-03_

## Tasks

- [x] **2026-11-03 · Engineering & Platform** — Tidied up.
- [x] **2026-11-01 · QA** — Tidied up before.
"""
RUNNERS = """\
---
title: Runners
last_updated: 2026-01-01
---

## Steps

Do it.
"""


def a_run(**changed: Any) -> Facts:
    """A live lineage smoke that passed and that nobody has reviewed."""
    began = changed.pop("started_at", BEGAN)
    told: dict[str, Any] = {
        "word": "marquez",
        "run_id": RUN,
        "stamp": f"{began:%Y%m%dT%H%M%SZ}",
        "mode": Mode.LIVE,
        "came_to": Outcome.PASSED,
        "why": (),
        "deviations": (),
        "environment": "hotpass-staging",
        "owners": ("QA (primary)", "Engineering (support)"),
        "started_at": began,
        "ended_at": began + timedelta(minutes=20),
        "files": ("cli.log", "graph.png"),
    }
    return Facts(**{**told, **changed})


def arc_run(**changed: Any) -> Facts:
    """A live lifecycle rehearsal."""
    return a_run(
        **{
            "word": "arc",
            "environment": "arc-staging",
            "files": ("lifecycle.json", "sts.txt"),
            "urls": ("https://github.com/org/hotpass/actions/runs/41",),
            **changed,
        }
    )


def backfill_run(**changed: Any) -> Facts:
    """A live rehearsal of the backfill guardrails."""
    told = {"word": "backfill", "environment": "hotpass-e2e-staging", "files": ("prefect.log",)}
    return a_run(**{**told, **changed})


def an_answer(
    *, accepted: bool = True, by: str = "Ada", reason: str = "", number: int = 1
) -> Answer:
    """A reviewer's answer."""
    return Answer(
        number=number,
        accepted=accepted,
        by=by,
        reason=reason,
        at=datetime(2026, 11, 20, 9, number, tzinfo=UTC),
        keyid="",
        signed_by="",
        sha256="",
    )


def page(path: str, text: str | bytes) -> Page:
    """A document taken apart."""
    return Page.of(path, text if isinstance(text, bytes) else text.encode())


def added(before: bytes, after: bytes) -> list[str]:
    """Lines that only the later version has."""
    old = before.splitlines()
    return [line.decode() for line in after.splitlines() if line not in old]


def lost(before: bytes, after: bytes) -> list[str]:
    """Lines that only the earlier version has."""
    return added(after, before)
