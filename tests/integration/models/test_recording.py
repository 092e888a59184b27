"""What is written down of a talk: nobody's name, number or address, and a scene that can be built."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from madoguchi.demo.scene_format import parse
from madoguchi.training import recording
from madoguchi.training.recording import Mask
from tests.conversations.runner import load
from tests.integration.desk.builders import ORDER, conversation
from tests.integration.models.conftest import Workshop
from tests.integration.models.places import there

HIDDEN = [
    ("山田花子です。090-9876-5432に電話ください", "山田です。090-1234-5678に電話ください"),
    ("山田 花子と申します", "山田と申します"),
    ("私は佐々木健と申しますが", "私は山田と申しますが"),
    ("０９０－９８７６－５４３２です", "090-1234-5678です"),
    ("hanako.y+shop@mail.example.com に送って", "hanako@example.jp に送って"),
    ("〒150-0043に届けて", "100-0001に届けて"),
    ("住所は東京都渋谷区道玄坂1-2-3です", "住所は東京都千代田区です"),
    ("4242 4242 4242 4242で払いました", "●●●●-4242で払いました"),
    (f"注文番号は{ORDER}です", "注文番号は<order:order_1>です"),
    ("250-7777777-7777777が届きません", "250-0000000-0000000が届きません"),
]


@pytest.mark.parametrize(("said", "written"), HIDDEN)
def test_people_are_hidden_so_that_the_desk_understands_the_same(said: str, written: str) -> None:
    assert Mask({ORDER: "order_1"}, ["山田 花子", "山田花子", "ヤマダ"])(said) == written


@pytest.mark.parametrize("said", ["ｻｲｽﾞが合いません", "２つ目の箱が壊れていた😢", "9,800円ですよね", "はい"])
def test_what_names_nobody_stays_as_it_was_typed(said: str) -> None:
    mask = Mask({}, ["山田 花子"])
    assert (mask(said), mask.hidden) == (said, 0)


def test_a_recorded_talk_is_a_file_that_can_be_played(workshop: Workshop) -> None:
    texts = ("山田花子です。ケトルが温まりません", f"注文番号は{ORDER}、電話は090-9876-5432です")
    name = conversation(workshop.world, *texts, order_number=ORDER)
    folder = workshop.place.root / recording.FOLDER
    made = there(recording.record(workshop.desk, workshop.person("mori"), name, folder))
    situation = load(workshop.place.root / there(made.path))
    parse(situation.scene)
    typed = [step["customer"] for step in situation.talk]
    order = next(part for part in typed[1].split("<order:")[1:]).partition(">")[0]
    assert typed[0] == "山田です。ケトルが温まりません"
    assert order in situation.scene["orders"]
    for secret in ("花子", "9876", ORDER):
        assert secret not in made.text


def test_a_talk_that_is_not_there_is_not_recorded(workshop: Workshop) -> None:
    assert recording.record(workshop.desk, workshop.person("mori"), "no-such-talk", Path("nowhere")) is None


def test_what_yaml_would_read_as_something_else_comes_back_the_same(workshop: Workshop) -> None:
    said = ["yes: no", "${HOME}", "- [x](y) # 注", '"引用"', "null", "12:30", "{a: b}", "\u3000全角の空白"]
    name = conversation(workshop.world, *said, owner="bot")
    made = there(recording.record(workshop.desk, workshop.person("mori"), name, Path("nowhere")))
    read = YAML(typ="safe").load(io.StringIO(made.text))
    assert [step["customer"] for step in read["talk"]] == said
    assert made.path is None
