"""The Compose stack with a real engine: up, proved, refused in every known way, and gone."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from fixtures.clients import compose
from fixtures.core import errors, taint, waits
from fixtures.core.records.systems import Provenance
from fixtures.procedures.compose import identity, plans, project
from fixtures.procedures.compose.plans import Plan

if TYPE_CHECKING:
    from pytest_docker.plugin import Services

    from fixtures.procedures.compose.project import Running

SOON_S = 30.0
REFUSED_SCHEMA = """
services:
  postgres:
    extends: {{file: {file}, service: postgres}}
  marquez:
    image: {image}
    depends_on: {{postgres: {{condition: service_healthy}}}}
    environment: {{PGPASSWORD: marquez}}
    entrypoint: [bash, -euc]
    command:
      - |
        psql -h postgres -U marquez -d marquez -c "CREATE ROLE app LOGIN PASSWORD 'marquez'"
        psql -h postgres -U app -d marquez -v ON_ERROR_STOP=1 -c "CREATE TABLE t ()"
volumes: {{postgres: }}
"""

HOTPASS = """
services:
  hotpass-web:
    image: {postgres}
    entrypoint: [sleep, "600"]
    ports: ["3001:80"]
    depends_on:
      prefect: {{condition: service_healthy}}
      marquez: {{condition: service_healthy}}
    networks: [hotpass-network]
  marquez:
    image: {marquez}
    ports: ["5000:5000", "5001:5001"]
    environment: ["POSTGRES_HOST=marquez-db"]
    depends_on: [marquez-db]
    networks: [hotpass-network]
    healthcheck:
      test: [CMD, bash, -c, "exec 3<>/dev/tcp/127.0.0.1/5001"]
      interval: 1s
  marquez-db:
    image: {postgres}
    ports: ["5432:5432"]
    environment: ["POSTGRES_DB=marquez", "POSTGRES_USER=marquez", "POSTGRES_PASSWORD=marquez"]
    networks: [hotpass-network]
    volumes: ["marquez-data:/var/lib/postgresql/data"]
  prefect:
    image: {prefect}
    command: prefect server start --host 0.0.0.0
    ports: ["4200:4200"]
    networks: [hotpass-network]
    healthcheck: {{test: [CMD, wget, "-qO-", "http://localhost:4200/api/health"], interval: 1s}}
  minio:
    image: {postgres}
    networks: [hotpass-network]
networks: {{hotpass-network: }}
volumes: {{marquez-data: }}
"""
"""Of the shape of Hotpass's own file, with its traps, on images that are here."""


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> None:
    """Leave to use the container engine of this machine."""
    if not request.config.getoption("--compose"):
        pytest.skip("needs a container engine: run with --compose, see tests/README.md")


@pytest.fixture
def image(engine: None) -> str:
    """An image that is here and has a shell: PostgreSQL's."""
    known = plans.own().variables.get("POSTGRES_IMAGE", "postgres:15.14")
    assert compose.is_here(known), f"{known} is not here; pull it, or run tests.images.build"
    return known


@pytest.fixture
def nothing_left(engine: None) -> Iterator[None]:
    """Whatever a test does, nothing of its projects outlives it."""
    before = left_behind()
    yield
    assert left_behind() == before


def a_plan(folder: Path, text: str) -> Plan:
    file = folder / "compose.yml"
    file.write_text(text, encoding="utf-8")
    services = tuple(re.findall(r"^  (\w+):", text.partition("volumes:")[0], re.MULTILINE))
    return Plan(
        files=(file,),
        cwd=folder,
        services=services,
        build=False,
        database="",
        variables=plans.own().variables,
    )


def a_service(image: str, command: str, *, more: str = "") -> str:
    return (
        f"services:\n  one:\n    image: {image}\n    entrypoint: [bash, -c]\n"
        f"    command: ['{command}']\n{more}"
    )


def left_behind() -> set[str]:
    found = set()
    for kind in compose.KINDS:
        every = ("--all",) if kind == "container" else ()
        label = f'{{{{.Label "{compose.PROJECT_LABEL}"}}}}'
        said = compose.ask("docker", kind, "ls", *every, "--format", label)
        found |= {f"{kind} {name}" for name in said.split() if "rehearsal" in name}
    return found


def trouble_of(plan: Plan, folder: Path, *, timeout_s: float = SOON_S) -> errors.HarnessError:
    with (
        pytest.raises(errors.HarnessError) as refused,
        project.brought_up(plan, folder=folder, timeout_s=timeout_s),
    ):
        pytest.fail("it came up")
    return refused.value


def test_stack_is_ready_and_on_loopback_only(composed: Running, docker_services: Services) -> None:
    """Every service is healthy when the stack is handed out, and none answers other machines."""
    assert all(each.health == "healthy" for each in composed.services)
    ids = [each.container for each in composed.services]
    for facts in compose.inspected("container", ids):
        for bound in (facts["HostConfig"]["PortBindings"] or {}).values():
            assert {each["HostIp"] for each in bound} == {"127.0.0.1"}
    api = f"http://127.0.0.1:{docker_services.port_for('marquez', 5000)}/api/v1/namespaces"
    assert requests.get(api, timeout=10).json()["namespaces"]


def test_stand_in_proves_nothing(composed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The label of a stand-in makes its system simulated, and a live run refuses it."""
    if not composed.images["marquez"].simulated:
        pytest.skip("the stack has the real lineage service")
    marquez, prefect = identity.systems(composed)
    assert marquez.provenance is Provenance.SIMULATED
    assert not marquez.identity
    assert prefect.provenance is Provenance.LOCAL
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", prefect.identity["server version"])
    monkeypatch.setattr(taint, "_forbidden", True)
    with pytest.raises(errors.SimulatorForbidden, match="in place of marquez"):
        identity.systems(composed)


def test_database_is_postgresql_15(composed: Running) -> None:
    """The database is a real PostgreSQL, of the release the lineage service is tried with."""
    assert composed.database.startswith("postgres (PostgreSQL) 15.")


@pytest.mark.usefixtures("nothing_left")
def test_service_that_dies_at_its_start(tmp_path: Path, image: str) -> None:
    """One that ends before it is healthy is told with its exit code and last lines."""
    plan = a_plan(tmp_path, a_service(image, "echo the reason; exit 3"))
    trouble = trouble_of(plan, tmp_path)
    assert trouble.code == "service-died"
    assert "one exited (3)" in trouble.message
    assert "| the reason" in trouble.message
    assert b"the reason" in (tmp_path / "one.log").read_bytes()


@pytest.mark.usefixtures("nothing_left")
def test_service_that_dies_after_it_was_healthy(tmp_path: Path, image: str) -> None:
    """One that ends while the rehearsal goes on explains why nobody answers."""
    more = "    healthcheck: {test: ['CMD', 'true'], interval: 1s}\n"
    plan = a_plan(tmp_path, a_service(image, "sleep 3; echo out of memory; exit 9", more=more))
    silence = errors.SystemUnreachable("no answer", hint="Look.")
    with project.brought_up(plan, folder=tmp_path, timeout_s=SOON_S) as up:
        waits.until(
            up.made.services,
            lambda seen: all(each.gone for each in seen),
            what="it to end",
            timeout_s=SOON_S,
            hint="",
        )
        trouble = up.explain(silence)
    assert trouble.code == "service-died"
    assert "| out of memory" in trouble.message


@pytest.mark.usefixtures("nothing_left")
def test_service_that_never_becomes_healthy(tmp_path: Path, image: str) -> None:
    """One that stays unhealthy ends the wait with its state and its log, before the deadline."""
    more = "    healthcheck: {test: ['CMD', 'false'], interval: 1s, retries: 1}\n"
    plan = a_plan(tmp_path, a_service(image, "echo waiting for godot; sleep 60", more=more))
    trouble = trouble_of(plan, tmp_path)
    assert trouble.code == "service-unhealthy"
    assert "unhealthy" in trouble.message
    assert "| waiting for godot" in trouble.message


@pytest.mark.usefixtures("nothing_left")
def test_service_that_is_too_slow(tmp_path: Path, image: str) -> None:
    """One that is still starting at the deadline is told as it was seen last."""
    more = "    healthcheck: {test: ['CMD', 'false'], interval: 1s, start_period: 60s}\n"
    plan = a_plan(tmp_path, a_service(image, "sleep 60", more=more))
    trouble = trouble_of(plan, tmp_path, timeout_s=3.0)
    assert trouble.code == "service-unhealthy"
    assert "starting after 3 s" in trouble.message


@pytest.mark.usefixtures("nothing_left")
def test_schema_that_postgresql_refuses(tmp_path: Path, image: str) -> None:
    """A role that may not make tables is told as that, in PostgreSQL's own words."""
    plan = a_plan(tmp_path, REFUSED_SCHEMA.format(file=plans.OWN_FILE, image=image))
    trouble = trouble_of(plan, tmp_path)
    assert trouble.code == "schema-refused"
    assert "permission denied for schema public" in trouble.message
    assert "OWNER TO" in trouble.hint


@pytest.mark.usefixtures("nothing_left")
def test_port_that_is_taken(tmp_path: Path, image: str) -> None:
    """The address is named, and the way to another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        more = f"    ports: ['127.0.0.1:{port}:80']\n"
        trouble = trouble_of(a_plan(tmp_path, a_service(image, "sleep 60", more=more)), tmp_path)
    assert trouble.code == "port-taken"
    assert f"127.0.0.1:{port}" in trouble.message


@pytest.mark.usefixtures("nothing_left")
def test_image_that_is_missing(tmp_path: Path, image: str) -> None:
    """Every image that is not here is named, and no container is left of those that are."""
    text = a_service(image, "sleep 60") + "  two:\n    image: localhost:1/nobody/nothing:1\n"
    trouble = trouble_of(a_plan(tmp_path, text), tmp_path)
    assert trouble.code == "image-missing"
    assert "localhost:1/nobody/nothing:1 of two" in trouble.message
    assert "tests.images.build" in trouble.hint


@pytest.mark.usefixtures("nothing_left")
def test_two_stacks_stand_beside_each_other(tmp_path: Path, image: str) -> None:
    """The same file twice on one machine: two projects, four different ports, both gone."""
    more = "    ports: ['127.0.0.1:0:80', '127.0.0.1:0:81']\n"
    with ExitStack() as both:
        ports = set()
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            plan = a_plan(folder, a_service(image, "sleep 60", more=more))
            up = both.enter_context(project.brought_up(plan, folder=folder, timeout_s=SOON_S))
            ports |= set(up.container("one").ports.values())
        assert len(ports) == 4


@pytest.mark.usefixtures("nothing_left")
def test_what_down_leaves_is_removed(
    tmp_path: Path, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when Compose takes nothing down: containers, network and volume are found and go."""
    more = "    volumes: [kept:/kept]\nvolumes: {kept: }\n"
    plan = a_plan(tmp_path, a_service(image, "sleep 60", more=more))
    monkeypatch.setattr(compose.Compose, "down", lambda _: None)
    with project.brought_up(plan, folder=tmp_path, timeout_s=SOON_S) as up:
        assert set(up.made.left()) == set(compose.KINDS)
    assert up.made.left() == {}


@pytest.mark.usefixtures("nothing_left")
def test_overlay_makes_the_run_books_stack_whole(tmp_path: Path, image: str) -> None:
    """Only what the run-book starts comes up, healthy, on loopback alone: with our overlay."""
    known = plans.own().variables
    if "MARQUEZ_IMAGE" not in known or "PREFECT_IMAGE" not in known:
        pytest.skip("needs images by variable: eval the lines of tests.images.build")
    root, logs = tmp_path / "hotpass", tmp_path / "logs"
    file = root / plans.HOTPASS_FILE
    file.parent.mkdir(parents=True)
    logs.mkdir()
    images = {"marquez": known["MARQUEZ_IMAGE"], "prefect": known["PREFECT_IMAGE"]}
    file.write_text(HOTPASS.format(postgres=image, **images), encoding="utf-8")
    plan = plans.hotpass(root, dict.fromkeys(plans.PORTS, "0") | {"MARQUEZ_WEB_IMAGE": "none"})
    with project.brought_up(plan, folder=logs, timeout_s=180.0) as up:
        names = {each.name for each in up.services}
        assert names == {"hotpass-web", "marquez", "marquez-db", "prefect"}
        assert {each.name for each in up.made.services()} == names
        assert not up.container("marquez-db").ports
        ids = [each.container for each in up.services]
        for facts in compose.inspected("container", ids):
            for bound in (facts["HostConfig"]["PortBindings"] or {}).values():
                assert {each["HostIp"] for each in bound} == {"127.0.0.1"}
        assert requests.get(up.url("prefect", 4200) + "/api/health", timeout=30).ok
