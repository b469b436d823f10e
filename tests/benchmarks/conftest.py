"""What a run of the benchmarks ends with: one table, the same as JSON, and a page with the curves.

Covers: printing and writing what ``measuring`` has gathered; below ``dist/bench``, which git
ignores.
Not here: measuring; drawing the page (``page.py``).
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from tests.benchmarks import measuring, page
from tests.benchmarks.measuring import ROOT, Row

FOLDER = ROOT / "dist" / "bench"
HEAD = ("job", "ours", "theirs", "ratio (spread)", "wanted", "against; bound")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, and write it beside its page."""
    if not measuring.ROWS:
        return
    machine = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }
    rows = [cells(row) for row in measuring.ROWS]
    terminalreporter.section("benchmarks")
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    for line in (HEAD, *rows):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminalreporter.write_line(text.rstrip())
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    body = {
        "machine": machine,
        "rows": [asdict(row) for row in measuring.ROWS],
        "curves": [asdict(curve) for curve in measuring.CURVES],
    }
    (FOLDER / f"{stamp}.json").write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    text = page.html(machine, HEAD, rows, measuring.CURVES)
    (FOLDER / f"{stamp}.html").write_text(text, encoding="utf-8")
    terminalreporter.write_line(
        f"{machine['cores']} cores, load {machine['load']} at the end; "
        f"dist/bench/{stamp}.json, dist/bench/{stamp}.html"
    )


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table, as text."""
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}{' x faster' if row.faster else ''}"
    if row.lowest is not None and row.highest is not None:
        ratio += f" ({row.lowest:.2f} to {row.highest:.2f})"
    theirs = "-" if row.theirs is None else f"{row.theirs:.4g} {row.unit}"
    beside = "; ".join(each for each in (row.against, row.bound) if each)
    return row.job, f"{row.ours:.4g} {row.unit}", theirs, ratio, row.wanted or "-", beside
