"""Client of `docker compose`: its words, its answers read, its refusals told by their cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.clients import compose, compose_refusals
from fixtures.clients.compose import Compose
from fixtures.core import errors
from fixtures.core.records.container import SERVICE_LABEL, Service
from tests.harness import fake_docker
from tests.harness.fake_docker import FakeDocker, a_row

ENDPOINT = "Error response from daemon: driver failed programming external connectivity:"
REFUSALS = {
    "engine-refused": [
        "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
        "permission denied while trying to connect to the Docker daemon socket at unix:///x.sock",
        "error during connect: this error may indicate that the docker daemon is not running",
    ],
    "port-taken": [
        f"{ENDPOINT} listen tcp4 127.0.0.1:5000: bind: address already in use",
        f"{ENDPOINT} Bind for 127.0.0.1:5000 failed: port is already allocated",
    ],
    "image-missing": [
        'Error response from daemon: Get "https://r.example/v2/": dial tcp: no such host',
        "Error response from daemon: pull access denied for nope/nope, repository does not exist",
        "manifest for postgres:99 not found: manifest unknown: manifest unknown",
        "Error response from daemon: No such image: nope:1",
    ],
    "compose-file-invalid": [
        "yaml: line 2: did not find expected node content",
        "validating /x/c.yml: services.a Additional property imagee is not allowed",
        "open /x/zz.yml: no such file or directory",
        "no such service: nosuch",
        'service "a" depends on undefined service "b": invalid compose project',
    ],
    "stack-not-up": ["Error response from daemon: something new", ""],
}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Program that answers in place of `docker`."""
    return fake_docker.installed(tmp_path, monkeypatch)


@pytest.fixture
def made(tmp_path: Path) -> Compose:
    """Project of one file, with one variable."""
    return Compose(
        project="p",
        files=(tmp_path / "compose.yml", tmp_path / "over.yml"),
        cwd=tmp_path,
        variables={"MARQUEZ_PORT": "0"},
    )


def test_argv_names_project_and_files(made: Compose) -> None:
    """Project and files stand in every command, the later file over the earlier."""
    argv = made.argv("up", "--detach", "marquez")
    assert argv[:2] == ("docker", "compose")
    first, second = (place for place, word in enumerate(argv) if word == "--file")
    assert argv[first + 1].endswith("compose.yml")
    assert argv[second + 1].endswith("over.yml")
    assert argv[argv.index("--project-name") + 1] == "p"
    assert argv[-3:] == ("up", "--detach", "marquez")


@pytest.mark.parametrize(
    ("code", "said"), [(code, said) for code, each in REFUSALS.items() for said in each]
)
def test_refusal_is_told_by_its_cause(
    docker: FakeDocker, made: Compose, code: str, said: str
) -> None:
    """What an engine says becomes a code, its own words, and a next step."""
    docker.answer("compose-down", said, code=1)
    with pytest.raises(errors.HarnessError) as refused:
        made.down()
    assert refused.value.code == code
    assert said[-40:] in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("said", REFUSALS["port-taken"])
def test_taken_port_is_named(docker: FakeDocker, made: Compose, said: str) -> None:
    """The address comes first: there are several ports."""
    docker.answer("compose-down", said, code=1)
    with pytest.raises(errors.PortTaken, match=r"127\.0\.0\.1:5000 is taken"):
        made.down()


def test_deadline_is_no_refusal_of_the_engine(docker: FakeDocker, made: Compose) -> None:
    """A command that hangs is ended, and told as that."""
    docker.script("compose-up", "exec sleep 30\n")
    finished = made.up(["marquez"], build=False, write=lambda _: None, timeout_s=0.1)
    trouble = compose_refusals.meaning(finished, "")
    assert trouble.code == "stack-not-up"
    assert "deadline" in trouble.message


def test_variables_reach_compose_and_nothing_else_does(
    docker: FakeDocker, made: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are read with the variables handed over, not with the operator's."""
    monkeypatch.setenv("COMPOSE_PROFILES", "llm")
    docker.script("compose-exec", 'echo "$MARQUEZ_PORT-$COMPOSE_PROFILES"\n')
    assert made.execute("marquez", "true") == "0-\n"


@pytest.mark.parametrize("version", ["2.24.0", "2.26.1-4", "v2.40.3", "5.0.1"])
def test_compose_that_is_new_enough(docker: FakeDocker, version: str) -> None:
    """Both versions are told: they go to the manifest."""
    docker.answer("compose-version", version)
    assert compose.check_versions() == ("24.0.7", version)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param("docker: 'compose' is not a docker command.", 1, id="v1-or-none"),
        pytest.param("1.29.2", 0, id="v1-as-a-plug-in"),
        pytest.param("2.23.3", 0, id="no-override"),
        pytest.param("dev", 0, id="no-number"),
    ],
)
def test_compose_that_is_too_old(docker: FakeDocker, said: str, code: int) -> None:
    """Compose v1, an old v2 and no answer at all are told with what to install."""
    docker.answer("compose-version", said, code=code)
    with pytest.raises(errors.ComposeTooOld) as refused:
        compose.check_versions()
    assert said in refused.value.message
    assert "2.24" in refused.value.hint


def test_no_docker_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without the program is told to install it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.EngineMissing) as refused:
        compose.check_versions()
    assert "Install an engine" in refused.value.hint


def test_engine_that_does_not_answer(docker: FakeDocker) -> None:
    """The engine is asked before Compose, which answers without one."""
    docker.answer("version-version", REFUSALS["engine-refused"][0], code=1)
    with pytest.raises(errors.EngineRefused):
        compose.check_versions()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param('{"a": 1}\n{"a": 2}', id="a-line-each"),
        pytest.param('[{"a": 1}, {"a": 2}]', id="one-list"),
        pytest.param('time="x" level=warning msg="{"\n{"a": 1}\n\n{"a": 2}\n{torn', id="warnings"),
    ],
)
def test_rows_of_every_version(said: str) -> None:
    """Old and new Compose print containers in two ways, warnings before either."""
    assert compose.json_rows(said) == [{"a": 1}, {"a": 2}]


def test_services_are_read(docker: FakeDocker, made: Compose) -> None:
    """State, health and published ports, those of a container that never started too."""
    ports = [
        {"TargetPort": 5000, "PublishedPort": 32768, "Protocol": "tcp"},
        {"TargetPort": 5001, "PublishedPort": 0, "Protocol": "tcp"},
        {"TargetPort": 53, "PublishedPort": 53, "Protocol": "udp"},
    ]
    created = a_row("web", State="created", Health="")
    ended = a_row("db", State="exited", Health="", ExitCode=3)
    docker.containers(a_row("marquez", Publishers=ports), created, ended)
    marquez, web, database = made.services()
    assert marquez.ports == {5000: 32768}
    assert [each.ready for each in (marquez, web, database)] == [True, False, False]
    assert [each.gone for each in (marquez, web, database)] == [False, False, True]
    assert database.told == "db exited (3)"


def test_known_containers_are_looked_at_without_compose(docker: FakeDocker, made: Compose) -> None:
    """The engine is asked by id; what it answers reads as from Compose."""
    docker.answer(
        "container-inspect",
        json.dumps(
            {
                "Id": "id-marquez",
                "Config": {"Image": "marquez:1", "Labels": {SERVICE_LABEL: "marquez"}},
                "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}},
                "NetworkSettings": {
                    "Ports": {
                        "5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}],
                        "5001/tcp": None,
                        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
                    }
                },
            }
        ),
    )
    ports = [{"TargetPort": 5000, "PublishedPort": 32768, "Protocol": "tcp"}]
    known = Service.from_ps(a_row("marquez", Publishers=ports))
    assert made.looked_at([known]) == (known,)
    assert docker.asked[-1].endswith("id-marquez")
    assert not docker.verbs()


@pytest.mark.parametrize("row", [{}, {"State": {}}, {"State": 5, "NetworkSettings": {}}])
def test_container_that_cannot_be_read(row: dict[str, object]) -> None:
    """An answer of another shape is no state."""
    with pytest.raises(errors.PayloadUnreadable):
        Service.from_inspect(row)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {**a_row("x"), "ExitCode": "three"},
        {**a_row("x"), "Publishers": [{}]},
        {**a_row("x"), "Publishers": 5},
    ],
)
def test_row_that_cannot_be_read(row: dict[str, object]) -> None:
    """An answer of another shape is no state."""
    with pytest.raises(errors.PayloadUnreadable):
        Service.from_ps(row)


def test_log_is_as_the_service_wrote_it(docker: FakeDocker, made: Compose) -> None:
    """Without Compose's column, without what is meant for a terminal; a bar stays a bar."""
    said = "marquez-1  | INFO a | b\\n\\033[2Kmarquez-1  | \\tat x\\n"
    docker.script("compose-logs", f"printf '{said}'")
    assert list(made.logs("marquez")) == [b"INFO a | b\n", b"\tat x\n"]


def test_log_that_cannot_be_read(docker: FakeDocker, made: Compose) -> None:
    """What could be read is handed over before the trouble is."""
    docker.answer("compose-logs", "marquez-1  | a line", code=1)
    lines = made.logs("marquez")
    assert next(lines) == b"a line\n"
    with pytest.raises(errors.StackNotUp, match="exit code 1"):
        next(lines)
    assert made.tail("marquez") == ""


@pytest.mark.parametrize("text", ["{", "[]", '{"services": []}'])
def test_config_of_another_shape(docker: FakeDocker, made: Compose, text: str) -> None:
    """A file that describes no services is not taken for an empty stack."""
    (docker.folder / "config.json").write_text(text)
    with pytest.raises(errors.ComposeFileInvalid):
        made.config()


def test_left_is_asked_by_label(docker: FakeDocker, made: Compose) -> None:
    """Containers, networks and volumes of the project, ended containers too."""
    assert made.left() == {}
    docker.answer("container-ls", "a\nb")
    docker.answer("volume-ls", "c")
    assert made.left() == {"container": ("a", "b"), "volume": ("c",)}
    assert all("label=com.docker.compose.project=p" in line for line in docker.asked)
    assert "--all" in docker.asked[0]


def test_image_that_is_not_here(docker: FakeDocker) -> None:
    """Absence is an answer; an engine that is gone is not."""
    assert compose.is_here("marquez:1")
    docker.answer("image-inspect", "Error: No such image: marquez:1", code=1)
    assert not compose.is_here("marquez:1")
    docker.answer("image-inspect", REFUSALS["engine-refused"][0], code=1)
    with pytest.raises(errors.EngineRefused):
        compose.is_here("marquez:1")
