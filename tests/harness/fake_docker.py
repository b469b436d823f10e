"""A `docker` that is a few lines of shell: says what a test wants, writes down what it was asked.

Covers: one answer per verb, in place of the engine's.
Not here: what a real engine says; ``tests/contract/test_compose.py`` asks one.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """#!/bin/sh
key=$1
printf '%s\\n' "$*" >>{folder}/asked
for word in "$@"; do
  case $word in
    version|config|up|ps|logs|down|exec|inspect|ls|rm) key=$1-$word; break ;;
  esac
done
[ -f {folder}/$key ] || exit 0
. {folder}/$key
"""
CONFIG = {
    "services": {
        "marquez": {"image": "marquez:1", "depends_on": {"postgres": {}}},
        "other": {"image": "other:1"},
        "postgres": {"image": "postgres:1"},
        "prefect": {"image": "prefect:1"},
    }
}


@dataclass(frozen=True, slots=True)
class FakeDocker:
    """The program's folder, and what to put there."""

    folder: Path

    @property
    def asked(self) -> list[str]:
        """Every command line so far, without the word docker."""
        path = self.folder / "asked"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def verbs(self) -> list[str]:
        """The verbs asked of compose, in order."""
        known = {"config", "up", "ps", "logs", "down", "exec"}
        return [
            next((word for word in line.split() if word in known), line)
            for line in self.asked
            if line.startswith("compose")
        ]

    def answer(self, key: str, text: str = "", *, code: int = 0) -> None:
        """Answer a verb, such as ``compose-up`` or ``container-ls``, with text and exit code."""
        script = f"printf '%s\\n' {shlex.quote(text)}\n" if text else ""
        self.script(key, f"{script}exit {code}\n")

    def script(self, key: str, lines: str) -> None:
        """Answer a verb with lines of shell."""
        (self.folder / key).write_text(lines, encoding="utf-8")

    def containers(self, *rows: dict[str, Any]) -> None:
        """Answer ``docker compose ps``."""
        self.answer("compose-ps", "\n".join(json.dumps(row) for row in rows) or "[]")


def a_row(name: str, **changes: Any) -> dict[str, Any]:
    """One healthy container as ``docker compose ps --format json`` has it."""
    return {
        "Service": name,
        "ID": f"id-{name}",
        "State": "running",
        "Health": "healthy",
        "ExitCode": 0,
        "Image": f"{name}:1",
        "Publishers": None,
        **changes,
    }


def healthy() -> list[dict[str, Any]]:
    """Every container of the stack, as it should be."""
    ports = [{"TargetPort": 5000, "PublishedPort": 32768, "Protocol": "tcp"}]
    return [a_row("marquez", Publishers=ports), a_row("postgres"), a_row("prefect")]


def installed(folder: Path, patch: pytest.MonkeyPatch) -> FakeDocker:
    """Put it on the PATH, before the machine's own; it comes up healthy unless told otherwise."""
    fake = FakeDocker(folder / "fake-docker")
    (fake.folder / "bin").mkdir(parents=True)
    program = fake.folder / "bin" / "docker"
    program.write_text(PROGRAM.format(folder=shlex.quote(str(fake.folder))), encoding="utf-8")
    program.chmod(0o755)
    patch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    fake.answer("version-version", "24.0.7")
    fake.answer("compose-version", "2.26.1")
    config = fake.folder / "config.json"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    fake.script(
        "compose-config",
        f'for word in "$@"; do last=$word; done\ncp {shlex.quote(str(config))} "$last"\n',
    )
    fake.containers(*healthy())
    fake.script("container-inspect", _each('{"Image": "sha256:of-%s"}'))
    image = '{"Id": "%s", "Config": {"Labels": {}}, "RepoDigests": []}'
    fake.script("image-inspect", _each(image))
    return fake


def _each(form: str) -> str:
    return f'shift 4\nfor name in "$@"; do printf \'{form}\\n\' "$name"; done\n'
