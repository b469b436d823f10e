"""What became of each command: run, run with a deviation, or never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence.audit import documents as audited
from fixtures.evidence.summary import Summary
from fixtures.procedures.runbook import documents, matching
from fixtures.procedures.runbook.documents import KNOWN, Written
from fixtures.procedures.runbook.matching import DEVIATES, NEVER, RUN

ARGV = ("uv", "run", "hotpass", "refine", "--input-dir", "./data", "--archive")


def written(text: str, *, step: str = "1") -> Written:
    """The one command of a made-up run-book."""
    body = f"# Lineage smoke\n\n{step}. Do:\n\n   ```bash\n   {text}\n   ```\n"
    [found] = documents.read(KNOWN[1], audited.parse("x.md", body.encode())).written
    return found


def summary(*commands: Mapping[str, Any], mode: str = "live", **steps: Any) -> Summary:
    return Summary(
        opened={"mode": mode, "word": "marquez"},
        guardrails=(),
        commands=list(commands),
        steps=steps,
    )


def command(*argv: str, how: str = "exit code 0", **more: Any) -> dict[str, Any]:
    return {"argv": list(argv), "how": how, "variables": [], "cwd": "/co", **more}


def fate(text: str, *commands: Mapping[str, Any], folder: Path = Path("/absent")) -> matching.Fate:
    told = summary(*commands)
    return matching.fate(written(text), matching.recorded(told, folder), told)


REFINE = "uv run hotpass refine --input-dir ./data --archive"


def test_as_written() -> None:
    """The very words, ended well: run."""
    assert fate(REFINE, command(*ARGV)) == matching.Fate(
        state=RUN, ran=fate(REFINE, command(*ARGV)).ran
    )


@pytest.mark.parametrize(
    ("argv", "deviation"),
    [
        pytest.param((*ARGV, "--config", "r.json"), "`--config r.json` was added", id="added"),
        pytest.param(ARGV[:-1], "`--archive` was left out", id="left-out"),
        pytest.param(
            (*ARGV[:5], "/in", "--archive"), "`--input-dir` was `/in`, not `./data`", id="value"
        ),
        pytest.param((*ARGV, "more"), "`--archive` was `more`, not without a value", id="name"),
        pytest.param(
            ("/py", "-m", "fixtures.simulators.hotpass", *ARGV[3:]),
            "the simulated `hotpass` ran",
            id="simulated",
        ),
    ],
)
def test_difference(argv: tuple[str, ...], deviation: str) -> None:
    """Each difference is told in words, and there is no other."""
    found = fate(REFINE, command(*argv))
    assert (found.state, found.deviations) == (DEVIATES, (deviation,))


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param((*ARGV[:5], "data", "--archive"), id="same-path"),
        pytest.param((*ARGV[:4], "--input-dir=./data", "--archive"), id="equals-sign"),
        pytest.param((*ARGV[:4], "--archive", "--input-dir", "./data"), id="other-order"),
        pytest.param(("/usr/bin/hotpass", *ARGV[3:]), id="by-path"),
    ],
)
def test_no_difference(argv: tuple[str, ...]) -> None:
    """What is only written differently is the same command."""
    assert fate(REFINE, command(*argv)).state == RUN


def test_ended_badly() -> None:
    """Run as written, and refused: that is told as well."""
    found = fate(REFINE, command(*ARGV, how="exit code 2"))
    assert found.deviations == ("it ended with exit code 2",)


def test_tried_as_written_and_then_as_it_works() -> None:
    """Both are told: how the run-book's form ended, and what worked instead."""
    text = "uv run prefect deployment run hotpass-refinement --watch"
    base = ("/py", "-m", "prefect", "deployment", "run")
    found = fate(
        text,
        command(*base, "hotpass-refinement", "--watch", how="exit code 1"),
        command(*base, "flow/hotpass-refinement", "--watch"),
    )
    assert found.deviations == (
        "it ended with exit code 1",
        "what worked: `flow/hotpass-refinement` stood for `hotpass-refinement`",
    )


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(("uv", "run", "hotpass", "enrich", "--input-dir", "./data"), id="verb"),
        pytest.param(("refine",), id="another-program"),
    ],
)
def test_other_command_is_not_it(argv: tuple[str, ...]) -> None:
    """Another verb with the same options is another command."""
    assert fate(REFINE, command(*argv)).state == NEVER


def test_targets_of_qa_are_commands_of_their_own() -> None:
    """`qa ta` is no `qa all`."""
    assert (
        fate("uv run hotpass qa all", command("uv", "run", "hotpass", "qa", "ta")).state == NEVER
    )


def test_closest_of_several() -> None:
    """The one that differs least is the one that is meant."""
    found = fate(REFINE, command(*ARGV[:4], "--profile", "x"), command(*ARGV, "--config", "y"))
    assert found.deviations == ("`--config y` was added",)


def test_variables_and_placeholders(tmp_path: Path) -> None:
    """Values come from cli.sh; what the run-book leaves to its reader may be anything."""
    (tmp_path / "cli.sh").write_text(
        "(\ncd /co\nexport URL=http://127.0.0.1:1\nexport WHERE=https://x/accounts/a/spaces/b\n"
        "hotpass overview\n)\n"
    )
    text = (
        "URL=http://localhost:5000 WHERE=https://x/accounts/.../spaces/... KEY='***' GONE=1 "
        "hotpass overview"
    )
    found = fate(text, folder=tmp_path)
    assert found.deviations == (
        "URL was http://127.0.0.1:1, not http://localhost:5000",
        "GONE was not set",
    )


def test_export_of_an_api(tmp_path: Path) -> None:
    """Address and query differ; where the answer goes is the same."""
    (tmp_path / "cli.sh").write_text("curl -s 'http://h:1/api/x?limit=10' -o x.json\n")
    found = fate("curl -s http://localhost:5000/api/x > dist/<timestamp>/x.json", folder=tmp_path)
    assert found.deviations == (
        "the address was h:1, not localhost:5000",
        "the query was `limit=10`, not ``",
    )


@pytest.mark.parametrize(("cwd", "told"), [("/co/deploy/docker", 0), ("/co", 1)])
def test_folder(cwd: str, told: int) -> None:
    """A `cd` before it counts as part of the command."""
    body = "# Lineage\n\n```sh\ncd deploy/docker\ndocker compose up -d prefect\n```\n"
    [each] = documents.read(KNOWN[1], audited.parse("x.md", body.encode())).written
    ran = summary(command("docker", "compose", "-f", "x", "up", "-d", "prefect", cwd=cwd))
    found = matching.fate(each, matching.recorded(ran, Path("/absent")), ran)
    assert len([line for line in found.deviations if line.startswith("it ran in")]) == told


def test_ledger_and_sheet_are_one_command(tmp_path: Path) -> None:
    """cli.sh knows the values, the ledger how it ended: not two commands."""
    (tmp_path / "cli.sh").write_text("(\nexport A=1\nuv run hotpass overview\n)\n")
    line = command("uv", "run", "hotpass", "overview", how="exit code 3")
    [ran] = matching.recorded(summary(line), tmp_path)
    assert (ran.how, dict(ran.variables)) == ("exit code 3", {"A": "1"})


@pytest.mark.parametrize(
    ("mode", "state", "reason"),
    [
        ("live", {"state": "not exercised", "reason": "no Prefect"}, "step 1 was not exercised"),
        ("live", {"state": "failed", "reason": "health"}, "step 1 failed: health"),
        ("live", None, "nothing that ran corresponds to it"),
        ("dry run", None, "a dry run: nothing that ran corresponds to it"),
    ],
)
def test_why_it_never_ran(mode: str, state: dict[str, str] | None, reason: str) -> None:
    """The step's own reason, where it has one."""
    told = summary(mode=mode, **({"1": state} if state else {}))
    found = matching.fate(written(REFINE), [], told)
    assert found.state == NEVER
    assert found.reason.startswith(reason)
