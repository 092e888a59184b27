"""The commands: the first admin, the audit, and a customer's data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from madoguchi.cli import staff
from madoguchi.store import AuditRow, Customer, Staff, Store
from tests.stores import empty_store

PASSWORD = "a long and honest password"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store that the commands find by their settings."""
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("MADOGUCHI_VAR", str(tmp_path))
    monkeypatch.setenv("MADOGUCHI_SECRET", "nothing but a test")
    return empty_store(tmp_path / "desk.db")


def run(*words: str, typed: str | None = None) -> Result:
    """Run a command."""
    app = typer.Typer()
    staff.register(app)
    return CliRunner().invoke(app, words, input=typed)


def test_the_first_admin_is_made_by_a_command_that_does_not_show_the_password(store: Store) -> None:
    typed = f"加藤\n{PASSWORD}\n{PASSWORD}\n"
    result = run("staff", "add-admin", "kato", typed=typed)
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    with store.reading() as session:
        row = session.query(Staff).one()
        assert (row.login, row.role, row.must_change) == ("kato", "admin", True)


@pytest.mark.parametrize(
    ("login", "password", "why"),
    [("kato", "short", "12 to 200"), ("k!", PASSWORD, "2 to 60"), ("honest", PASSWORD, "login")],
)
def test_what_is_wrong_is_said_in_one_sentence(store: Store, login: str, password: str, why: str) -> None:
    result = run("staff", "add-admin", login, "--name", "加藤", "--password", password)
    assert (result.exit_code, why in result.output) == (1, True)


def test_anchor_and_check(store: Store) -> None:
    run("staff", "add-admin", "kato", "--name", "加藤", "--password", PASSWORD)
    assert "Anchored at row 1" in run("staff", "anchor").output
    assert "whole: 1 rows" in run("staff", "check-audit").output
    with store.writing() as session:
        session.connection().exec_driver_sql("DROP TRIGGER audit_no_delete")
        session.query(AuditRow).delete()
    result = run("staff", "check-audit")
    assert (result.exit_code, "tampered" in result.output) == (1, True)


def test_export_and_erase(store: Store) -> None:
    with store.writing() as session:
        session.add(Customer(reference="K-1", name="山田 花子", email="k1@example.jp"))
    assert json.loads(run("privacy", "export", "K-1").output)["customers"][0]["name"] == "山田 花子"
    assert run("privacy", "erase", "K-1", typed="n\n").exit_code == 1
    erased = run("privacy", "erase", "K-1", "--yes")
    assert (erased.exit_code, "kept without a name" in erased.output) == (0, True)
    assert json.loads(run("privacy", "export", "K-1").output)["customers"][0]["name"] == ""
    assert run("privacy", "export", "K-2").exit_code == 1
    assert "0 conversations" in run("privacy", "retention").output
    assert "Indexed" in run("staff", "reindex").output


def test_those_affected_are_listed_for_a_report(store: Store) -> None:
    with store.writing() as session:
        session.add(Customer(reference="K-1", name="山田 花子", email="k1@example.jp"))
    run("privacy", "export", "K-1")
    span = ("--from", "2000-01-01", "--to", "2999-01-01")
    listed = run("privacy", "affected", *span).output.splitlines()
    assert listed[0] == "customer,actions,times,first,last"
    assert listed[1].startswith("K-1,exported,1,")
    assert "山田" not in "".join(listed)
    assert run("privacy", "affected", "--from", "2000-01-01", "--to", "2000-01-02").output.splitlines()[1:] == []
    assert "no such account" in run("privacy", "affected", *span, "--account", "nobody").output
