"""A whole preflight: what it writes down, where it writes, what it compares with.

Not here: faults (``test_e2e_faults.py``).
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fixtures
from fixtures.clients.hotpass import RUNBOOK_PREFIX
from fixtures.core import errors
from fixtures.core.process import Finished
from fixtures.core.records.systems import Mode, Provenance, mode_of
from fixtures.core.redaction import Redactor
from fixtures.core.registry import Unseen
from fixtures.core.settings import EnvironmentTable, Settings
from fixtures.evidence import verify
from fixtures.evidence.bundle import Bundle, systems_entry
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing, judging
from fixtures.procedures.e2e import stack as stacks
from fixtures.procedures.e2e.plan import Plan
from fixtures.procedures.e2e.rehearsal import NO_EARLIER, E2eRehearsal
from tests.harness.procedures.e2e import conftest
from tests.harness.procedures.e2e.conftest import Played, Staged, opening, staged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

ROOT = Path(fixtures.__file__).parents[1]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, known: Settings, inputs: Path) -> Played:
    """Preflight in which everything went well; look, do not touch."""
    return staged(tmp_path_factory.mktemp("good"), known, inputs).play()


def test_good_one_holds(good: Played) -> None:
    """Every guardrail holds, the evidence verifies, and judged again it says the same."""
    assert good.not_held == {}
    assert good.sealed.would_be == "PASSED"
    assert verify.verify(good.sealed.folder, registries=REGISTRIES).verified
    assert judging.judge(good.sealed.folder).agrees


def test_first_run_compares_with_nothing(good: Played) -> None:
    """Without an earlier green run durations are listed as not exercised: no vacuous verdict."""
    assert {each.guardrail for each in good.verdicts} == {
        each.id for each in REGISTRIES["e2e"]
    } - {"e2e.durations-usual"}
    assert NO_EARLIER in good.text("notes.md")
    assert not (good.sealed.folder / "durations.json").exists()


def test_second_run_compares_with_the_last_green_one(
    tmp_path: Path, known: Settings, inputs: Path
) -> None:
    """A failed run in between, or one of another kind, is no measure."""
    evidence = tmp_path / "evidence"
    first = staged(tmp_path / "one", known, inputs, evidence=evidence).play()
    failed = staged(tmp_path / "two", known, inputs, evidence=evidence)
    failed.strike("qa-check-fails")
    assert failed.play().sealed.would_be == "FAILED"
    slow = staged(tmp_path / "three", known, inputs, evidence=evidence)
    # A busy machine is no finding here.
    slow.plan(slower_floor_s=1_000.0)
    third = slow.play()
    assert first.sealed.folder.name in third.text("durations.json")
    assert "4 stages" in third.story("durations-usual")
    assert verify.verify(third.sealed.folder, registries=REGISTRIES).verified


def test_nobody_of_the_input_is_in_the_evidence(tmp_path: Path, known: Settings) -> None:
    """Printed by a command, a name reaches neither log nor ledger nor page; it is counted."""
    from fixtures.simulators.hotpass.inputs import write_synthetic_inputs

    write_synthetic_inputs(tmp_path / "data")
    stage = staged(tmp_path / "stage", known, tmp_path / "data")
    stage.strike("enrich-prints-contacts")
    played = stage.play()
    log = played.text("enrich.log")
    assert log.count("[REDACTED:v-") == 9
    assert "Enriching [REDACTED:v-" in log
    for path in played.sealed.folder.iterdir():
        data = path.read_bytes()
        for value in (b"Example Contact 01", b"club01@example.org", b"441632960001"):
            assert value not in data, path.name


def test_workbooks_are_never_in_the_evidence(good: Played) -> None:
    """Digests and counts, and not one file that begins like a zip."""
    for path in good.sealed.folder.iterdir():
        assert path.suffix not in (".xlsx", ".zip", ".parquet")
        assert not path.read_bytes().startswith(b"PK")
    assert '"sha256"' in good.text("stages.json")


def test_command_sheet_replays_and_leaves_refused_forms_out(stage: Staged) -> None:
    """The forms that stand are run in order by bash; a refused one would end the replay."""
    stage.say(HOTPASS_SIMULATOR_DEFECTS="staging-unknown")
    played = stage.play()
    script = played.text("cli.sh")
    runs = [line for line in script.splitlines() if line.startswith(shlex.quote(sys.executable))]
    assert [line.split()[3] for line in runs] == ["overview", "refine", "enrich", "qa"]
    assert script.count("# refused, exit code 2: ") == 2
    sheet = str(played.sealed.folder / "cli.sh")
    done = subprocess.run(["/usr/bin/env", "bash", "-n", sheet], check=False, timeout=30)
    assert done.returncode == 0


def test_deviation_names_what_was_refused_and_what_ran(stage: Staged) -> None:
    """Neither hidden nor an end: both forms are in the log, the ledger and the notes."""
    stage.say(HOTPASS_SIMULATOR_DEFECTS="staging-unknown")
    played = stage.play()
    assert played.not_held == {}
    notes = played.text("notes.md")
    for verb in ("refine", "enrich"):
        assert f"`{verb}`: there is no profile 'staging' (exit code 2); ran instead" in notes
        log = played.text(f"{verb}.log")
        assert log.index("--profile staging") < log.index("could not be found")
        assert log.index("exit code 2") < log.index("--profile generic")
    tried = [each["argv"] for each in played.sealed.summary.commands if "refine" in each["argv"]]
    assert [argv[argv.index("--profile") + 1] for argv in tried] == ["staging", "generic"]
    assert "after the plan's form was refused" in played.story("refine-wrote")


def test_failure_of_the_corrected_form_is_a_failure(stage: Staged) -> None:
    """A deviation excuses nothing: the form that was to work is judged."""
    stage.say(HOTPASS_SIMULATOR_DEFECTS="staging-unknown")
    stage.strike("exit-nonzero")
    played = stage.play()
    assert played.not_held == {"e2e.refine-wrote": "broke"}
    assert "ran instead (exit code 1)" in played.deviations


def test_inputs_that_are_not_there_start_nothing(stage: Staged) -> None:
    """Without its input nobody knows whom to mask: no command is heard, and that blocks."""
    for path in (stage.work / "data").iterdir():
        path.unlink()
    played = stage.play()
    assert played.sealed.would_be == "BLOCKED"
    assert "inputs-unreadable" in played.codes
    assert {each.ruling.value for each in played.verdicts} == {"not established"}
    assert played.sealed.summary.commands == []
    assert verify.verify(played.sealed.folder, registries=REGISTRIES).verified


def test_deadlines_are_handed_to_every_command(stage: Staged) -> None:
    """What the settings say of silence and length is what the runner is told."""
    seen: list[tuple[float, float]] = []
    run = stage.rehearsal.hotpass.run

    def told(argv: Sequence[str], **how: Any) -> Finished:
        seen.append((how["idle_s"], how["total_s"]))
        return run(argv, **how)

    stage.plan(idle_s=7.0, total_s=9.0)
    stage.instead(overview=told, refine=told, enrich=told, qa=told)
    stage.play()
    assert seen == [(7.0, 9.0)] * 4


UV = """#!{python}
# Stands in for uv on a checkout whose command is the simulated one.
import os, sys
with open(os.path.join({folder!r}, "seen"), "a") as seen:
    seen.write(" ".join(sorted(os.environ)) + "\\n")
assert sys.argv[1:3] == ["run", "hotpass"], sys.argv
os.environ["PYTHONPATH"] = {root!r}
command = [{python!r}, "-m", "fixtures.simulators.hotpass", *sys.argv[3:], "--measured"]
os.execv({python!r}, command)
"""


def test_checkout_without_staging(
    tmp_path: Path, known: Settings, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout's own command, dry: network off, workbooks outside, none of our environment."""
    checkout, programs = tmp_path / "Hotpass", tmp_path / "bin"
    (checkout / "dist" / "staging").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (checkout / "data").symlink_to(inputs)
    programs.mkdir()
    uv = programs / "uv"
    uv.write_text(
        UV.format(python=sys.executable, root=str(ROOT), folder=str(tmp_path)), encoding="utf-8"
    )
    uv.chmod(uv.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for name in ("VIRTUAL_ENV", "UV", "UV_PYTHON", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.setenv(name, "ours")
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    with stacks.embedded(hotpass_root=checkout) as opened:
        assert opened.hotpass.prefix == RUNBOOK_PREFIX
        mode = mode_of(opened.systems, staging=False, demanded={})
        bundle = Bundle.reserve(
            tmp_path / "evidence",
            word="e2e",
            mode=mode,
            redactor=Redactor(),
            registry=REGISTRIES["e2e"],
            opening=opening(systems=systems_entry(opened.systems)),
        )
        rehearsal = E2eRehearsal(
            bundle=bundle, hotpass=opened.hotpass, plan=Plan.of(known.words.e2e, opened)
        )
        verdicts = closing.judge_all(bundle, REGISTRIES["e2e"], rehearsal.run())
        sealed = closing.close(bundle, junit=conftest.JUNIT)
    assert mode is Mode.DRY_RUN
    stories = "\n".join(each.story for each in verdicts if not each)
    assert sealed.would_be == "PASSED", stories
    assert [path.name for path in checkout.rglob("*") if path.suffix in (".xlsx", ".zip")] == []
    told = "\n".join(each["text"] for each in sealed.summary.deviations)
    assert "outside the checkout" in told
    assert "--allow-network=false" in told
    assert "the simulated `hotpass` ran" not in told
    assert told.count("the checkout's `hotpass` is the simulated one") == 1
    seen = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    assert len(seen) == 6
    for line in seen:
        assert not {"VIRTUAL_ENV", "UV", "UV_PYTHON", "UV_PROJECT"} & set(line.split())
        assert "UV_PROJECT_ENVIRONMENT" not in line
        assert "UV_RUN_RECURSION_DEPTH" not in line


def test_live_run_by_the_stand_in_is_none(stage: Staged) -> None:
    """A checkout whose command says that it is the simulated one is nobody's evidence."""
    stage.rehearsal.hotpass = replace(stage.rehearsal.hotpass, prefix=RUNBOOK_PREFIX)
    stage.bundle.mode = Mode.LIVE
    seen = stage.rehearsal.run()
    assert isinstance(seen["stages"], Unseen)
    assert seen["stages"].trouble.code == "simulator-forbidden"
    told = [each["code"] for each in stage.bundle.summary().troubles]
    assert told == ["simulator-forbidden"]
    verdicts = closing.judge_all(stage.bundle, REGISTRIES["e2e"], seen)
    assert not any(verdicts)


def test_live_run_lists_everything_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One list, nothing started, no simulated command instead."""
    monkeypatch.setenv("PATH", "/nowhere")
    environment = EnvironmentTable(provenance={"hotpass": Provenance.LOCAL})
    live = stacks.live(environment, environment_name="hotpass-staging", hotpass_root=None)
    with pytest.raises(errors.PrerequisitesMissing) as caught, live:
        pass
    assert [line.partition(":")[0] for line in caught.value.missing] == [
        "a Hotpass checkout",
        "uv, which the plan's commands begin with",
    ]


def test_checkout_another_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment that pins a commit is not rehearsed with another."""
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    monkeypatch.setattr("shutil.which", lambda _: "/bin/uv")
    environment = EnvironmentTable(
        provenance={"hotpass": Provenance.LOCAL}, identity={"hotpass": {"git commit": "f" * 40}}
    )
    live = stacks.live(environment, environment_name="hotpass-staging", hotpass_root=tmp_path)
    with pytest.raises(errors.IdentityRefused), live:
        pass
