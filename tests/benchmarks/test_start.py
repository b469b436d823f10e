"""What our plugins cost before a single test runs."""

from __future__ import annotations

import re
import sys

import pytest

from tests.benchmarks.measuring import ROOT, Row, compare, cpu_s, tell, tell_ratio

COLLECT = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")


def plugins_off() -> list[str]:
    """Options that keep every plugin the root conftest names from loading."""
    named = re.findall(r'"(fixtures\.plugins\.\w+)"', (ROOT / "conftest.py").read_text("utf-8"))
    assert len(named) > 3, "the root conftest names the plugins"
    return [option for name in named for option in ("-p", f"no:{name}")]


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(["tests/rehearsals", "-m", "marquez"], id="one-rehearsal"),
        pytest.param([], id="everything"),
    ],
)
def test_collection_against_plugins_off(what: list[str]) -> None:
    """Collecting the same tests, with our plugins and without; to reach: at most 1.3."""
    ratio = compare([*COLLECT, *what], [*COLLECT, *plugins_off(), *what])
    print(f"\ncollect {' '.join(what) or 'everything'}: {ratio}")
    tell_ratio(
        f"collecting {' '.join(what[1:]) or 'everything'}",
        ratio,
        against="our plugins off",
        wanted="at most 1.3",
    )


def test_help_of_the_command() -> None:
    """CPU of `rehearsal --help`; to reach: under 0.3 s."""
    seconds = sorted(cpu_s([sys.executable, "-m", "fixtures.command", "--help"]) for _ in range(7))
    tell(Row(job="rehearsal --help", ours=seconds[3], unit="s CPU", wanted="under 0.3"))
    print(f"\nrehearsal --help: {seconds[3]:.2f} s CPU (median of 7)")
