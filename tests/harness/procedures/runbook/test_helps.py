"""What a command says of its own options: argparse's help, and Prefect's."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest

import fixtures
from fixtures.clients.hotpass import RUNBOOK_PREFIX, Hotpass
from fixtures.procedures.runbook import helps
from fixtures.simulators.hotpass import cli

PREFECT = """\

 Usage: prefect deployment run [OPTIONS] [NAME]

 Create a flow run; see also --never-mine of another command.

╭─ Options ────────────────────────────────────────────────╮
│ --id              TEXT  A deployment id to search for    │
│ --param   -p      TEXT  A key, or --neither as a value   │
│ --watch                 Whether to poll                  │
│ --help                  Show this message and exit.      │
╰──────────────────────────────────────────────────────────╯
"""


def said(*argv: str) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
        cli.main([*argv, "--help"])
    return text.getvalue()


def read(text: str) -> helps.Help:
    return helps.read(("hotpass", "x", "--help"), text, how="exit code 0")


@pytest.mark.parametrize("columns", ["80", "200", "40"])
def test_argparse(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Every option, both names of a switch and every choice, however the lines break."""
    monkeypatch.setenv("COLUMNS", columns)
    found = read(said("refine"))
    assert {"--input-dir", "--archive", "--no-archive", "--profile"} <= found.options
    assert found.choices["--log-format"] == ("json", "rich")
    # Its epilogue speaks of an option that argparse does not have.
    assert "--measured" not in found.options


@pytest.mark.parametrize(
    ("option", "taken"),
    [
        ("--input-dir", True),
        ("--input", True),
        ("--dry-run", False),
        ("--archives", False),
        ("--automation-http", False),
    ],
)
def test_takes(option: str, taken: bool) -> None:
    """A beginning counts where only one option begins so, as argparse has it."""
    assert read(said("refine")).takes(option) is taken


def test_measured_command_lacks_what_documents_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """The help of the command as it was measured knows neither `--output` nor `--dry-run`."""
    monkeypatch.setenv("HOTPASS_SIMULATOR_DEFECTS", "all")
    assert not read(said("qa")).takes("--output")
    assert not read(said("deploy")).takes("--dry-run")
    monkeypatch.setenv("HOTPASS_SIMULATOR_DEFECTS", "")
    assert read(said("qa")).takes("--output")


def test_prefect() -> None:
    """Framed help without a usage of options; descriptions count for nothing."""
    assert read(PREFECT).options == {"--id", "--param", "--watch", "--help"}


def test_silence_refuses_nothing() -> None:
    """A command that did not say its options is not said to lack any."""
    found = read("")
    assert not found.options
    assert found.takes("--anything")


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        (("uv", "run", "hotpass", "refine", "--x"), ("hotpass", "refine")),
        (("hotpass", "qa", "all"), ("hotpass", "qa")),
        (("uv", "run", "prefect", "deployment", "run", "n"), ("prefect", "deployment", "run")),
        (("uv", "run", "prefect", "--version"), ()),
        (("hotpass",), ()),
        (("curl", "-s"), ()),
        (("uv", "run"), ()),
    ],
)
def test_who_is_asked(argv: tuple[str, ...], asked: tuple[str, ...]) -> None:
    """Hotpass and Prefect, by their verbs; nobody else."""
    assert helps.subject(argv) == asked


def test_real_process_is_asked(tmp_path: Path) -> None:
    """The configured command answers in its own process; one that cannot has no options."""
    command = Hotpass(
        prefix=(sys.executable, "-m", "fixtures.simulators.hotpass"),
        root=tmp_path,
        variables={"PYTHONPATH": str(Path(fixtures.__file__).parents[1])},
    )
    found = helps.ask(command, [("hotpass", "overview"), ("hotpass", "none"), ()])
    assert "--profile" in found["hotpass", "overview"].options
    assert found["hotpass", "none"].how == "exit code 2"
    assert not found["hotpass", "none"].options
    assert () not in found


def test_checkout_without_an_environment_is_not_asked(tmp_path: Path) -> None:
    """`uv run` would make one there: reading a document is no reason to."""
    command = Hotpass(prefix=RUNBOOK_PREFIX, root=tmp_path, variables={})
    found = helps.ask(command, [("hotpass", "overview")])
    assert "not asked" in found["hotpass", "overview"].how
    assert not list(tmp_path.iterdir())
