"""The Compose files and what is handed to them: pinned, on loopback, healthy by real checks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.procedures.compose import plans


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tag, as which a list replaces the one below it."""


def _override(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node)


_Loader.add_constructor("!override", _override)


def services(file: Path) -> dict[str, Any]:
    body = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # a safe one
    known: dict[str, Any] = body["services"]
    return known


def published(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, service in known.items():
        for port in service.get("ports", ()):
            yield name, port


OWN = services(plans.OWN_FILE)
OVERLAY = services(plans.OVERLAY)


def test_own_file_has_the_stack() -> None:
    """The lineage service with its database and page, and Prefect."""
    assert OWN.keys() == {"marquez", "marquez-web", "postgres", "prefect"}


@pytest.mark.parametrize("known", [OWN, OVERLAY], ids=["own", "overlay"])
def test_ports_are_on_loopback_and_overridable(known: dict[str, Any]) -> None:
    """No other machine reaches the stack, and every port can be moved by a variable we know."""
    ports = list(published(known))
    assert len(ports) >= 4
    for name, port in ports:
        told = re.fullmatch(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)", port)
        assert told, (name, port)
        assert told[1] in plans.PORTS


@pytest.mark.parametrize("name", OWN)
def test_every_service_is_checked_and_its_image_pinned(name: str) -> None:
    """A health check of its own, and an image by variable with a release as its default."""
    assert OWN[name]["healthcheck"]["test"][0] == "CMD"
    told = re.fullmatch(r"\$\{(\w+):-([\w./-]+):(\d+\.\d+[\w.-]*)\}", OWN[name]["image"])
    assert told, OWN[name]["image"]
    assert told[1] in plans.IMAGES
    assert "." not in told[2].partition("/")[0], "a registry's host is named"


@pytest.mark.parametrize(
    ("known", "database"),
    [
        pytest.param(OWN, "postgres", id="own"),
        pytest.param(OVERLAY, "marquez-db", id="overlay"),
    ],
)
def test_lineage_service_waits_for_its_database(known: dict[str, Any], database: str) -> None:
    """It migrates once, at its start: without a healthy database it leaves."""
    assert known["marquez"]["depends_on"][database]["condition"] == "service_healthy"
    assert known[database]["healthcheck"]


@pytest.mark.parametrize("known", [OWN, OVERLAY], ids=["own", "overlay"])
def test_no_search_engine_is_looked_for(known: dict[str, Any]) -> None:
    """Else every event leaves an ERROR in the log that is archived."""
    assert known["marquez"]["environment"]["SEARCH_ENABLED"] == "false"


def test_own_stack_takes_free_ports() -> None:
    """Two runs beside each other share nothing; a port that is asked for is kept."""
    one, other = plans.own({}), plans.own({"MARQUEZ_PORT": "5000"})
    assert set(one.variables.values()) == {"0"}
    assert other.variables["MARQUEZ_PORT"] == "5000"
    assert one.project != other.project
    assert one.services == ("prefect", "marquez", "marquez-web")
    assert not one.build


def test_exchanged_images_are_deviations() -> None:
    """An image that is not the default is handed over, and told."""
    plan = plans.own({"MARQUEZ_IMAGE": "recorder:1", "HOME": "/root"})
    assert plan.variables["MARQUEZ_IMAGE"] == "recorder:1"
    assert "HOME" not in plan.variables
    assert "MARQUEZ_IMAGE is recorder:1" in plan.deviations


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(plans.own, id="own"),
        pytest.param(lambda given: plans.hotpass(Path("/h"), given), id="hotpass"),
    ],
)
def test_page_is_left_out_by_its_name_alone(make: Any) -> None:
    """Only `none` leaves it out, and says why nothing can be taken a picture of."""
    assert "marquez-web" in make({}).services
    assert not make({}).without_web
    plan = make({"MARQUEZ_WEB_IMAGE": "none"})
    assert "marquez-web" not in plan.services
    assert "MARQUEZ_WEB_IMAGE is none" in plan.without_web


def test_hotpass_stack_is_the_run_books(known_runbook: list[str]) -> None:
    """Exactly the run-book's words, its file first, ours over it, the page beside them."""
    plan = plans.hotpass(Path("/h"), {})
    assert plan.files == (Path("/h/deploy/docker/docker-compose.yml"), plans.OVERLAY)
    assert plan.cwd == Path("/h/deploy/docker")
    assert plan.build
    assert list(plan.services) == [*known_runbook, "marquez-web"]
    assert len(plan.deviations) == len(plans.HOTPASS_DEVIATIONS)
    assert plan.variables == {}


@pytest.fixture
def known_runbook(pytestconfig: pytest.Config) -> list[str]:
    """Services the run-book's own command names."""
    body = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))
    argv = body["tool"]["rehearsals"]["words"]["marquez"]["commands"]["stack"]
    return [str(word) for word in argv[argv.index("-d") + 1 :]]
