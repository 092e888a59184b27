"""`madoguchi run` refuses a bad start with one clear sentence and exit code 1, and says nothing of its insides."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.running import as_environment, own_settings
from tests.conftest import ROOT


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder from which the desk can be started: the project's files, and a model that looks like one."""
    for name in ("data", "domain.yml", "config.yml", "endpoints.yml", "credentials.yml", "engine"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "models").mkdir()
    return tmp_path


def start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start the desk in a folder and wait until it gives up."""
    environment = {**os.environ, **as_environment(own_settings(folder / "var")), "COLUMNS": "400", **settings}
    command = [sys.executable, "-m", "madoguchi", "run"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def says_only(result: subprocess.CompletedProcess[str], sentence: str) -> None:
    """Check that one sentence was printed, and nothing else."""
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def give_model(folder: Path) -> None:
    """Put a whole archive where a model is looked for."""
    metadata = folder / "metadata.json"
    metadata.write_text("{}")
    subprocess.run(["tar", "czf", folder / "models" / "m.tar.gz", "-C", folder, "metadata.json"], check=True)


def test_a_taken_port_is_named_with_the_setting_that_changes_it(desk: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = start(desk, MADOGUCHI_WEB_PORT=str(port))
    says_only(result, f"Port {port} on 127.0.0.1 is taken: stop the other program or set MADOGUCHI_WEB_PORT.")


def test_without_a_model_the_command_that_trains_one_is_named(desk: Path) -> None:
    says_only(start(desk), "There is no trained model in models/: run `make train` first.")


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b\x08\x00truncated"])
def test_a_damaged_model_is_named(desk: Path, content: bytes) -> None:
    (desk / "models" / "m.tar.gz").write_bytes(content)
    says_only(start(desk), "The model models/m.tar.gz is damaged: delete it and run `make train`.")


def test_a_locked_database_is_named(desk: Path) -> None:
    give_model(desk)
    (desk / "var").mkdir()
    with closing(sqlite3.connect(desk / "var" / "madoguchi.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE other (id)")
        other.execute("BEGIN EXCLUSIVE")
        result = start(desk)
    says_only(result, "is locked by another program.")


def test_a_database_that_cannot_be_opened_is_named(desk: Path) -> None:
    give_model(desk)
    (desk / "var").mkdir()
    (desk / "var" / "madoguchi.db").mkdir()
    says_only(start(desk), "cannot be opened.")


def test_a_port_that_is_no_number_is_named(desk: Path) -> None:
    says_only(start(desk, MADOGUCHI_WEB_PORT="many"), "MADOGUCHI_WEB_PORT")


def test_terms_with_a_mistake_are_named_with_line_and_key(desk: Path) -> None:
    give_model(desk)
    terms = desk / "terms.yml"
    terms.write_text((ROOT / "data/policies/shop.yml").read_text().replace("window_days:", "windw_days:", 1))
    says_only(start(desk, MADOGUCHI_TERMS=str(terms)), "windw_days")


def test_an_unsigned_model_is_named_with_both_ways_out(desk: Path) -> None:
    give_model(desk)
    told = "bears this desk's signature: run `make train`, or `madoguchi models sign m.tar.gz`"
    says_only(start(desk, MADOGUCHI_DEMO="false"), told)
