"""`rehearsal recover`: what a killed rehearsal left is sealed; what is running is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.evidence import verify
from fixtures.evidence.bundle import Bundle
from fixtures.guardrails.registries import REGISTRIES

Reserve = Callable[..., Bundle]


@pytest.mark.parametrize("exists", [True, False], ids=["empty-root", "no-root"])
def test_nothing_to_recover(root: Path, capsys: pytest.CaptureFixture[str], exists: bool) -> None:
    """A root without leftovers is as it should be."""
    if exists:
        root.mkdir()
    assert main(["recover", "--evidence-root", str(root)]) == Exit.HELD
    assert capsys.readouterr().out == f"nothing to recover below {root}\n"
    assert root.exists() is exists


def test_killed_rehearsal_is_sealed(
    root: Path, killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is sealed as interrupted, verifies, keeps what it held, and is gone as a partial."""
    assert main(["recover", "--evidence-root", str(root)]) == Exit.HELD
    said = capsys.readouterr().out
    [sealed] = (root / "marquez").iterdir()
    assert said == f"✓ {killed.name} is sealed as {sealed}\n"
    assert sealed.name.endswith(".interrupted")
    assert (sealed / "notes.md").read_bytes() == b"half of the notes\n"
    assert verify.verify(sealed, registries=REGISTRIES).verified
    assert main(["recover", "--evidence-root", str(root)]) == Exit.HELD


def test_sealed_bundles_are_left_alone(root: Path, sealed: Path) -> None:
    """Recovery touches nothing that is sealed."""
    before = sorted(path.stat().st_mtime_ns for path in sealed.iterdir())
    assert main(["recover", "--evidence-root", str(root)]) == Exit.HELD
    assert sorted(path.stat().st_mtime_ns for path in sealed.iterdir()) == before


def test_running_rehearsal_is_told_and_left(
    root: Path, reserve: Reserve, killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that still runs is named, the killed one beside it is sealed all the same."""
    running = reserve()
    assert main(["recover", "--evidence-root", str(root)]) == Exit.HELD
    said = capsys.readouterr().out
    assert f"– {running.folder.name} belongs to a rehearsal that is still running" in said
    assert f"✓ {killed.name} is sealed" in said
    assert running.folder.is_dir()
    assert not killed.exists()


def test_directory_without_a_ledger_is_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed before it began: nothing to seal, and the hint says what to do."""
    (root / "marquez" / ".20261122T000000Z.partial").mkdir(parents=True)
    assert main(["recover", "--evidence-root", str(root)]) == Exit.HARNESS_FAULT
    assert "Remove the directory" in capsys.readouterr().out


def test_outside_a_checkout_is_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a root and without a checkout nobody can know where to look."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'another'\n")
    assert main(["recover"]) == Exit.USAGE
    said = capsys.readouterr().err
    assert "[settings-invalid]" in said
    assert "--evidence-root DIR" in said


@pytest.mark.parametrize(
    ("variables", "below"),
    [
        pytest.param({}, "checkout/dist/staging", id="its-own"),
        pytest.param(
            {"REHEARSAL_HOTPASS_ROOT": "{}/hotpass"}, "hotpass/dist/staging", id="hotpass-checkout"
        ),
        pytest.param(
            {"REHEARSAL_HOTPASS_ROOT": "{}/hotpas"},
            "checkout/dist/staging",
            id="mistyped-checkout",
        ),
        pytest.param({"REHEARSAL_EVIDENCE_ROOT": "{}/elsewhere"}, "elsewhere", id="evidence-root"),
        pytest.param({"REHEARSAL_EVIDENCE_ROOT": "~/home"}, "home", id="home"),
    ],
)
def test_root_is_that_of_the_settings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    below: str,
) -> None:
    """In a checkout, from any folder of it, the settings say where evidence lies."""
    checkout = tmp_path / "checkout"
    (checkout / "deep" / "down").mkdir(parents=True)
    (tmp_path / "hotpass").mkdir()
    text = (pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8")
    (checkout / "pyproject.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("REHEARSAL_EVIDENCE_ROOT", "REHEARSAL_HOTPASS_ROOT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    monkeypatch.chdir(checkout / "deep" / "down")
    assert main(["recover"]) == Exit.HELD
    assert capsys.readouterr().out == f"nothing to recover below {tmp_path / below}\n"


def test_a_root_cannot_draw_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name acts on no terminal, and stays in its line."""
    assert (
        main(["recover", "--evidence-root", str(tmp_path / "a\x1b[2J\r\n✓ sealed")]) == Exit.HELD
    )
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))
