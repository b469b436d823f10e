"""A throw-away PostgreSQL: a cluster of its own, on loopback, gone without a trace.

Covers: finding the binaries, initdb, one role that owns one database, an orderly end.
Not here: what is kept in it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixtures.core import errors, process, waits
from tests.contract import daemons

PACKAGED = Path("/usr/lib/postgresql")
"""Where Debian keeps the binaries that it leaves off the PATH."""
SUPERUSER = "postgres"
START_TIMEOUT_S = 30.0
UNPRIVILEGED = ("postgres", "nobody")
"""Who runs the server in root's stead, first known first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An empty database and the role that owns it."""

    host: str
    name: str
    password: str
    port: int
    user: str


def binaries() -> Path | None:
    """Find the folder of ``initdb`` and ``postgres``, newest release first; None without one."""
    places = [Path(found).parent for found in (shutil.which("initdb"),) if found]
    packaged = [path for path in PACKAGED.glob("*/bin") if re.fullmatch(r"\d+", path.parent.name)]
    places += sorted(packaged, key=lambda path: int(path.parent.name), reverse=True)
    whole = (path for path in places if all((path / name).exists() for name in _NEEDED))
    return next(whole, None)


def free_port() -> int:
    """Give a port of loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextlib.contextmanager
def serve(folder: Path, *, name: str) -> Iterator[Database]:
    """Serve an empty database of that name, owned by a role of that name, from a new cluster.

    Args:
        folder: Kept by the caller; must be one that an unprivileged user can reach.

    Raises:
        PrerequisitesMissing: No PostgreSQL server is installed.
        WaitExpired: The server did not answer; the message holds the tail of its log.
    """
    found = binaries()
    if found is None:
        raise errors.PrerequisitesMissing(
            ["a PostgreSQL server: neither initdb on the PATH nor one below /usr/lib/postgresql"],
            hint="Install PostgreSQL 14 or later.",
        )
    home = folder / "postgres"
    home.mkdir(mode=0o700)
    prefix = _as_unprivileged(home)
    with _made(found, home, prefix) as secret:
        database = Database(
            host="127.0.0.1",
            name=name,
            password=secrets.token_hex(16),
            port=free_port(),
            user=name,
        )
        settings = {
            "port": str(database.port),
            "listen_addresses": database.host,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with daemons.started(
            [*prefix, str(found / "postgres"), "-D", str(home / "data"), *options],
            cwd=home,
            log=folder / "postgres.log",
            name="postgres",
            # Its fast shutdown: sessions are cut, nothing is waited for.
            politely=signal.SIGINT,
        ) as server:
            _fill(found, server, database, secret)
            yield database


_NEEDED = ("initdb", "postgres", "psql")


def _as_unprivileged(home: Path) -> list[str]:
    """Hand a folder over to an unprivileged user; give the words that run a command as them."""
    if os.geteuid() != 0:
        return []
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(home, user.pw_uid, user.pw_gid)
            if shutil.which("setpriv"):
                ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
                return ["setpriv", *ids, "--clear-groups", "--"]
            return ["runuser", "-u", name, "--"]
    raise errors.PrerequisitesMissing(
        [f"a user to run PostgreSQL as, which refuses root: none of {', '.join(UNPRIVILEGED)}"],
        hint="Run as an ordinary user.",
    )


def _command(
    argv: Sequence[str], *, cwd: Path, log: Path, extra_env: Mapping[str, str] | None = None
) -> None:
    with log.open("ab") as written:
        ended = process.run(
            argv, cwd=cwd, extra_env=extra_env or {}, write=written.write, idle_s=60, total_s=120
        )
    if ended.exit_code != 0:
        raise errors.CommandNotStarted(
            f"{Path(argv[0]).name}: {ended.how}{daemons.tail(log)}",
            hint="Read the lines above; the folder for temporary files must be open to all.",
        )


def _fill(found: Path, server: daemons.Daemon, database: Database, secret: str) -> None:
    def look() -> str:
        if server.ended:
            return "ended"
        with contextlib.suppress(OSError):
            socket.create_connection((database.host, database.port), timeout=1).close()
            return "listening"
        return "silent"

    hint = "Read the lines of its log above."
    seen = waits.until(
        look, lambda seen: seen != "silent", what="postgres", timeout_s=START_TIMEOUT_S, hint=hint
    )
    if seen == "ended":
        raise errors.CommandNotStarted(f"postgres ended at once{server.tail()}", hint=hint)
    statements = (
        f"CREATE ROLE {database.user} LOGIN PASSWORD '{database.password}'",
        # Since PostgreSQL 15 only a database's owner may create tables in its public schema.
        f"CREATE DATABASE {database.name} OWNER {database.user}",
    )
    words = [word for statement in statements for word in ("-c", statement)]
    address = ["-h", database.host, "-p", str(database.port), "-U", SUPERUSER, "-d", "postgres"]

    def ask() -> str:
        _command(
            [str(found / "psql"), "-X", "-w", "-q", "-v", "ON_ERROR_STOP=1", *address, *words],
            cwd=server.log.parent,
            log=server.log,
            extra_env={"PGPASSWORD": secret, "PGCONNECT_TIMEOUT": "5"},
        )
        return "answered"

    # It listens a moment before it takes sessions: "the database system is starting up".
    waits.until(ask, bool, what="postgres to answer", timeout_s=START_TIMEOUT_S, hint=hint)


@contextlib.contextmanager
def _made(found: Path, home: Path, prefix: Sequence[str]) -> Iterator[str]:
    """Make the cluster; give the superuser's password, which no local user can guess."""
    secret, secret_file = secrets.token_hex(16), home / "secret"
    secret_file.write_text(secret, encoding="ascii")
    owner = home.stat()
    os.chown(secret_file, owner.st_uid, owner.st_gid)
    secret_file.chmod(0o600)
    words = ["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
    words += [f"--username={SUPERUSER}", f"--pwfile={secret_file}", "-D", str(home / "data")]
    _command([*prefix, str(found / "initdb"), *words], cwd=home, log=home / "initdb.log")
    yield secret
