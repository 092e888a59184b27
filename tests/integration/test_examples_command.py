"""`madoguchi examples`: taught, published, carried out and in again from the command line, in a trainer's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.cli import app
from madoguchi.store import Staff
from madoguchi.training.corpus import Shelf
from tests.stores import empty_store
from tests.web.trainers.conftest import small_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = small_project(tmp_path / "project")
    monkeypatch.setenv("MADOGUCHI_EXAMPLES", str(folder / "data" / "nlu"))
    monkeypatch.setenv("MADOGUCHI_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", f"sqlite:///{tmp_path}/desk.db")
    store = empty_store(tmp_path / "desk.db")
    now = build_desk(Settings()).clock()
    with store.writing() as session:
        for login, name, role in (("mori", "森", "trainer"), ("sato", "佐藤", "agent")):
            session.add(Staff(login=login, name=name, role=role, password_hash="x", created_at=now))
    store.close()
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["examples", *words])


def test_taught_and_published(project: Path) -> None:
    assert run("add", "thank", "本当に助かりました[加湿器](product)", "--notated", "--as", "mori").exit_code == 0
    done = run("publish", "--as", "mori")
    assert (done.exit_code, done.stdout) == (0, "published 1, held 0, git: committed\n")
    assert "本当に助かりました[加湿器](product)" in run("find", "本当に助かりました").stdout


def test_who_is_no_trainer_teaches_nothing(project: Path) -> None:
    for login in ("sato", "nobody"):
        refused = run("add", "thank", "新しい文", "--as", login)
        assert (refused.exit_code, "is no trainer" in refused.stderr) == (1, True)


def test_a_conflict_is_refused_and_told(project: Path) -> None:
    refused = run("add", "thank", "注文を、キャンセルしたいです!", "--as", "mori")
    assert refused.exit_code == 1
    assert "conflict" in refused.stderr


@pytest.mark.parametrize("form", ["rasa", "jsonl", "csv", "label-studio"])
def test_carried_out_and_in_again(project: Path, tmp_path: Path, form: str) -> None:
    file, before = tmp_path / "out", Shelf(project / "data" / "nlu").corpus()
    assert run("export", "--format", form, "--output", str(file), "--intent", "thank").exit_code == 0
    path = project / "data" / "nlu" / "thank.yml"
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:-21], ""]))
    assert run("import", str(file), "--format", form, "--as", "mori").exit_code == 0
    assert "published 20" in run("publish", "--as", "mori").stdout
    after = Shelf(project / "data" / "nlu").corpus()
    assert sorted(e.written for e in after.examples) == sorted(e.written for e in before.examples)


def test_the_check_ends_with_one_where_nothing_should_be_trained(project: Path) -> None:
    assert run("check").exit_code == 0
    path = project / "data" / "nlu" / "thank.yml"
    path.write_text(path.read_text() + "    - 注文をキャンセルしたいです!!\n")
    stopped = run("check", "--json")
    assert stopped.exit_code == 1
    assert "STOP conflict 1" in stopped.stderr
    assert any(json.loads(line)["sign"] == "conflict" for line in stopped.stdout.splitlines())


def test_a_finding_is_let_be_until_what_it_is_about_changes(project: Path) -> None:
    path = project / "data" / "nlu" / "thank.yml"
    path.write_text(path.read_text() + "    - どうも助かりました森より\n    - どうも、助かりました森より!\n")
    name = run("health", "--sign", "twin").stdout.split()[0]
    assert run("health", "--set-aside", name, "--as", "mori").exit_code == 0
    assert run("health", "--sign", "twin").stdout == ""
    assert "let be by 森" in run("health", "--sign", "twin", "--all").stdout
    assert run("health", "--put-back", name, "--as", "mori").exit_code == 0
    assert name in run("health", "--sign", "twin").stdout
    assert run("health", "--set-aside", name, "--as", "mori").exit_code == 0
    path.write_text(path.read_text().replace("どうも、助かりました森より!", "どうも、助かりました、森より!"))
    assert "助かりました、森より" in run("health", "--sign", "twin").stdout


def test_only_a_trainer_lets_a_finding_be_and_never_a_conflict(project: Path) -> None:
    path = project / "data" / "nlu" / "thank.yml"
    path.write_text(
        path.read_text() + "    - 注文をキャンセルしたいです!!\n    - ほんとにどうも\n    - ほんとに、どうも\n"
    )
    conflict, twin = (run("health", "--sign", sign).stdout.split()[0] for sign in ("conflict", "twin"))
    for words in ((conflict, "--as", "mori"), (twin, "--as", "sato"), (twin,), ("0" * 16, "--as", "mori")):
        assert run("health", "--set-aside", *words).exit_code == 1, words
    assert run("health", "--put-back", twin, "--as", "mori").exit_code == 1
    assert twin in run("health").stdout
