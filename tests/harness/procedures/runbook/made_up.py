"""A made-up Hotpass checkout: two short run-books in our own words, and what they speak of."""

from __future__ import annotations

from pathlib import Path

PLAN = "docs/operations/staging-rehearsal-plan.md"
SMOKE = "docs/operations/lineage-smoke-tests.md"

PLAN_TEXT = """\
---
title: Staging Rehearsal Plan
last_updated: 2025-11-02
---

## Prefect backfill

1. Look at the manifests before anything else:
   ```bash
   uv run hotpass deploy --flow backfill --manifest-dir prefect
   uv run hotpass qa ta
   ```
2. Trigger it:
   ```bash
   PREFECT_API_URL="https://api.prefect.cloud/api/accounts/.../workspaces/..." \\
   PREFECT_API_KEY="***" \\
   uv run prefect deployment run hotpass-backfill \\
     --params '{"pipeline": {"backfill": true}}'
   ```

## Full E2E preflight

1. Four commands:
   ```bash
   uv run hotpass overview
   uv run hotpass refine --input-dir ./data --output-path ./dist/r.xlsx --profile staging
   uv run hotpass enrich --input ./dist/r.xlsx --output ./dist/e.xlsx --profile=staging
   uv run hotpass qa all
   ```

   What comes out looks like this:
   ```json
   {"no": "command"}
   ```
"""
SMOKE_TEXT = """\
---
title: Lineage smoke test runbook
last_updated: 2025-12-03
---

## Steps

1. Start:

   ```bash
   cd deploy/docker
   docker compose up --build -d prefect marquez hotpass-web
   ```

2. Refine:

   ```bash
   export OPENLINEAGE_URL="http://localhost:5000"
   export HOTPASS_LINEAGE_NAMESPACE="hotpass.local"
   uv run hotpass refine \\
     --input-dir ./data \\
     --output-path ./dist/refined.xlsx \\
     --profile generic \\
     --archive
   ```

3. Link:

   ```bash
   uv run prefect deployment run hotpass-refinement --watch
   ```

4. Export:

   ```bash
   curl -s http://localhost:5000/api/v1/namespaces/hotpass.local/datasets \\
     > dist/staging/marquez/<timestamp>/datasets.json
   ```
"""
BACKFILL = """\
id: backfill
name: hotpass-backfill
flow: hotpass.orchestration:backfill_pipeline_flow
concurrency_limit: 2
parameters:
  runs: []
  concurrency_key: hotpass-backfill
  parameters: {pipeline: {backfill: true, since: null}}
"""
COMPOSE = """\
services:
  marquez:
    ports: ["${MARQUEZ_PORT:-5002}:5000", "127.0.0.1:5003:5001"]
"""
WORKING = {
    "deployment run hotpass-backfill ": "deployment run hotpass-backfill/hotpass-backfill ",
    '{"pipeline": {"backfill": true}}': '{"runs": []}',
    "staging\n": "generic\n",
    "run hotpass-refinement ": "run hotpass-refinement-pipeline/hotpass-refinement ",
}
"""What the run-books would say if their commands worked."""


def write(root: Path, *, working: bool = False, ports: bool = True) -> Path:
    """Write run-books, profiles, a manifest and a Compose file below a folder.

    Args:
        working: Every command of the run-books works.
        ports: The Compose file publishes other ports than the run-book names.
    """
    for name, text in ((PLAN, PLAN_TEXT), (SMOKE, SMOKE_TEXT)):
        for old, new in WORKING.items() if working else ():
            text = text.replace(old, new)
        put(root / name, text)
    for profile in ("aviation", "generic", "test"):
        put(root / f"apps/data-platform/hotpass/profiles/{profile}.yaml", "")
    put(root / "prefect/backfill.yaml", BACKFILL)
    if ports:
        put(root / "deploy/docker/docker-compose.yml", COMPOSE)
    return root


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
