"""Self-tests of errors that name the next step."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

import fixtures
from fixtures.core import errors
from fixtures.simulators import hotpass

FLOWS = ("orchestration", "refinement")
"""Prefect loads them by their path: none of ours imports them, nor a second's worth of Prefect."""


@pytest.fixture(scope="module")
def every_error() -> list[type[errors.HarnessError]]:
    """Every harness error of every module, found by importing them all."""
    for module in pkgutil.walk_packages(fixtures.__path__, "fixtures."):
        name = module.name.removeprefix("fixtures.simulators.hotpass.")
        if name in FLOWS:
            assert "HarnessError" not in (Path(hotpass.__path__[0]) / f"{name}.py").read_text()
        elif not name.endswith("__main__"):
            importlib.import_module(module.name)
    found, new = [errors.HarnessError], errors.HarnessError.__subclasses__()
    while new:
        found += new
        new = [each for parent in new for each in parent.__subclasses__()]
    found = [each for each in found if each.__module__.startswith("fixtures.")]
    assert len(found) > 10
    return found


def test_codes_are_unique(every_error: list[type[errors.HarnessError]]) -> None:
    """One code, one error: the ledger and the run-book quote it."""
    counted = Counter(each.code for each in every_error)
    assert [code for code, count in counted.items() if count > 1] == []


def test_each_has_a_code_of_its_own(every_error: list[type[errors.HarnessError]]) -> None:
    """In kebab-case, and a line that says what happened."""
    for error in every_error:
        assert "code" in vars(error), error
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", error.code), error
        assert error.__doc__, error


def test_each_wants_a_hint(every_error: list[type[errors.HarnessError]]) -> None:
    """No error is raised without the first thing to try."""
    for error in every_error:
        hint = inspect.signature(error).parameters["hint"]
        assert hint.kind is inspect.Parameter.KEYWORD_ONLY, error
        assert hint.default is inspect.Parameter.empty, error


def test_the_text_has_code_message_and_hint() -> None:
    """Code first, then what happened, then what to do."""
    error = errors.SystemRefused("marquez answered 500", hint="Read marquez.log.")
    assert str(error) == "[system-refused] marquez answered 500\n  hint: Read marquez.log."
    assert (error.message, error.hint) == ("marquez answered 500", "Read marquez.log.")


def test_everything_missing_is_one_list() -> None:
    """Prerequisites come all at once, one line each."""
    error = errors.PrerequisitesMissing(["marquez_url", "docker"], hint="Provide both.")
    assert error.message.splitlines() == ["2 missing", "    - marquez_url", "    - docker"]
    assert error.missing == ("marquez_url", "docker")


def test_any_trouble_becomes_one_of_ours() -> None:
    """A harness error stays what it is; what nobody planned for is a harness fault."""
    ours = errors.SystemRefused("500", hint="Read the log.")
    assert errors.HarnessError.of(ours) is ours
    fault = errors.HarnessError.of(ZeroDivisionError("by zero"))
    assert (fault.code, fault.message) == ("harness-fault", "ZeroDivisionError: by zero")
    assert fault.hint
