"""The launcher of a real Marquez, tried with a real PostgreSQL and a stand-in for the service."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from fixtures.core import errors, waits
from tests.contract import jar, postgres, real_marquez

OWNERSHIP = """
CREATE TABLE public.t ();
SELECT rolsuper, pg_get_userbyid(datdba) FROM pg_roles, pg_database
WHERE rolname = current_user AND datname = current_database()
"""
STAND_IN = '''#!{python}
"""Answers as java would be asked: its version, or a server by the ports of its configuration."""
import json, socketserver, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

if "-version" in sys.argv:
    print('openjdk version "{version}.0.1"')
    raise SystemExit
settings = json.load(open(sys.argv[-1], encoding="utf-8"))
print("settings", json.dumps(settings), flush=True)
{trouble}


class Pong(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"pong")


servers = []
for side in ("applicationConnectors", "adminConnectors"):
    connector = settings["server"][side][0]
    servers.append(HTTPServer((connector["bindHost"], connector["port"]), Pong))
threading.Thread(target=servers[0].serve_forever, daemon=True).start()
servers[1].serve_forever()
'''


pytestmark = pytest.mark.usefixtures("tools")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in front of the PATH with a ``java`` of our own, and a jar that is none."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server: install its binaries, 14 or later")
    folder = tmp_path / "bin"
    folder.mkdir()
    archive = tmp_path / "marquez-api-0.0.0.jar"
    archive.touch()
    monkeypatch.setenv(jar.VARIABLE, str(archive))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    write_java(folder)
    # Not below tmp_path: pytest keeps its folders from PostgreSQL's own user, and shuts them
    # again whenever a session starts beside this one.
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o711)
        monkeypatch.setenv("TMPDIR", open_to_all)
        monkeypatch.setattr(tempfile, "tempdir", open_to_all)
        yield folder


def left_behind() -> list[Path]:
    return list(scratch().iterdir())


def listening(url: str) -> bool:
    try:
        return requests.get(f"{url}/ping", timeout=5).ok
    except requests.ConnectionError:
        return False


def scratch() -> Path:
    return Path(tempfile.gettempdir())


def write_java(folder: Path, *, trouble: str = "", version: int = 17) -> None:
    program = folder / "java"
    text = STAND_IN.format(python=sys.executable, trouble=trouble, version=version)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)


def test_role_owns_its_database(stand_in: Path) -> None:
    """The service gets a database it may fill: its role owns it, and is no superuser."""
    with real_marquez.serve():
        (folder,) = left_behind()
        line = (folder / "marquez.log").read_text(encoding="utf-8").splitlines()[0]
        database = json.loads(line.removeprefix("settings "))["db"]
        found = postgres.binaries()
        assert found is not None
        address = database["url"].removeprefix("jdbc:")
        asked = subprocess.run(
            [str(found / "psql"), "-XAtw", "-U", database["user"], address, "-c", OWNERSHIP],
            env={"PGPASSWORD": database["password"]},
            capture_output=True,
            check=False,
            text=True,
        )
        assert asked.stdout.splitlines()[-1:] == ["f|marquez"], asked.stderr


def test_serves_and_leaves_nothing(stand_in: Path) -> None:
    """While it is up both ports answer; afterwards neither process nor folder is left."""
    with real_marquez.serve() as running:
        assert running.release == "marquez-api-0.0.0"
        assert listening(running.admin_url)
        assert listening(running.api_url)
    assert not listening(running.admin_url)
    assert left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_everything(stand_in: Path, number: signal.Signals) -> None:
    """As a command it prints its addresses on one line, and ends in order when told to."""
    root = Path(__file__).parents[2]
    command = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.real_marquez"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert command.stdout is not None
        running = json.loads(command.stdout.readline())
        assert listening(running["admin_url"])
        command.send_signal(number)
        assert command.wait(timeout=30) == 0
    finally:
        command.kill()
        command.wait()
    assert not listening(running["admin_url"])
    assert left_behind() == []


def test_signal_while_starting(stand_in: Path) -> None:
    """Told to stop before it is ready, it ends what it has started so far."""
    write_java(stand_in, trouble="threading.Event().wait()")
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-m", "tests.contract.real_marquez"], cwd=root) as it:
        try:
            waits.until(
                lambda: [path.stat().st_size for path in scratch().glob("*/marquez.log")],
                any,
                what="the service to be started",
                timeout_s=30,
                hint="Read the output of the launcher.",
            )
            it.send_signal(signal.SIGTERM)
            assert it.wait(timeout=30) == 0
        finally:
            it.kill()
    assert left_behind() == []


def test_too_old_a_java_is_a_prerequisite(stand_in: Path) -> None:
    """Java is asked for its release before anything is started."""
    write_java(stand_in, version=11)
    with pytest.raises(errors.PrerequisitesMissing, match="is Java 11"), real_marquez.serve():
        pass
    assert left_behind() == []


def test_trouble_shows_its_log(stand_in: Path) -> None:
    """A service that ends while starting is told with the last lines of its log."""
    write_java(stand_in, trouble="raise SystemExit('Flyway: migration 42 failed')")
    with (
        pytest.raises(errors.CommandNotStarted, match="migration 42 failed"),
        real_marquez.serve(),
    ):
        pass
    assert left_behind() == []


def test_without_jar_and_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No jar and no Maven are told with the way to provide one."""
    monkeypatch.delenv(jar.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(errors.PrerequisitesMissing, match="mvn") as refused:
        jar.find()
    assert jar.VARIABLE in refused.value.hint


def test_wait_that_expires_shows_its_log(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that never answers is told with the last observation and its log."""
    monkeypatch.setattr(real_marquez, "START_TIMEOUT_S", 0.5)
    write_java(stand_in, trouble="threading.Event().wait()")
    with pytest.raises(errors.WaitExpired, match="settings") as late, real_marquez.serve():
        pass
    assert "ConnectionError" in late.value.message
    assert left_behind() == []
