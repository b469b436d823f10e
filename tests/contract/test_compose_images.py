"""The image builder without an engine: what a tag stands for, what is missing, what is reused."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from fixtures.core import errors
from tests.contract import jar
from tests.harness import fake_docker
from tests.harness.fake_docker import FakeDocker
from tests.images import build, roots

TARGETS = """http://mirror.example/debian/|bookworm|main
http://mirror.example/debian/|bookworm-updates|main
http://mirror.example/debian/|bookworm-backports|main
http://mirror.example/debian-security/|bookworm-security|main
http://other.example/apt|cloud-sdk-bookworm|main
http://mirror.example/debian/|bookworm|non-free"""
POLICY = "postgresql-15:\n  Installed: (none)\n  Candidate: {version}\n"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """A Debian machine whose `docker` and apt answer what a test wants."""
    fake = fake_docker.installed(tmp_path, monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        platform,
        "freedesktop_os_release",
        lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"},
    )
    program(fake, "apt-get", TARGETS)
    program(fake, "apt-cache", POLICY.format(version="15.9-0"))
    return fake


def program(fake: FakeDocker, name: str, said: str) -> None:
    path = fake.folder / "bin" / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n", encoding="utf-8")
    path.chmod(0o755)


def an_image(folder: Path, **changes: object) -> build.Image:
    (folder / "Dockerfile").write_text("FROM x\n", encoding="utf-8")
    body = {"name": "one", "variable": "ONE_IMAGE", "files": {"d": folder}, **changes}
    return build.Image(**body)  # type: ignore[arg-type]  # a test's shorthand


def test_source_is_the_machines_own_release(docker: FakeDocker) -> None:
    """Its main archive, updates and security; neither backports nor anybody else's packages."""
    known = roots.source()
    assert known.codename == "bookworm"
    assert [line.split()[2] for line in known.lines] == [
        "bookworm-security",
        "bookworm",
        "bookworm-updates",
    ]


def test_no_debian_is_told(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another system the way is to name images that a registry has."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "fedora"})
    with pytest.raises(errors.PrerequisitesMissing, match="this is fedora") as refused:
        roots.source()
    assert "POSTGRES_IMAGE" in refused.value.hint


def test_package_that_is_not_to_be_had(docker: FakeDocker) -> None:
    """It is named before anything is built."""
    program(docker, "apt-cache", POLICY.format(version="(none)"))
    with pytest.raises(errors.PrerequisitesMissing, match="postgresql-15"):
        roots.candidates(("postgresql-15",))


def test_root_cannot_be_packed_without_its_tool(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool is named, with the command that installs it."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(errors.PrerequisitesMissing, match="mmdebstrap"):
        roots.pack((), roots.Source((), "bookworm"), tmp_path / "root.tar")


def test_tag_stands_for_everything_it_is_made_of(docker: FakeDocker, tmp_path: Path) -> None:
    """A changed file, requirement or package version makes another image."""
    folder = tmp_path / "files"
    folder.mkdir()
    known = roots.source()
    tag = build._tag(an_image(folder), "root:1")
    assert tag == build._tag(an_image(folder), "root:1")
    assert tag != build._tag(an_image(folder), "root:2")
    assert tag != build._tag(an_image(folder, requirements=("x==1",)), "root:1")
    (folder / "more").write_text("", encoding="utf-8")
    assert tag != build._tag(an_image(folder), "root:1")
    root = build._root_tag(("postgresql-15",), known)
    program(docker, "apt-cache", POLICY.format(version="15.10-0"))
    assert root != build._root_tag(("postgresql-15",), known)


def test_image_that_is_there_is_not_made_again(docker: FakeDocker, tmp_path: Path) -> None:
    """Nothing is packed, fetched or built; the variable names what is there."""
    folder = tmp_path / "files"
    folder.mkdir()
    made = build.build([an_image(folder)], say=lambda _: pytest.fail("nothing to say"))
    assert made["ONE_IMAGE"].startswith("hotpass-rehearsals/one:")
    assert made["MARQUEZ_WEB_IMAGE"] == "none"
    assert {line.split()[1] for line in docker.asked} == {"inspect"}


def test_lineage_service_needs_its_jar(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No jar, no image of the service; the stand-in never takes its place by itself."""
    monkeypatch.setenv(jar.VARIABLE, str(tmp_path / "nowhere.jar"))
    with pytest.raises(errors.PrerequisitesMissing, match="is no file"):
        build.images(marquez=True)
    assert {each.name for each in build.images(marquez=False)} == {
        "postgres",
        "prefect",
        "recorder",
    }


def test_stand_in_says_that_it_is_one() -> None:
    """The label the harness reads is in its recipe, and in no other."""
    label = 'hotpass-rehearsals.provenance="simulated"'
    recipes = {path.parent.name: path.read_text() for path in build.HERE.glob("*/Dockerfile")}
    assert {name for name, text in recipes.items() if label in text} == {"recorder"}
