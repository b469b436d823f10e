"""Arguments and configuration files: what wins, what is refused, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.simulators.hotpass import BANNER, cli

Refine = Callable[..., int]


def test_banner_comes_first(refine: Refine, capsys: pytest.CaptureFixture[str]) -> None:
    """Every run says that it is simulated, also one that is refused."""
    assert refine("--no-such-option") == 2
    assert capsys.readouterr().err.splitlines()[0] == BANNER


@pytest.mark.parametrize(
    ("argv", "exit_code", "complaint"),
    [
        pytest.param([], 1, "usage: hotpass", id="bare"),
        pytest.param(["refine", "--profile", "nobody"], 2, "'nobody' could not", id="profile"),
        pytest.param(["polish"], 2, "invalid choice", id="verb"),
        pytest.param(["refine", "--log-format", "xml"], 2, "invalid choice", id="choice"),
        pytest.param(["refine", "--party-store-path", "p"], 2, "cannot do", id="refused-option"),
        pytest.param(["refine", "--input-dir", "absent"], 1, "absent", id="no-folder"),
        pytest.param(["refine", "--output-path", "data"], 1, ".xlsx only", id="no-xlsx"),
        pytest.param(
            ["refine", "--output-path", "data/example-clubs.xlsx/x.xlsx"], 1, "written", id="place"
        ),
        pytest.param(["refine", "--config", "absent.json"], 1, "absent.json", id="no-config"),
        pytest.param(["refine", "--config", "data"], 1, "data", id="config-is-a-folder"),
    ],
)
def test_refusals(
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    exit_code: int,
    complaint: str,
) -> None:
    """Each refusal has its exit code and says on stderr what it is about."""
    assert cli.main(argv) == exit_code
    err = capsys.readouterr().err
    assert complaint in err
    assert "rror: " in err
    assert not (workspace / "dist").exists()


def test_error_is_an_event_too(refine: Refine, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads stdout alone learns what went wrong."""
    assert refine("--input-dir", "absent", "--log-format", "json") == 1
    streams = capsys.readouterr()
    message = "Input directory does not exist: absent"
    assert json.loads(streams.out) == {"event": "error", "data": {"message": message}}
    assert f"Error: {message}\n" in streams.err


def test_run_is_the_same_verb(workspace: Path) -> None:
    """``hotpass run`` does what ``hotpass refine`` does, options without effect included."""
    argv = ["run", "--qa-mode", "strict", "--no-observability", "--excel-engine", "openpyxl"]
    assert cli.main([*argv, "--telemetry-exporter", "noop", "--no-interactive"]) == 0
    assert (workspace / "dist/refined.xlsx").exists()


def test_configuration_files_are_merged(
    workspace: Path, refine: Refine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Later files win over earlier ones, options over files; idle keys are named."""
    (workspace / "a.json").write_text('{"pipeline": {"dist_dir": "a", "output_path": "a.xlsx"}}')
    (workspace / "b.toml").write_text('[pipeline]\ndist_dir = "b"\nqa_mode = "strict"\n')
    assert refine("--config", "a.json", "--config", "b.toml", "--output-path", "c.xlsx") == 0
    assert (workspace / "c.xlsx").exists()
    assert not (workspace / "a.xlsx").exists()
    assert len(list((workspace / "b").glob("*.zip"))) == 1
    assert "pipeline.qa_mode has no effect" in capsys.readouterr().err


def test_option_says_no_to_a_file(workspace: Path) -> None:
    """``--no-archive`` wins over a file that asks for an archive, which else has its way."""
    (workspace / "a.toml").write_text("[pipeline]\narchive = true\n")
    assert cli.main(["refine", "--config", "a.toml", "--no-archive"]) == 0
    assert not list((workspace / "dist").glob("*.zip"))
    assert cli.main(["refine", "--config", "a.toml"]) == 0
    assert list((workspace / "dist").glob("*.zip"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.json", "{", id="broken"),
        pytest.param("a.json", "[]", id="no-mapping"),
        pytest.param("a.json", '{"pipeline": 1}', id="pipeline-no-mapping"),
        pytest.param("a.json", '{"pipeline": {"run_id": 1}}', id="wrong-type"),
        pytest.param("a.yaml", "pipeline: {}", id="other-format"),
    ],
)
def test_unusable_configuration_is_refused(
    workspace: Path, refine: Refine, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    """Nothing is refined with a configuration that was not understood."""
    (workspace / name).write_text(text)
    assert refine("--config", name) == 1
    assert name in capsys.readouterr().err
    assert not (workspace / "dist").exists()
