"""A small project whose one rehearsal is fed by hand: the plugins under test, without systems."""

from __future__ import annotations

import ast
import functools
import gc
import importlib.metadata
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import jsonschema
import PIL.PngImagePlugin
import pytest
import pytest_html.plugin
from _pytest._code import code, source

from fixtures.clients import hotpass
from fixtures.core import taint
from fixtures.drawing import report
from fixtures.evidence import bundle, ledger
from fixtures.evidence.summary import Summary, fold
from fixtures.guardrails import marquez
from fixtures.procedures import afterwards

ROOT = Path(__file__).parents[3]
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")
"""Plugins the inner sessions do without: importing them anew takes longer than all else."""
KEPT = (
    *(PIL.PngImagePlugin, filelock, jsonschema),
    *(afterwards, bundle, hotpass, marquez, report),
)
"""An inner session forgets what only it has imported: these would be read anew by each.

The report's templates too, which take as long to compile as all the rest of a session.
"""
FED = (Path(__file__).parent / "fed_rehearsal.py.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Project:
    """The inner project: run it, then look at what lies below its evidence root."""

    pytester: pytest.Pytester

    @property
    def evidence(self) -> Path:
        """Where its bundles go."""
        return self.pytester.path / "dist" / "staging"

    def rehearsal(self, *more: str, seen: str = "") -> None:
        """Write the rehearsal module: seven guardrails that hold, and what a test adds to it.

        Args:
            seen: Lines that spoil the payloads in ``seen``, a dict.
        """
        body = FED.replace("    # spoilt here\n", "".join(f"    {line}\n" for line in [seen]))
        module = self.pytester.path / "tests" / "rehearsals" / "test_marquez.py"
        module.write_text("\n".join([body, *more]), encoding="utf-8")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest inside this process."""
        # The outer session may have collected the real rehearsal, whose module has the same name:
        # the inner one would be handed that. What is imported meanwhile is forgotten afterwards.
        for name in [each for each in sys.modules if each.startswith("tests.rehearsals")]:
            del sys.modules[name]
        # Ctrl-C in the inner session is not ours.
        return self.pytester.runpytest_inprocess(*WITHOUT, *arguments, no_reraise_ctrlc=True)

    def fork(self, *arguments: str) -> int:
        """Run pytest in a fork of this process, which signals may end; how it ended."""
        child = os.fork()
        if child == 0:
            code = int(pytest.ExitCode.INTERNAL_ERROR)
            try:
                code = int(self.run(*arguments).ret)
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def spawn(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*WITHOUT, *arguments)

    def bundles(self, root: str = "staging") -> list[Path]:
        """Every evidence directory, whatever its state, oldest first."""
        return sorted((self.pytester.path / "dist" / root / "marquez").glob("*Z*"))

    def summary(self, root: str = "staging") -> Summary:
        """What the only bundle's ledger adds up to."""
        (bundle,) = self.bundles(root)
        return fold(ledger.read(bundle / "ledger.jsonl"))


class Read(importlib.metadata.Distribution):
    """An installed distribution whose files are read once."""

    def __init__(self, of: importlib.metadata.Distribution) -> None:
        self._of = of

    metadata = functools.cached_property(lambda self: self._of.metadata)
    entry_points = functools.cached_property(lambda self: self._of.entry_points)
    files = functools.cached_property(lambda self: self._of.files)

    def read_text(self, filename: str) -> str | None:
        """As the distribution has it."""
        return self._of.read_text(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        """As the distribution has it."""
        return self._of.locate_file(path)


@functools.cache
def with_plugins() -> tuple[Read, ...]:
    """The installed distributions that have plugins of pytest's."""
    everyone = map(Read, importlib.metadata.distributions())
    return tuple(each for each in everyone if each.entry_points.select(group="pytest11"))


@functools.cache
def tree_of(text: str) -> ast.AST:
    """A source file, parsed once: each traceback of each session shows the same few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def statement(
    lineno: int, within: source.Source, assertion: bool = False, astnode: ast.AST | None = None
) -> tuple[ast.AST, int, int]:
    """The lines of a statement, as pytest finds them."""
    tree = astnode or tree_of(str(within))
    return source.getstatementrange_ast(lineno, within, assertion, tree)


read_template = functools.cache(pytest_html.plugin._read_template)
frozen = functools.cache(gc.get_freeze_count)
"""The outer session's, which does not change: Python counts a million objects each time."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner sessions do not read anew what none of them changes.

    What every installed package offers, which pytest asks for when it starts and for each version
    of its header; the sources that tracebacks show, and the page of pytest-html.
    """
    found = with_plugins()
    monkeypatch.setattr(importlib.metadata, "distributions", lambda **_: found)
    monkeypatch.setattr(gc, "get_freeze_count", frozen)
    monkeypatch.setattr(code, "getstatementrange_ast", statement)
    monkeypatch.setattr(
        pytest_html.plugin, "_read_template", lambda paths: read_template(tuple(paths))
    )


@dataclass(frozen=True)
class Seen:
    """A session that was played once, for all who only look at what it left."""

    project: Project
    result: pytest.RunResult


_SEEN: dict[Path, Seen] = {}


@pytest.fixture
def held(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A dry run in which all held, with the user's own reports; nobody may change it."""
    session = tmp_path_factory.getbasetemp()
    if session not in _SEEN:
        reports = ("--junitxml=out/junit.xml", "--html=out/page.html")
        _SEEN[session] = Seen(project, project.run("-m", "marquez", *reports))
    return _SEEN[session]


@pytest.fixture
def project(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    signals_as_before: None,
    quick: None,
) -> Iterator[Project]:
    """Project of its own with our plugins and one rehearsal fed by hand."""
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, pytester.path / name)
    (pytester.path / "tests" / "rehearsals").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("REHEARSAL_BROWSER", "none")
    monkeypatch.delenv("CI", raising=False)
    # Simulators of earlier tests taint this process, and a live session in it forbids them, each
    # to the process's end: neither is to reach beyond the test.
    monkeypatch.setattr(taint, "_marks", [])
    monkeypatch.setattr(taint, "_forbidden", False)
    made = Project(pytester)
    made.rehearsal()
    before = taint.marks()
    yield made
    assert taint.marks() == before, "a fed rehearsal constructs no simulator"
