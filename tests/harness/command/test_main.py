"""The `rehearsal` command: its grammar, its exit codes, and how little it imports."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.command import main as command
from fixtures.command import recover, verify
from fixtures.core import errors
from fixtures.core.outcome import Exit

Run = Callable[..., "subprocess.CompletedProcess[str]"]

HEAVY = (
    "pytest",
    "requests",
    "PIL",
    "jsonschema",
    "pydantic",
    "jinja2",
    "starlette",
    "kubernetes",
)


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param([], Exit.USAGE, id="bare"),
        pytest.param(["--help"], Exit.HELD, id="help"),
        pytest.param(["verify", "--help"], Exit.HELD, id="help-of-a-verb"),
        pytest.param(["nonsense"], Exit.USAGE, id="unknown-verb"),
        pytest.param(["verify"], Exit.USAGE, id="no-directory"),
        pytest.param(["verify", "a", "b"], Exit.USAGE, id="two-directories"),
        pytest.param(["verify", "a", "--yaml"], Exit.USAGE, id="unknown-option"),
        pytest.param(["recover", "--evidence-root"], Exit.USAGE, id="option-without-value"),
    ],
)
def test_grammar(argv: list[str], code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not understood ends with 4, never with argparse's 2, which means interrupted."""
    assert command.main(argv) == code
    said = capsys.readouterr()
    assert "usage: rehearsal" in (said.out if code is Exit.HELD else said.err)
    assert not (said.err if code is Exit.HELD else said.out)


def test_help_names_every_verb_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """One screen says what there is."""
    command.main(["--help"])
    said = capsys.readouterr().out
    for what in ("verify", "recover", "0 as it should be", "1 denied", "4 usage"):
        assert what in " ".join(said.split())


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        pytest.param(
            errors.SettingsInvalid("no checkout", hint="Name it."),
            Exit.USAGE,
            "[settings-invalid] no checkout\n  hint: Name it.",
            id="settings",
        ),
        pytest.param(
            errors.EvidenceNotWritable("disk full", hint="Free space."),
            Exit.HARNESS_FAULT,
            "[evidence-not-writable] disk full",
            id="harness",
        ),
        pytest.param(KeyboardInterrupt(), Exit.INTERRUPTED, "[interrupted]", id="ctrl-c"),
    ],
)
def test_errors_become_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: Exit,
    told: str,
) -> None:
    """Trouble is told with code and hint on standard error, never as a traceback."""

    def fail(_: str | None) -> Exit:
        raise raised

    monkeypatch.setattr(recover, "run", fail)
    assert command.main(["recover"]) == code
    said = capsys.readouterr()
    assert told in said.err
    assert not said.out


def test_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw keeps its traceback."""

    def fail(_: verify.Asked) -> Exit:
        raise ZeroDivisionError

    monkeypatch.setattr(verify, "run", fail)
    with pytest.raises(ZeroDivisionError):
        command.main(["verify", "."])


@pytest.mark.parametrize("argv", [["--help"], ["nonsense"]])
def test_nothing_heavy_is_imported_for_help(rehearsal: Run, argv: list[str]) -> None:
    """Help answers at once: no library is loaded before a verb is known."""
    done = rehearsal(
        *argv,
        code="import sys; from fixtures.command.main import main; main(); "
        "print('loaded', *sorted(sys.modules), file=sys.stderr)",
    )
    loaded = done.stderr.rpartition("loaded ")[2].split()
    assert "fixtures.command.main" in loaded
    assert not [name for name in loaded if name.partition(".")[0] in HEAVY]


def test_verify_needs_no_pytest_and_no_simulator(rehearsal: Run, sealed: Path) -> None:
    """Verifying works on any machine: neither pytest, a client nor a twin is loaded."""
    done = rehearsal(
        *("verify", str(sealed)),
        code="import sys; from fixtures.command.main import main; main(); "
        "print('loaded', *sorted(sys.modules), file=sys.stderr)",
    )
    loaded = done.stderr.rpartition("loaded ")[2].split()
    assert "fixtures.evidence.verify" in loaded
    for name in ("pytest", "requests", "pydantic", "fixtures.simulators", "fixtures.clients"):
        assert name not in loaded


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["held-back", "unbuffered"])
def test_reader_that_goes_away_gets_no_traceback(
    rehearsal: Run, sealed: Path, unbuffered: str
) -> None:
    """`rehearsal verify … | head` ends quietly, and not as if it had answered."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = rehearsal(
            *("verify", str(sealed)),
            unbuffered=unbuffered,
            capture_output=False,
            stdout=writing,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == Exit.HARNESS_FAULT


def test_installed_command_is_this_one(pytestconfig: pytest.Config) -> None:
    """The console script of the package calls this function."""
    text = (pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8")
    assert 'rehearsal = "fixtures.command.main:main"' in text
