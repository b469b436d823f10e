"""What a session is spared: looks for garbage among what stays, and a plugin that nobody uses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from fixtures.plugins import options

REHEARSAL, SELF_TEST = Path("tests/rehearsals/test_arc.py"), Path("tests/harness/test_words.py")


class Collector:
    """Stands in for Python's, which the session that plays this test must keep."""

    def __init__(self, *, frozen: int) -> None:
        self.frozen = frozen
        self.on = True

    def disable(self) -> None:
        """As `gc` has it."""
        self.on = False

    def enable(self) -> None:
        """As `gc` has it."""
        self.on = True

    def freeze(self) -> None:
        """Count, in place of what is frozen."""
        self.frozen += 1

    def get_freeze_count(self) -> int:
        """As `gc` has it."""
        return self.frozen


def collecting(frozen: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Collector, list[bool]]:
    """The collector after a session whose collecting failed; whether it was on meanwhile."""
    collector, cleanup = Collector(frozen=frozen), list[Callable[[], None]]()
    monkeypatch.setattr(options, "gc", collector)
    options.pytest_addoption(pytest.Parser(_ispytest=True))
    seen = [collector.on]
    session = SimpleNamespace(config=SimpleNamespace(add_cleanup=cleanup.append))
    around = options.pytest_collection(session)  # type: ignore[arg-type]
    next(around)
    with pytest.raises(SyntaxError):
        around.throw(SyntaxError())
    for each in cleanup:
        each()
    return collector, seen


def test_garbage_is_looked_for_from_the_first_test_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while modules come in; then again, whatever collecting came to, without all of those."""
    collector, seen = collecting(0, monkeypatch)
    assert (seen, collector.on, collector.frozen) == ([False], True, 2)


def test_a_session_within_another_leaves_the_collector_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is garbage by then must not stay."""
    collector, seen = collecting(7, monkeypatch)
    assert (seen, collector.on, collector.frozen) == ([True], True, 7)


@pytest.mark.parametrize(
    ("collected", "imported", "there"),
    [
        pytest.param([REHEARSAL], False, False, id="rehearsals-alone"),
        pytest.param([REHEARSAL, SELF_TEST], False, True, id="self-tests-too"),
        pytest.param([REHEARSAL], True, True, id="somebody-uses-it"),
    ],
)
def test_hypothesis_is_left_out_where_nobody_uses_it(
    collected: list[Path],
    imported: bool,
    there: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its summary would import it; wherever it may have something to say, it stays."""
    monkeypatch.delitem(sys.modules, "hypothesis", raising=False)
    if imported:
        monkeypatch.setitem(sys.modules, "hypothesis", ModuleType("hypothesis"))
    plugins = pytest.PytestPluginManager()
    plugins.register(object(), name=options.HYPOTHESIS)
    session = SimpleNamespace(
        config=SimpleNamespace(rootpath=tmp_path, pluginmanager=plugins),
        items=[SimpleNamespace(path=tmp_path / each) for each in collected],
    )
    options.pytest_collection_finish(session)  # type: ignore[arg-type]
    assert plugins.hasplugin(options.HYPOTHESIS) is there
