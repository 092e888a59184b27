"""The desk's services on a fresh store: SQLite always, PostgreSQL too where a test asks for both."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from madoguchi.store import Store
from madoguchi.store.migrate import upgrade
from tests.integration.desk.builders import Clock, World, desk_on, world_on


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty store once; each test copies the file."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    store = Store(f"sqlite:///{path}")
    upgrade(store)
    store.close()
    return path


@pytest.fixture
def world(tmp_path: Path, empty_sqlite: Path) -> Iterator[World]:
    """A filled store on SQLite."""
    shutil.copy(empty_sqlite, tmp_path / "desk.db")
    store, clock = Store(f"sqlite:///{tmp_path}/desk.db"), Clock()
    yield world_on(desk_on(store, clock), clock)
    store.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server of the machine's own for all tests that need one; gives its address."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        pytest.skip("PostgreSQL's server programs are not installed")
    # Not in pytest's own folder: that is root's alone, and the next run of pytest sees to it.
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        try:
            owner = pwd.getpwnam(user)
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    programs = binaries[-1].parent

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)

    run(f"{programs}/initdb", "-D", f"{folder}/data", "-U", "desk", "-E", "UTF8", "--no-sync", "-A", "trust")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(f"{programs}/pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start")
    yield f"postgresql+psycopg://desk@127.0.0.1:{port}"
    run(f"{programs}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A filled store on each of the two databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("world")
        return
    server, name = request.getfixturevalue("postgres"), f"t{abs(hash(tmp_path)) % 10**12}"
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    store, clock = Store(f"{server}/{name}"), Clock()
    upgrade(store)
    yield world_on(desk_on(store, clock), clock)
    store.close()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
