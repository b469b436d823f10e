"""Preflight's findings on this machine: each in every state it can have."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.clients import browser as browsers
from fixtures.clients import hotpass
from fixtures.core import errors
from fixtures.core.settings import EnvironmentTable
from fixtures.procedures.preflight import machine
from fixtures.procedures.preflight.finding import Finding, State, blocked
from fixtures.simulators.marquez.door import RecorderServer
from fixtures.simulators.marquez.state import Recorder
from tests.harness.procedures.preflight.conftest import Install, only

MIB = 2**20


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def lock(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nobody make a file in a folder; permission bits would not stop the superuser."""
    makes_files = os.W_OK | os.X_OK
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (folder, makes_files))


@pytest.mark.parametrize("below", ["", "not/there/yet"], ids=["there", "to-be-made"])
def test_evidence_root_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    """A writable folder with room, or a place for one: ready, and nothing is made."""
    with_free(monkeypatch, 3 * 2**30)
    root = tmp_path / below
    found = machine.evidence_root(root, word="marquez")
    assert (found.state, found.found) == (State.READY, f"{root}, 3 GiB free")
    assert root.exists() is not bool(below)


@pytest.mark.parametrize(
    "in_the_way",
    ["place/evidence", "place/evidence/marquez", "place"],
    ids=["root", "word", "above"],
)
def test_file_where_evidence_should_go(tmp_path: Path, in_the_way: str) -> None:
    """A file at the root, above it, or where the word's own folder should be is in the way."""
    at = tmp_path / in_the_way
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text("")
    found = machine.evidence_root(tmp_path / "place" / "evidence", word="marquez")
    assert (found.state, found.found) == (State.MISSING, f"{at} is a file")
    assert "--evidence-root" in found.fix


@pytest.mark.parametrize("folder", ["evidence", "evidence/marquez"], ids=["root", "word"])
def test_evidence_root_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """A folder the operator may not write to, such as one root left behind, is told."""
    locked = tmp_path / folder
    locked.mkdir(parents=True)
    lock(monkeypatch, locked)
    found = machine.evidence_root(tmp_path / "evidence", word="marquez")
    assert (found.state, found.found) == (State.MISSING, f"{locked} is not writable")


def test_folder_above_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root that cannot even be looked at is a finding, not a traceback."""
    locked = tmp_path / "locked"
    locked.mkdir()
    stat = Path.stat

    def refused(path: Path, **how: Any) -> os.stat_result:
        if locked in path.parents:
            raise PermissionError(13, "Permission denied")
        return stat(path, **how)

    monkeypatch.setattr(Path, "stat", refused)
    lock(monkeypatch, locked)
    found = machine.evidence_root(locked / "evidence", word="marquez")
    assert (found.state, found.found) == (State.MISSING, f"{locked} is not writable")


def test_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions of a read-only disk may look fine; its mount does not."""
    with_free(monkeypatch, 2**30)
    flags = SimpleNamespace(f_flag=os.ST_RDONLY | os.ST_NOSUID)
    monkeypatch.setattr(os, "statvfs", lambda _: flags)
    found = machine.evidence_root(tmp_path, word="marquez")
    assert (found.state, found.found) == (State.MISSING, f"{tmp_path} is not writable")


@pytest.mark.parametrize(
    ("free", "state"),
    [
        pytest.param(0, State.MISSING, id="full"),
        pytest.param(200 * MIB - 1, State.MISSING, id="a-byte-short"),
        pytest.param(200 * MIB, State.READY, id="just-enough"),
    ],
)
def test_room_for_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State
) -> None:
    """Two hundred mebibytes are enough, a byte less is not."""
    with_free(monkeypatch, free)
    found = machine.evidence_root(tmp_path, word="marquez")
    assert found.state is state
    assert state is State.READY or found.found == f"{free // MIB} MiB free at {tmp_path}"
    assert state is State.READY or found.expected == "at least 200 MiB"


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param([], id="none"),
        pytest.param(["home/.openlineage/openlineage.yml"], id="home"),
        pytest.param(["hotpass/openlineage.yml"], id="checkout"),
        pytest.param(
            ["home/.openlineage/openlineage.yml", "hotpass/openlineage.yml"], id="both-places"
        ),
    ],
)
def test_openlineage_file_in_the_way(tmp_path: Path, stray: list[str]) -> None:
    """A file the client would prefer to the URL blocks, and each one is named."""
    for name in stray:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = only(machine.openlineage_files(tmp_path / "hotpass"))
    assert found.state is (State.MISSING if stray else State.READY)
    assert found.found == (", ".join(str(tmp_path / each) for each in stray) or "none in the way")


def test_openlineage_file_of_a_checkout_that_is_not_used(tmp_path: Path) -> None:
    """Without a checkout only the home folder matters."""
    (tmp_path / "openlineage.yml").write_text("")
    assert only(machine.openlineage_files(None)).state is State.READY


@pytest.mark.parametrize(
    ("url", "better"),
    [
        pytest.param("http://h:5000/api/v1", "http://h:5000", id="suffix"),
        pytest.param("http://h:5000/api/v1/", "http://h:5000", id="suffix-and-slash"),
        pytest.param("http://h/deep/api/v1", "http://h/deep", id="deep"),
    ],
)
@pytest.mark.parametrize("decides", [True, False])
def test_url_with_the_suffix(url: str, better: str, decides: bool) -> None:
    """The suffix loses every event; it blocks where a run would use the URL."""
    found = only(machine.urls({"the URL": url}, decides=decides))
    assert found.state is (State.MISSING if decides else State.ATTENTION)
    assert (found.name, found.found, found.fix) == ("the URL", url, f"Use {better}.")


@pytest.mark.parametrize("url", ["", "http://h:5000", "http://h:5000/", "http://h/api/v1/x"])
def test_url_without_the_suffix(url: str) -> None:
    """Any other URL, or none, needs no word."""
    assert not list(machine.urls({"the URL": url}, decides=True))


@pytest.fixture
def listening() -> Iterator[Callable[[], int]]:
    """Opens a real socket that listens, and names its port."""
    opened: list[socket.socket] = []

    def open_one() -> int:
        opened.append(socket.create_server(("127.0.0.1", 0)))
        port: int = opened[-1].getsockname()[1]
        return port

    yield open_one
    for each in opened:
        each.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, listening: Callable[[], int]) -> None:
    """Whoever listens on a port of the stack is in its way; a free port needs no word."""
    taken = listening()
    monkeypatch.setattr(machine, "PORTS", {free_port(): "Marquez UI", taken: "Marquez API"})
    found = only(machine.ports())
    assert (found.name, found.state) == (f"port {taken}", State.MISSING)
    assert found.expected == "free, for Marquez API"
    assert "ss -ltnp" in found.fix


def test_every_port_that_is_taken_is_told(
    monkeypatch: pytest.MonkeyPatch, listening: Callable[[], int]
) -> None:
    """All of them in one look: a booked window has no time for one after the other."""
    ports = {listening(): "Marquez API", listening(): "Prefect"}
    monkeypatch.setattr(machine, "PORTS", ports)
    assert [each.name for each in machine.ports()] == [f"port {each}" for each in ports]


def test_ports_are_the_run_books() -> None:
    """API, admin, page and Prefect, as the run-book's stack publishes them."""
    assert set(machine.PORTS) == {5000, 5001, 3000, 4200}


def test_running_stack_is_healthy(running: EnvironmentTable, server: RecorderServer) -> None:
    """A healthy service at its address is ready, and is named without its scheme."""
    found = machine.reachable(running)
    assert found.state is State.READY
    assert found.found == f"healthy at {server.api_url.removeprefix('http://')}"


@pytest.mark.parametrize(
    ("switch", "value", "told", "fix"),
    [
        pytest.param("unhealthy", True, "'postgresql': False", "docker compose down -v", id="ill"),
        pytest.param("status", 500, "answered 500", "docker compose down -v", id="refusing"),
        pytest.param("status", 404, "answered 404", "HOTPASS_LINEAGE_NAMESPACE", id="not-found"),
        pytest.param("garbage", True, "answered no JSON", "not of its web page", id="web-page"),
        pytest.param("hang", True, "no answer within", "stack is up", id="hanging"),
    ],
)
def test_running_stack_that_would_not_do(
    recorder: Recorder,
    running: EnvironmentTable,
    monkeypatch: pytest.MonkeyPatch,
    switch: str,
    value: Any,
    told: str,
    fix: str,
) -> None:
    """Ill, refusing, something else or mute: told with what it said and what to try first."""
    if switch == "hang":
        monkeypatch.setattr(machine, "REACH_S", 0.2)
    setattr(recorder.faults, switch, value)
    found = machine.reachable(running)
    assert (found.name, found.state) == ("Marquez", State.MISSING)
    assert told in found.found
    assert fix in found.fix


def test_running_stack_that_is_not_there(
    server: RecorderServer, running: EnvironmentTable
) -> None:
    """Nobody answers: the address and the reason are told."""
    server.stop()
    found = machine.reachable(running)
    assert found.state is State.MISSING
    assert running.marquez_admin_url in found.found
    assert "Connection refused" in found.found


def test_asking_leaves_no_trace(recorder: Recorder, running: EnvironmentTable) -> None:
    """The service is only read: two questions, no event."""
    machine.reachable(running)
    assert {each.method for each in recorder.requests} == {"GET"}
    assert len(recorder.requests) == 2


@pytest.mark.parametrize(
    ("files", "state", "told"),
    [
        pytest.param(["a.xlsx"], State.READY, "1 files", id="one-workbook"),
        pytest.param(["a.xls", "b.csv", "c.txt"], State.READY, "2 files", id="workbook-and-table"),
        pytest.param([], State.MISSING, "no workbook", id="empty"),
        pytest.param(["b.csv"], State.MISSING, "no workbook", id="no-workbook"),
        pytest.param(None, State.MISSING, "No such file", id="no-folder"),
    ],
)
def test_input_directory(tmp_path: Path, files: list[str] | None, state: State, told: str) -> None:
    """What the command would read, counted; what it would refuse, told before the window."""
    folder = tmp_path / "data"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).write_bytes(b"PK")
    found = machine.readable(folder)
    assert found.state is state
    assert told in found.found
    assert bool(found.fix) is (state is State.MISSING)


def test_browser_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that can be driven is named by its path."""
    monkeypatch.setattr(browsers, "find", lambda _: "/usr/bin/chromium")
    found = machine.browser("")
    assert (found.state, found.found) == (State.READY, "/usr/bin/chromium")


@pytest.mark.parametrize("asked", ["", "none"], ids=["none-on-path", "none-asked-for"])
def test_no_browser_needs_attention(asked: str) -> None:
    """Without one the graph is drawn: the run goes on, its picture is worth less."""
    found = machine.browser(asked)
    assert found.state is State.ATTENTION
    assert "drawn" in found.found


def test_browser_asked_for_is_not_there() -> None:
    """One that was named and is not there ends the run: a drawing is not what was asked."""
    found = machine.browser("/nowhere/chromium")
    assert found.state is State.MISSING
    assert "/nowhere/chromium" in found.found
    assert "REHEARSAL_BROWSER" in found.fix


def test_uv(install: Install) -> None:
    """The run-book's command begins with uv."""
    assert machine.uv().state is State.MISSING
    program = install("uv")
    found = machine.uv()
    assert (found.state, found.found) == (State.READY, str(program))


@pytest.mark.parametrize(
    ("states", "is_blocked"),
    [
        ([], False),
        ([State.READY, State.ATTENTION], False),
        ([State.READY, State.MISSING, State.ATTENTION], True),
    ],
)
def test_only_what_is_missing_blocks(states: list[State], is_blocked: bool) -> None:
    """What needs attention does not end a run."""
    found = [Finding(name="it", state=state, found="") for state in states]
    assert blocked(found) is is_blocked


def test_unreadable_inputs_keep_their_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trouble of the harness's own becomes a finding, hint and all."""

    def refuse(_: Path) -> None:
        raise errors.InputsUnreadable("clubs.xlsx cannot be read", hint="Mend its permissions.")

    monkeypatch.setattr(hotpass, "inputs_in", refuse)
    found = machine.readable(tmp_path)
    assert (found.found, found.fix) == ("clubs.xlsx cannot be read", "Mend its permissions.")
