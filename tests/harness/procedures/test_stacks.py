"""Stacks: embedded ones come and go whole; live ones say everything that is missing."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fixtures.clients import browser, hotpass
from fixtures.clients.hotpass import Hotpass
from fixtures.core import errors, taint
from fixtures.core.records.systems import Provenance, System
from fixtures.core.settings import EnvironmentTable, MarquezTable, Settings
from fixtures.procedures import linkage_stack, prefect_server, stacks
from tests.harness import fake_docker

EMPTY = EnvironmentTable(provenance={})
RUNNING = EnvironmentTable(
    provenance={},
    marquez_url="http://127.0.0.1:1",
    marquez_admin_url="http://127.0.0.1:2",
    marquez_ui_url="http://127.0.0.1:3",
    marquez_log=(sys.executable, "-c", "print('a line of the log')"),
)


def without_prefect(known: Settings) -> MarquezTable:
    return known.words.marquez.model_copy(update={"prefect": "none"})


def recorder_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "marquez-recorder"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Directory that looks like a Hotpass checkout, without history."""
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


@pytest.fixture
def no_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process in which nothing simulated exists yet."""
    monkeypatch.setattr(taint, "_marks", [])


@pytest.mark.usefixtures("no_marks")
def test_embedded_stack_answers_and_goes_away(known: Settings) -> None:
    """While open it answers and taints; afterwards no thread and no directory is left."""
    before = recorder_threads()
    with stacks.embedded(without_prefect(known), browser_asked=browser.NO_BROWSER) as stack:
        assert stack.marquez.health()["healthcheck"]
        assert len(list((stack.scratch / "data").iterdir())) == 2
        assert b"SIMULATED" in b"".join(stack.service_log())
        assert [each.provenance for each in stack.systems] == [Provenance.SIMULATED] * 2
        assert stack.browser is None
        scratch = stack.scratch
    assert not scratch.exists()
    assert recorder_threads() == before
    assert len(taint.marks()) == 2
    with pytest.raises(errors.SystemUnreachable):
        stack.marquez.health()


def test_embedded_stack_goes_away_when_the_body_raises(known: Settings) -> None:
    """An error inside ends everything as well."""
    before, seen = recorder_threads(), []

    def body() -> None:
        with stacks.embedded(without_prefect(known)) as stack:
            seen.append(stack.scratch)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        body()
    [scratch] = seen
    assert scratch.name.startswith("rehearsal-")
    assert not scratch.exists()
    assert recorder_threads() == before


def test_embedded_stack_goes_away_when_it_does_not_come_up(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failing half-way leaves nothing: the server already runs when the inputs are written."""

    def refuse(_: Path) -> None:
        raise OSError("no room")

    before = recorder_threads()
    monkeypatch.setattr("fixtures.simulators.hotpass.inputs.write_synthetic_inputs", refuse)
    with pytest.raises(OSError, match="no room"), stacks.embedded(without_prefect(known)):
        pytest.fail("the body must not run")
    assert recorder_threads() == before


def test_embedded_stack_takes_a_real_command(known: Settings, checkout: Path) -> None:
    """With a checkout the run-book's own command runs in it; the recorder stays simulated."""
    with stacks.embedded(without_prefect(known), hotpass_root=checkout) as stack:
        assert stack.hotpass.prefix == hotpass.RUNBOOK_PREFIX
        assert stack.hotpass.root == checkout
        assert not stack.hotpass.variables


def test_checkout_is_proved_by_its_commit(known: Settings, checkout: Path) -> None:
    """A commit is the identity of a checkout; without one it counts as simulated."""
    with stacks.embedded(without_prefect(known), hotpass_root=checkout) as stack:
        assert stack.systems[1].provenance is Provenance.SIMULATED
        assert "commit is not known" in stack.systems[1].detail
    git = ["git", "-C", str(checkout), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    with stacks.embedded(without_prefect(known), hotpass_root=checkout) as stack:
        assert stack.systems[1].provenance is Provenance.LOCAL
        assert len(stack.systems[1].identity["git commit"]) == 40


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param("settings", "REHEARSAL_WORDS__MARQUEZ__PREFECT is none", id="switched-off"),
        pytest.param("install", "hotpass-rehearsals[backfill]", id="not-installed"),
    ],
)
def test_without_prefect_the_optional_step_is_left_out(
    known: Settings, monkeypatch: pytest.MonkeyPatch, spoil: str, told: str
) -> None:
    """Nothing of Prefect is started, and the reason says how to have it."""
    table = without_prefect(known) if spoil == "settings" else known.words.marquez
    if spoil == "install":
        monkeypatch.setattr(prefect_server, "installed", lambda: "")
    with stacks.embedded(table, browser_asked=browser.NO_BROWSER) as stack:
        assert stack.prefect is None
        assert told in stack.linkage
        assert "prefect deployment ls" in stack.linkage
        assert {each.name for each in stack.systems} == {"marquez", "hotpass"}


def test_running_stack_says_why_it_has_no_prefect(
    known: Settings, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that does not answer, or none at all, leaves the optional step out."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for url, told in (("", "set PREFECT_API_URL"), ("http://127.0.0.1:9/api", "unreachable")):
        environment = RUNNING.model_copy(update={"prefect_api_url": url})
        with stacks.live(
            known.words.marquez,
            environment,
            environment_name="hotpass-staging",
            hotpass_root=checkout,
            browser_asked=browser.NO_BROWSER,
        ) as stack:
            assert stack.prefect is None
            assert told in stack.linkage


@pytest.mark.usefixtures("no_marks")
def test_flow_is_that_of_the_command(known: Settings, checkout: Path, tmp_path: Path) -> None:
    """A checkout's own flow is run by its own Prefect, and nothing simulated comes near it."""
    command = Hotpass(prefix=hotpass.RUNBOOK_PREFIX, root=checkout, variables={})
    system = System(name="prefect", claimed=Provenance.LOCAL, identity={"server version": "3"})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with contextlib.ExitStack() as cleanup:
        side = stacks.beside_prefect(
            system,
            "http://127.0.0.1:9/api",
            known.words.marquez,
            command=command,
            scratch=scratch,
            lineage_url="http://127.0.0.1:5000",
            cleanup=cleanup,
        )
        assert side is not None
        assert (side.command, side.cwd) == (("uv", "run", "prefect"), checkout)
        assert side.variables["PREFECT_API_URL"] == "http://127.0.0.1:9/api"
        assert not [name for name in side.variables if "DATABASE" in name]
        with pytest.raises(errors.SystemUnreachable):
            side.ready()
    flow = linkage_stack.checkout_flow(checkout, lineage_url="http://x", namespace="n")
    assert (flow.folder, flow.entrypoint) == (checkout, linkage_stack.CHECKOUT_FLOW)
    assert flow.variables["OPENLINEAGE_URL"] == "http://x"
    assert not taint.marks()


def missing(
    *, environment: EnvironmentTable = EMPTY, stack: str = "running", root: Path | None = None
) -> list[str]:
    return stacks.missing_live(
        environment, environment_name="hotpass-staging", stack=stack, hotpass_root=root
    )


def test_everything_missing_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing configured: one line each, with the way to provide it."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    lines = missing()
    assert len(lines) == 6
    for what in (
        "--hotpass-root PATH",
        "pip install uv",
        "REHEARSAL_ENVIRONMENTS__HOTPASS_STAGING__MARQUEZ_URL",
        "REHEARSAL_ENVIRONMENTS__HOTPASS_STAGING__MARQUEZ_ADMIN_URL",
        "REHEARSAL_ENVIRONMENTS__HOTPASS_STAGING__MARQUEZ_UI_URL",
        "REHEARSAL_ENVIRONMENTS__HOTPASS_STAGING__MARQUEZ_LOG",
    ):
        assert len([line for line in lines if line.endswith(what) or f"{what}," in line]) == 1


def test_variables_named_are_the_ones_read(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """Setting exactly what the list names leaves nothing missing."""
    from fixtures.core import settings

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    for line in missing(root=pytestconfig.rootpath):
        name = line.partition(": set ")[2].partition(",")[0]
        log = '["docker", "logs"]'
        monkeypatch.setenv(name, log if name.endswith("_LOG") else "http://127.0.0.1:1")
    again = settings.load(pytestconfig.rootpath / "pyproject.toml")
    environment = again.environments["hotpass-staging"]
    assert not missing(environment=environment, root=pytestconfig.rootpath)


def test_directory_that_is_no_checkout_is_missing(tmp_path: Path) -> None:
    """A directory without a pyproject.toml is named as what it is not."""
    assert any(str(tmp_path) in line for line in missing(environment=RUNNING, root=tmp_path))


def test_compose_needs_the_run_books_file_and_docker(
    monkeypatch: pytest.MonkeyPatch, checkout: Path, tmp_path: Path
) -> None:
    """What a Compose stack lacks: its file, and an engine, told with its code."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    file, docker = missing(stack="compose", root=checkout)
    assert "deploy/docker/docker-compose.yml is not there" in file
    assert docker.startswith("Docker with Compose v2: Install an engine")
    assert "[engine-missing]" in docker
    fake_docker.installed(tmp_path, monkeypatch)
    (checkout / stacks.COMPOSE_FILE).parent.mkdir(parents=True)
    (checkout / stacks.COMPOSE_FILE).touch()
    assert not missing(stack="compose", root=checkout)


@pytest.mark.parametrize("url", ["http://m:5000/api/v1", "http://m:5000/api/v1/"])
def test_lineage_url_that_loses_every_event(known: Settings, checkout: Path, url: str) -> None:
    """The client appends the path by itself: a URL that has it is refused, not tried."""
    environment = RUNNING.model_copy(update={"marquez_url": url})
    with (
        pytest.raises(errors.LineageUrlWrong) as refused,
        stacks.live(
            known.words.marquez,
            environment,
            environment_name="hotpass-staging",
            hotpass_root=checkout,
        ),
    ):
        pytest.fail("the body must not run")
    assert refused.value.hint.startswith("Use http://m:5000:")


@pytest.mark.usefixtures("no_marks")
def test_live_never_falls_back_to_a_simulator(known: Settings) -> None:
    """What is missing is told, and nothing simulated was made for want of it."""
    with (
        pytest.raises(errors.PrerequisitesMissing) as caught,
        stacks.live(
            known.words.marquez,
            EMPTY,
            environment_name="hotpass-staging",
            hotpass_root=None,
        ),
    ):
        pytest.fail("the body must not run")
    assert caught.value.code == "prerequisites-missing"
    assert len(caught.value.missing) >= 2
    assert "nothing was started" in caught.value.hint
    assert taint.marks() == ()


@pytest.mark.usefixtures("no_marks")
def test_live_over_a_running_stack(
    known: Settings, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is configured is used as it is; nothing proves it, so it counts as simulated."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with stacks.live(
        known.words.marquez,
        RUNNING,
        environment_name="hotpass-staging",
        hotpass_root=checkout,
        browser_asked=browser.NO_BROWSER,
    ) as stack:
        assert stack.marquez.api_url == RUNNING.marquez_url
        assert stack.hotpass.prefix == hotpass.RUNBOOK_PREFIX
        assert b"".join(stack.service_log()) == b"a line of the log\n"
        assert stack.systems[0].claimed is Provenance.LOCAL
        assert stack.systems[0].provenance is Provenance.SIMULATED
        scratch = stack.scratch
    assert not scratch.exists()
    assert taint.marks() == ()


def test_another_system_than_the_pinned_one_is_refused() -> None:
    """Every strange fact in one list; what is not pinned may be any."""
    systems = [
        System(name="marquez", claimed=Provenance.LOCAL, identity={"digest": "sha256:b"}),
        System(name="hotpass", claimed=Provenance.LOCAL, identity={"git commit": "c"}),
    ]
    pins = {"marquez": {"digest": "sha256:a", "version": "1"}, "hotpass": {"git commit": "c"}}
    environment = EnvironmentTable(provenance={}, identity=pins)
    with pytest.raises(errors.IdentityRefused) as refused:
        stacks.refuse_strangers(systems, environment, environment_name="hotpass-staging")
    assert "marquez, digest: expected sha256:a, found sha256:b" in refused.value.message
    assert "marquez, version: expected 1, found nothing" in refused.value.message
    assert "hotpass" not in refused.value.message.replace("hotpass-staging", "")
    fitting = EnvironmentTable(provenance={}, identity={"hotpass": {"git commit": "c"}})
    stacks.refuse_strangers(systems, fitting, environment_name="hotpass-staging")


def test_log_command_that_fails_is_refused_after_its_output(tmp_path: Path) -> None:
    """What it printed is handed over first: it may say why."""
    argv = (sys.executable, "-c", "print('no such container'); raise SystemExit(3)")
    pieces = stacks._output_of(argv, cwd=tmp_path)
    assert next(pieces) == b"no such container\n"
    with pytest.raises(errors.SystemRefused, match="ended with exit code 3") as caught:
        next(pieces)
    assert "marquez_log" in caught.value.hint
