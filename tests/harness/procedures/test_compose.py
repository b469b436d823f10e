"""The Compose stack without an engine: what is asked, in which order, and what trouble means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.clients import compose
from fixtures.core import errors, taint
from fixtures.core.records.systems import Provenance
from fixtures.core.settings import EnvironmentTable, Settings
from fixtures.procedures.compose import identity, opening, project, readiness
from fixtures.procedures.compose.plans import Plan
from tests.harness import fake_docker
from tests.harness.fake_docker import FakeDocker, a_row, healthy

READY_S = 5.0


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Program that answers in place of `docker`."""
    return fake_docker.installed(tmp_path, monkeypatch)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Folder for what a stack says."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Stack of two services named and one that comes along."""
    return Plan(
        files=(tmp_path / "compose.yml",),
        cwd=tmp_path,
        services=("prefect", "marquez"),
        build=False,
        database="postgres",
    )


def trouble_of(plan: Plan, logs: Path, *, timeout_s: float = READY_S) -> errors.HarnessError:
    with (
        pytest.raises(errors.HarnessError) as refused,
        project.brought_up(plan, folder=logs, timeout_s=timeout_s),
    ):
        pytest.fail("it came up")
    return refused.value


def test_up_then_ready_then_gone(docker: FakeDocker, plan: Plan, logs: Path) -> None:
    """Read the file, bring up what is named, look until ready; at the end down, and look again."""
    with project.brought_up(plan, folder=logs, timeout_s=READY_S) as running:
        assert [each.name for each in running.services] == ["marquez", "postgres", "prefect"]
        assert running.url("marquez", 5000) == "http://127.0.0.1:32768"
        assert "down" not in docker.verbs()
        [up] = [line for line in docker.asked if " up " in line]
        assert up.endswith(" up --detach prefect marquez")
        assert f"--project-name {plan.project}" in up
    verbs = docker.verbs()
    assert verbs.index("config") < verbs.index("up") < verbs.index("ps") < verbs.index("down")
    [down] = [line for line in docker.asked if " down " in line]
    assert "--volumes" in down
    looked = docker.asked[docker.asked.index(down) + 1 :]
    assert {line.split()[0] for line in looked} == set(compose.KINDS)
    assert len(looked) == len(compose.KINDS) * project.QUIET_LOOKS


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param("version-version", "engine-refused", id="no-engine"),
        pytest.param("compose-version", "compose-too-old", id="no-compose"),
        pytest.param("compose-config", "compose-file-invalid", id="no-file"),
    ],
)
def test_nothing_is_started_when_it_cannot_be(
    docker: FakeDocker, plan: Plan, logs: Path, broken: str, code: str
) -> None:
    """What is missing is found before anything is brought up, so nothing is taken down."""
    said = {
        "version-version": "Cannot connect to the Docker daemon at unix:///x.sock.",
        "compose-version": "docker: 'compose' is not a docker command.",
        "compose-config": "yaml: line 2: did not find expected node content",
    }
    docker.answer(broken, said[broken], code=1)
    assert trouble_of(plan, logs).code == code
    assert not {"up", "down"} & set(docker.verbs())


def test_failed_up_is_taken_down_after_its_logs_are_kept(
    docker: FakeDocker, plan: Plan, logs: Path
) -> None:
    """pytest-docker's gap: a stack that came up by half is gone, and its logs are here."""
    docker.answer("compose-up", "Error response from daemon: something new", code=1)
    docker.answer("compose-logs", "postgres-1  | a last word")
    trouble = trouble_of(plan, logs)
    assert trouble.code == "stack-not-up"
    assert "something new" in trouble.message
    kept = {path.name for path in logs.iterdir()}
    assert kept == {"stack.log", "marquez.log", "postgres.log", "prefect.log"}
    assert (logs / "postgres.log").read_bytes() == b"a last word\n"
    verbs = docker.verbs()
    assert verbs.index("logs") < verbs.index("down")


def test_dependency_that_ended_is_told_by_its_log(
    docker: FakeDocker, plan: Plan, logs: Path
) -> None:
    """Compose only says that a dependency failed; the services say why."""
    docker.answer("compose-up", "dependency failed to start: container x exited (1)", code=1)
    docker.containers(
        a_row("postgres", State="exited", Health="", ExitCode=1),
        a_row("marquez", State="created", Health=""),
        a_row("prefect", Health="starting"),
    )
    docker.answer("compose-logs", "postgres-1  | FATAL: no space left on device")
    trouble = trouble_of(plan, logs)
    assert trouble.code == "service-died"
    for told in ("postgres exited (1)", "marquez created", "prefect running, starting"):
        assert told in trouble.message
    assert "| FATAL: no space left on device" in trouble.message


@pytest.mark.parametrize(
    ("row", "log", "code"),
    [
        pytest.param(
            a_row("marquez", State="exited", Health="", ExitCode=1),
            "marquez-1  | org.postgresql.util.PSQLException: ERROR: permission denied for schema "
            "public",
            "schema-refused",
            id="postgresql-refuses-the-schema",
        ),
        pytest.param(
            a_row("marquez", State="exited", Health="", ExitCode=137),
            "marquez-1  | INFO listening",
            "service-died",
            id="dies-after-it-was-healthy",
        ),
        pytest.param(
            a_row("marquez", State="restarting", Health=""),
            "marquez-1  | INFO listening",
            "service-died",
            id="starts-again-and-again",
        ),
        pytest.param(
            a_row("marquez", Health="unhealthy"),
            "marquez-1  | INFO listening",
            "service-unhealthy",
            id="never-healthy",
        ),
    ],
)
def test_service_that_is_lost(
    docker: FakeDocker, plan: Plan, logs: Path, row: dict[str, object], log: str, code: str
) -> None:
    """The wait ends at once, with the cause, every state and the log's tail."""
    docker.containers(row, a_row("postgres"), a_row("prefect"))
    docker.answer("compose-logs", log)
    trouble = trouble_of(plan, logs, timeout_s=60.0)
    assert trouble.code == code
    assert "postgres running, healthy" in trouble.message
    assert log.partition("| ")[2] in trouble.message
    assert "down" in docker.verbs()


@pytest.mark.parametrize("up", ["exit 0\n", "exec sleep 30\n"], ids=["after-up", "within-up"])
def test_deadline_names_who_was_not_ready(
    docker: FakeDocker, plan: Plan, logs: Path, up: str
) -> None:
    """A service without a container by then is told too."""
    docker.containers(a_row("marquez", Health="starting"), a_row("postgres"))
    docker.answer("compose-logs", "marquez-1  | migrating")
    docker.script("compose-up", up)
    trouble = trouble_of(plan, logs, timeout_s=0.3)
    assert trouble.code == "service-unhealthy"
    assert "marquez running, starting after 0.3 s" in trouble.message
    assert "prefect not created" in trouble.message
    assert "| migrating" in trouble.message


def test_ready_is_all_of_them(docker: FakeDocker, plan: Plan, logs: Path) -> None:
    """Two healthy of three are not a stack."""
    docker.containers(*healthy()[:2])
    assert trouble_of(plan, logs, timeout_s=0.3).code == "service-unhealthy"


def test_ctrl_c_while_coming_up_takes_down(
    docker: FakeDocker, plan: Plan, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to be ready to be taken down."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compose.Compose, "up", stop)
    with (
        pytest.raises(KeyboardInterrupt),
        project.brought_up(plan, folder=logs, timeout_s=READY_S),
    ):
        pytest.fail("it came up")
    assert docker.verbs()[-1] == "down"


def test_error_inside_takes_down(docker: FakeDocker, plan: Plan, logs: Path) -> None:
    """Whatever ends the block, the stack goes."""
    with (
        pytest.raises(RuntimeError, match="boom"),
        project.brought_up(plan, folder=logs, timeout_s=READY_S),
    ):
        raise RuntimeError("boom")
    assert docker.verbs()[-1] == "down"


def test_what_down_leaves_is_removed_by_force(docker: FakeDocker, plan: Plan, logs: Path) -> None:
    """Compose refuses to take down: what it left is found by its label, and goes."""
    docker.answer("compose-down", "Error response from daemon: busy", code=1)
    there = docker.folder / "there"
    there.touch()
    docker.script("container-ls", f"[ ! -e {there} ] || echo stubborn\n")
    docker.script("container-rm", f"rm -f {there}\n")
    with project.brought_up(plan, folder=logs, timeout_s=READY_S):
        pass
    assert any(line == "container rm --force --volumes stubborn" for line in docker.asked), (
        docker.asked
    )


def test_what_refuses_to_die_is_told(
    docker: FakeDocker, plan: Plan, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that does not go is no success: what is left, and the command to try."""
    monkeypatch.setattr(project, "GONE_S", 0.0)
    docker.answer("volume-ls", "hotpass-rehearsal_postgres")
    with (
        pytest.raises(errors.StackLeftBehind) as left,
        project.brought_up(plan, folder=logs, timeout_s=READY_S),
    ):
        pass
    assert "hotpass-rehearsal_postgres" in left.value.message
    assert f"docker compose -p {plan.project} down -v" in left.value.hint


def test_silence_is_explained_by_a_dead_service(
    docker: FakeDocker, plan: Plan, logs: Path
) -> None:
    """No answer, and a container that ended meanwhile: the latter is the trouble."""
    silence = errors.SystemUnreachable("no answer", hint="Look.")
    with project.brought_up(plan, folder=logs, timeout_s=READY_S) as running:
        assert running.explain(silence) is silence
        docker.containers(a_row("marquez", State="exited", Health="", ExitCode=137))
        assert running.explain(silence).code == "service-died"
        docker.answer("compose-ps", "Cannot connect to the Docker daemon", code=1)
        assert running.explain(silence) is silence


@pytest.mark.parametrize(
    ("asked", "all_of_them"),
    [
        (["marquez"], ("marquez", "postgres")),
        (["prefect"], ("prefect",)),
        (["prefect", "marquez"], ("marquez", "postgres", "prefect")),
    ],
)
def test_wanted_is_what_is_named_and_what_it_depends_on(
    asked: list[str], all_of_them: tuple[str, ...]
) -> None:
    """Nothing else of the file is waited for."""
    assert readiness.wanted(fake_docker.CONFIG, asked) == all_of_them


def test_service_that_is_not_in_the_file() -> None:
    """Another file than the run-book's is told by what it has."""
    with pytest.raises(errors.ComposeFileInvalid, match="other, postgres, prefect"):
        readiness.wanted(fake_docker.CONFIG, ["hotpass-web"])


def test_images_are_proved_by_digest_or_id(docker: FakeDocker, plan: Plan, logs: Path) -> None:
    """The digest a registry gave, else the id; a name can be given to anything."""
    docker.script(
        "image-inspect",
        'echo \'{"Id": "a", "Config": {"Labels": null}, "RepoDigests": ["m@sha256:1"]}\'\n' * 2
        + 'echo \'{"Id": "b", "Config": {}, "RepoDigests": []}\'\n',
    )
    with project.brought_up(plan, folder=logs, timeout_s=READY_S) as running:
        proofs = {name: image.proof for name, image in running.images.items()}
    assert proofs["marquez"] == "m@sha256:1"
    assert proofs["prefect"] == "sha256:of-id-prefect"


@pytest.mark.parametrize("who", ["marquez", "postgres"])
def test_stand_in_is_simulated_whatever_stands_beside_it(
    docker: FakeDocker, plan: Plan, logs: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One labelled image makes the lineage service simulated, marks the process, and is told."""
    monkeypatch.setattr(taint, "_marks", [])
    ports = [{"TargetPort": 4200, "PublishedPort": 1, "Protocol": "tcp"}]
    docker.containers(*healthy()[:2], a_row("prefect", Publishers=ports))
    labels = json.dumps({identity.SIMULATED_LABEL: "simulated"})
    docker.script(
        "image-inspect",
        'shift 4\nfor name in "$@"; do\n'
        f"  labels='{{}}'; [ $name != sha256:of-id-{who} ] || labels='{labels}'\n"
        '  printf \'{"Id": "%s", "Config": {"Labels": %s}}\\n\' $name "$labels"\n'
        "done\n",
    )
    with project.brought_up(plan, folder=logs, timeout_s=READY_S) as running:
        marquez, prefect = identity.systems(running)
    assert marquez.provenance is Provenance.SIMULATED
    assert not marquez.identity
    assert who in marquez.detail
    assert prefect.provenance is Provenance.LOCAL
    assert taint.marks() == (f"the image {who}:1 in place of {who}",)


def test_real_images_prove_the_lineage_service(
    docker: FakeDocker, plan: Plan, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a stand-in the images, the database's version and its tables are its identity."""
    monkeypatch.setattr(taint, "_marks", [])
    ports = [{"TargetPort": 4200, "PublishedPort": 1, "Protocol": "tcp"}]
    docker.containers(*healthy()[:2], a_row("prefect", Publishers=ports))
    docker.script(
        "compose-exec",
        "case $* in *--version) echo 'postgres (PostgreSQL) 15.9';; *psql*) echo '82 migrations';;"
        " esac\n",
    )
    with project.brought_up(plan, folder=logs, timeout_s=READY_S) as running:
        marquez, _ = identity.systems(running)
    assert marquez.provenance is Provenance.LOCAL
    assert marquez.identity == {
        "image of marquez": "sha256:of-id-marquez",
        "image of postgres": "sha256:of-id-postgres",
        "database": "postgres (PostgreSQL) 15.9",
        "schema": "82 migrations",
    }
    assert taint.marks() == ()


def test_live_lists_everything_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, known: Settings, tmp_path: Path, logs: Path
) -> None:
    """Neither a checkout, uv nor Docker: one list, and nothing was started."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(errors.PrerequisitesMissing) as refused,
        opening.live(
            known.words.marquez,
            EnvironmentTable(provenance={}),
            environment_name="hotpass-staging",
            hotpass_root=None,
            logs=logs,
        ),
    ):
        pytest.fail("it came up")
    told = "\n".join(refused.value.missing)
    for what in ("--hotpass-root PATH", "pip install uv", "[engine-missing]"):
        assert what in told
    assert len(refused.value.missing) == 3
