"""Who may come into the trainers' room, and what its pages do: taught, merged, told, masked, taken back."""

from __future__ import annotations

import re

import pytest

from madoguchi.services import handling
from madoguchi.services.agents import PERMISSIONS, May, Role
from madoguchi.store import Lesson, Message, TrainingMessage
from madoguchi.training import lessons, messages
from madoguchi.training.lessons import Kind
from madoguchi.web.trainers.routes import DOORS
from tests.integration.desk.builders import STAFF, conversation
from tests.web.conftest import eventually
from tests.web.trainers.conftest import RoomSite

LOGINS = {role: next(login for login, _, each in STAFF if each is role) for role in Role}


def pile_of(room_site: RoomSite, text: str) -> str:
    """Return the open pile of a message."""
    with room_site.world.desk.store.reading() as session:
        rows = session.query(TrainingMessage.pile).join(Message, Message.id == TrainingMessage.message_id)
        return str(rows.filter(Message.text == text, TrainingMessage.state == "open").limit(1).scalar())


def teach(room_site: RoomSite, login: str, intent: str, text: str) -> int:
    """Add one example as somebody; returns the status of the answer."""
    answer = room_site.browser(login).post(f"/desk/train/examples/{intent}/add", data={"text": text})
    return answer.status_code


@pytest.mark.parametrize("role", Role)
def test_only_trainers_and_admins_come_in(room_site: RoomSite, role: Role) -> None:
    client = room_site.browser(LOGINS[role])
    for door in DOORS:
        where = "/desk" + re.sub(r"\{\w+\}", "x", re.sub(r"\{\w+:int\}", "1", door.path.replace("{intent}", "thank")))
        response = client.request(door.method, where)
        assert response.status_code < 500, door
        assert (response.status_code == 403) is (May.TEACH not in PERMISSIONS[role]), door
    assert room_site.browser(None).get("/desk/train").headers["location"].startswith("/desk/login")


def test_every_page_can_be_read(room_site: RoomSite) -> None:
    room_site.hear("まったく動かないのですが")
    room_site.heard("まったく動かないのですが")
    client = room_site.browser("mori")
    pile = pile_of(room_site, "まったく動かないのですが")
    example = room_site.shelf.corpus().by_intent["thank"][0].id
    for where in ("", "?why=unsure", f"/m/{pile}", "/examples", "/examples?q=ありがとう", "/examples/thank",
                  f"/example/{example}", "/intents", "/drafts"):  # fmt: skip
        response = client.get(f"/desk/train{where}")
        assert response.status_code == 200, where
        assert "教える部屋" in response.text


def test_a_message_is_taught_published_and_committed_in_the_trainers_name(room_site: RoomSite) -> None:
    text = "スイッチを押しても光るだけで回りません"
    room_site.hear(text)
    room_site.heard(text)
    client = room_site.browser("mori")
    where = f"/desk/train/m/{pile_of(room_site, text)}"
    assert text in client.get(where).text
    taught = client.post(f"{where}/teach", data={"text": text, "intent": "report_defect", "marks": "[]"})
    assert taught.headers["location"].endswith("did=teach")
    before = room_site.git("rev-parse", "HEAD")
    answer = client.post("/desk/train/drafts/publish", data={"whose": "mine"})
    assert "1件を公開しました" in answer.text
    assert room_site.git("rev-parse", "HEAD") != before
    shown = room_site.git("show", "--format=%an", "HEAD")
    assert shown.startswith("森\n")
    changed = [line for line in shown.split("\n") if line.startswith(("+", "-")) and line[:3] not in ("+++", "---")]
    assert changed == [f"+    - {text}"]
    assert lessons.count(room_site.world.desk) == 0


def test_fifty_alike_are_one_decision_and_undo_brings_them_back(room_site: RoomSite) -> None:
    room_site.hear(*(f"注文した加湿器の蓋が開かないんです{'。' * n}" for n in range(4)), "別の話です、領収書がほしい")
    room_site.heard("領収書", "蓋が開かない")
    desk = room_site.world.desk
    pile = pile_of(room_site, "注文した加湿器の蓋が開かないんです")
    assert len(messages.members(desk, pile)) == 4
    client = room_site.browser("mori")
    client.post(f"/desk/train/m/{pile}/dismiss")
    assert messages.counts(desk)["all"] == 1
    assert client.post("/desk/train/undo", data={}).headers["location"].endswith("did=undone")
    assert messages.counts(desk)["all"] == 5
    chosen = [str(each.message_id) for each in messages.members(desk, pile)][:2]
    client.post(f"/desk/train/m/{pile}/split", data={"message": chosen})
    assert len(messages.members(desk, pile)) == 2
    client.post("/desk/train/undo", data={})
    assert len(messages.members(desk, pile)) == 4


def test_a_pile_of_any_name_is_led_back_to(room_site: RoomSite) -> None:
    answer = room_site.browser("mori").post("/desk/train/m/花%0E駊/split", data={"message": "1"})
    assert answer.status_code == 303
    assert answer.headers["location"].isascii()


def test_what_an_agent_marked_wrong_comes_before_what_resembles_nothing(room_site: RoomSite) -> None:
    name = conversation(room_site.world, "これは返品ではなく質問です", owner="bot")
    with room_site.world.desk.store.writing() as session:
        message = session.query(Message).filter_by(conversation_id=name).one()
        message.state = "answered"
        number = message.id
    handling.report_intent(room_site.world.desk, room_site.world.person("sato"), number)
    client = room_site.browser("mori")
    eventually(lambda: "これは返品ではなく質問です" in client.get("/desk/train?why=marked").text, within_s=20)


def test_personal_data_never_gets_through_even_when_posted_by_hand(room_site: RoomSite) -> None:
    room_site.site.engine.people = ("長谷川",)
    text = "長谷川です。090-1234-5678に電話ください、まだ動きません"
    room_site.hear(text)
    room_site.heard("まだ動きません")
    client = room_site.browser("mori")
    where = f"/desk/train/m/{pile_of(room_site, text)}"
    assert "090-1234-5678" not in client.get(where).text
    for leak in (text, "長谷川です。動きません", "090-1234-5678、動きません"):
        refused = client.post(f"{where}/teach", data={"text": leak, "intent": "report_defect"})
        assert refused.status_code == 409, leak
        assert "個人情報が残っている" in refused.text
    assert lessons.count(room_site.world.desk) == 0
    fine = client.post(f"{where}/teach", data={"text": "山田です。動きません", "intent": "report_defect"})
    assert fine.status_code == 303


def test_without_the_engine_no_message_becomes_an_example(room_site: RoomSite) -> None:
    room_site.site.engine.down = True
    room_site.hear("長谷川です、動きません")
    room_site.heard("動きません")
    client = room_site.browser("mori")
    where = f"/desk/train/m/{pile_of(room_site, '長谷川です、動きません')}"
    assert "まだ例文にできません" in client.get(where).text
    assert client.post(f"{where}/teach", data={"text": "動きません", "intent": "report_defect"}).status_code == 409


@pytest.mark.parametrize(
    "said", ["ﾁｭｳﾓﾝをキャンセルしたいです!!", "注文を　キャンセルしたいです。", "注文をキャンセルしたいです（笑）"]
)
def test_a_conflict_after_normalisation_is_always_refused(room_site: RoomSite, said: str) -> None:
    said = said.replace("ﾁｭｳﾓﾝ", "注文")
    assert teach(room_site, "mori", "return_item", said) == 409
    assert teach(room_site, "mori", "cancel_order", said) == 409
    assert lessons.count(room_site.world.desk) == 0
    assert teach(room_site, "mori", "return_item", "誰も書いていない新しい文") == 303
    assert teach(room_site, "hara", "cancel_order", "誰も書いていない、新しい文!") == 409


def test_two_trainers_at_once_are_merged(room_site: RoomSite) -> None:
    assert teach(room_site, "mori", "thank", "森のお礼の文") == 303
    assert teach(room_site, "hara", "thank", "原のお礼の文") == 303
    first = room_site.browser("mori").post("/desk/train/drafts/publish", data={"whose": "mine"})
    assert "1件を公開しました" in first.text
    second = room_site.browser("hara").post("/desk/train/drafts/publish", data={"whose": "mine"})
    assert "1件を公開しました" in second.text
    texts = [each.text for each in room_site.shelf.corpus().by_intent["thank"]]
    assert texts[-2:] == ["森のお礼の文", "原のお礼の文"]
    assert room_site.git("log", "--format=%an", "-2").split() == ["原", "森"]


def test_a_file_changed_by_hand_meanwhile_is_merged_or_told_and_never_overwritten(room_site: RoomSite) -> None:
    client, path = room_site.browser("mori"), room_site.project / "data" / "nlu" / "thank.yml"
    first, second = room_site.shelf.corpus().by_intent["thank"][:2]
    for example, text in ((first, "書き換えた一つ目"), (second, "書き換えた二つ目")):
        answer = client.post(f"/desk/train/example/{example.id}", data={"text": text, "intent": "thank"})
        assert answer.status_code == 303
    by_hand = path.read_text().replace(f"- {first.written}\n", "- 手で直した文\n") + "    - 手で足した文\n"
    path.write_text(by_hand)
    answer = client.post("/desk/train/drafts/publish", data={"whose": "mine"})
    assert answer.status_code == 409
    assert "1件を公開しました" in answer.text
    assert "ほかの人が先に変えた" in answer.text
    assert path.read_text() == by_hand.replace(f"- {second.written}\n", "- 書き換えた二つ目\n")
    assert lessons.count(room_site.world.desk) == 1


def test_a_broken_file_is_told_and_left_alone(room_site: RoomSite) -> None:
    assert teach(room_site, "mori", "thank", "新しいお礼の文") == 303
    path = room_site.project / "data" / "nlu" / "thank.yml"
    path.write_text("nlu: [")
    answer = room_site.browser("mori").post("/desk/train/drafts/publish", data={"whose": "mine"})
    assert "読み取れない" in answer.text
    assert path.read_text() == "nlu: ["
    assert lessons.count(room_site.world.desk) == 1


def test_a_hundred_lines_are_pasted_and_each_refusal_is_told(room_site: RoomSite) -> None:
    lines = [*(f"貼りつけた文その{n}です" for n in range(98)), "注文をキャンセルしたいです", "貼りつけた文その1です"]
    client = room_site.browser("mori")
    answer = client.post("/desk/train/examples/return_item/add", data={"lines": "\r\n".join(lines)})
    assert answer.status_code == 409
    assert "98件を下書きに加え、2件は加えられませんでした" in answer.text
    assert lessons.count(room_site.world.desk) == 98


def test_moved_and_deleted_in_bulk(room_site: RoomSite) -> None:
    corpus, client = room_site.shelf.corpus(), room_site.browser("mori")
    moving, leaving = corpus.by_intent["thank"][:3], corpus.by_intent["thank"][3:5]
    for chosen, act in ((moving, "move"), (leaving, "delete")):
        data = {"example": [each.id for each in chosen], "act": act, "to": "return_item", "intent": "thank"}
        assert client.post("/desk/train/examples/bulk", data=data).headers["location"].endswith("did=teach")
    with room_site.world.desk.store.reading() as session:
        kinds = [each.kind for each in session.query(Lesson).order_by(Lesson.id)]
    assert kinds == [Kind.MOVE] * 3 + [Kind.DELETE] * 2
    client.post("/desk/train/drafts/publish", data={"whose": "mine"})
    after = room_site.shelf.corpus()
    assert len(after.by_intent["thank"]) == len(corpus.by_intent["thank"]) - 5
    assert [each.text for each in after.by_intent["return_item"][-3:]] == [each.text for each in moving]


def test_a_new_intent_goes_live_only_with_its_rule_and_reply(room_site: RoomSite) -> None:
    client = room_site.browser("mori")
    said = {"name": "ask_gift_wrapping", "label": "ギフト包装", "definition": "包装してもらえるかを尋ねる。"}
    assert client.post("/desk/train/intents", data=said).status_code == 303
    assert client.post("/desk/train/intents", data=said).status_code == 422
    lines = "\n".join(f"包装はできますか、その{n}" for n in range(12))
    client.post("/desk/train/examples/ask_gift_wrapping/add", data={"lines": lines})
    page = client.get("/desk/train/examples/ask_gift_wrapping").text
    assert "使い始めるまでに必要なもの" in page
    assert "utter_ask_gift_wrapping" in page
    assert "準備" in client.post("/desk/train/drafts/publish", data={"whose": "mine"}).text
    domain = room_site.project / "domain.yml"
    told = domain.read_text().replace("intents:\n", "intents:\n  - ask_gift_wrapping\n")
    told = told.replace("responses:\n  ", "responses:\n  utter_ask_gift_wrapping:\n    - text: はい。\n  ", 1)
    domain.write_text(told)
    rules = room_site.project / "data" / "rules" / "questions.yml"
    rule = "- rule: wrap\n  steps: [{intent: ask_gift_wrapping}, {action: utter_ask_gift_wrapping}]\n"
    rules.write_text(rules.read_text() + rule)
    assert "12件を公開しました" in client.post("/desk/train/drafts/publish", data={"whose": "mine"}).text
    content = (room_site.project / "data" / "nlu" / "ask_gift_wrapping.yml").read_text()
    assert content.startswith("# ask_gift_wrapping：包装してもらえるかを尋ねる。\n")
