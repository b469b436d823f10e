"""A real Marquez on this machine, without Docker: ``python -m tests.contract.real_marquez``.

Covers: prerequisites, its database, its configuration, the wait until it answers, and the end of
all that was started, also by Ctrl-C or SIGTERM.
Not here: the database (``postgres.py``) and the jar (``jar.py``).
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

from fixtures.core import errors, process, waits
from tests.contract import daemons, jar, postgres

JAVA = 17
"""The release Marquez is built for; later ones run it as well."""
LOOPBACK = "127.0.0.1"
LOOK_TIMEOUT_S = 5.0
START_TIMEOUT_S = 180.0
"""It migrates an empty database before it listens: tens of seconds on a small machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealMarquez:
    """Where a real Marquez answers."""

    admin_url: str
    api_url: str
    release: str
    """What the jar's name says, such as ``marquez-api-0.51.1``."""


def configuration(database: postgres.Database, *, port: int, admin_port: int) -> dict[str, Any]:
    """Give the least configuration it starts with."""

    def connector(number: int) -> dict[str, Any]:
        # Jetty's newer rules refuse %2F within a segment, which names of files are full of.
        compliance = {"httpCompliance": "RFC7230_LEGACY"}
        return {"type": "http", "bindHost": LOOPBACK, "port": number, **compliance}

    return {
        "server": {
            "applicationConnectors": [connector(port)],
            "adminConnectors": [connector(admin_port)],
        },
        "db": {
            "driverClass": "org.postgresql.Driver",
            "url": f"jdbc:postgresql://{database.host}:{database.port}/{database.name}",
            "user": database.user,
            "password": database.password,
        },
        "migrateOnStartup": True,
        # Without a search engine every event would leave an ERROR in the log.
        "search": {"enabled": False},
    }


def java() -> str:
    """Find a Java that is new enough.

    Raises:
        PrerequisitesMissing: There is none, or it is too old.
    """
    found = shutil.which("java")
    output = bytearray()
    if found:
        words, here = [found, "-version"], Path(found).parent
        process.run(words, cwd=here, extra_env={}, write=output.extend, idle_s=30, total_s=30)
    told = re.search(r'version "(\d+)', output.decode(errors="replace"))
    if found and told and int(told[1]) >= JAVA:
        return found
    seen = f"{found} is Java {told[1]}" if told else "none on the PATH"
    raise errors.PrerequisitesMissing(
        [f"Java {JAVA} or later: {seen}"], hint=f"Install a Java runtime, {JAVA} or later."
    )


@contextlib.contextmanager
def serve() -> Iterator[RealMarquez]:
    """Serve a real Marquez with an empty database for the length of a ``with`` block.

    Raises:
        PrerequisitesMissing: Java, PostgreSQL or the jar.
        WaitExpired: It did not answer; the message holds the tail of its log.
    """
    program, archive = java(), jar.find()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(_folder()))
        database = stack.enter_context(postgres.serve(folder, name="marquez"))
        ports = {"port": postgres.free_port(), "admin_port": postgres.free_port()}
        settings = folder / "marquez.yml"
        # Every JSON document is a YAML document, with fewer ways to be misread.
        settings.write_text(json.dumps(configuration(database, **ports)), encoding="utf-8")
        settings.chmod(0o600)
        words = ["-Duser.timezone=UTC", "-jar", str(archive), "server", str(settings)]
        service = stack.enter_context(
            daemons.started(
                [program, *words], cwd=folder, log=folder / "marquez.log", name="marquez"
            )
        )
        running = RealMarquez(
            admin_url=f"http://{LOOPBACK}:{ports['admin_port']}",
            api_url=f"http://{LOOPBACK}:{ports['port']}",
            release=archive.stem,
        )
        _await(service, running)
        yield running


def main() -> int:
    """Serve until told to stop; one JSON line tells where."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with serve() as running:
            sys.stdout.write(json.dumps(asdict(running)) + "\n")
            sys.stdout.flush()
            threading.Event().wait()
    except errors.HarnessError as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    return 0


def _await(service: daemons.Daemon, running: RealMarquez) -> None:
    def look() -> str:
        if service.ended:
            return "ended"
        try:
            ping = requests.get(f"{running.admin_url}/ping", timeout=LOOK_TIMEOUT_S)
            listed = requests.get(f"{running.api_url}/api/v1/namespaces", timeout=LOOK_TIMEOUT_S)
        except requests.RequestException as silence:
            return type(silence).__name__
        return "ready" if ping.ok and listed.ok else f"{ping.status_code}, {listed.status_code}"

    hint = "Read the lines of its log above."
    try:
        seen = waits.until(
            look,
            lambda state: state in ("ready", "ended"),
            what=f"{running.release} to answer",
            timeout_s=START_TIMEOUT_S,
            hint=hint,
        )
    except errors.WaitExpired as late:
        raise errors.WaitExpired(f"{late.message}{service.tail()}", hint=hint) from late
    if seen == "ended":
        raise errors.CommandNotStarted(f"{running.release} ended{service.tail()}", hint=hint)


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A folder that an unprivileged user can pass through, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="marquez-") as name:
        Path(name).chmod(0o711)
        yield name


def _stop(*_: object) -> None:
    # A second Ctrl-C would cut the cleaning up short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    raise SystemExit(main())
