"""The way of a message: stored first, answered in order, once, by whoever owns the conversation."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
from starlette.responses import JSONResponse

from madoguchi.web import turns
from tests.web.conftest import Site, eventually, replies, say, talk
from tests.web.fakes import echo, saying


class TestStoreFirst:
    def test_a_message_is_acknowledged_and_then_answered(self, site: Site) -> None:
        client = site.signed_in()
        sent = say(client, "昨日届いた加湿器が動きません")
        assert sent.status_code == 202
        assert sent.json()["message"]["text"] == "昨日届いた加湿器が動きません"
        (reply,) = replies(client, 1)
        assert reply["text"] == "text:昨日届いた加湿器が動きません"

    def test_how_the_engine_understood_it_is_kept_with_the_message(self, site: Site) -> None:
        client = site.signed_in()
        say(client, "こんにちは")
        replies(client, 1)
        (question,) = site.rows(author="customer")
        assert (question.intent, question.confidence, question.model) == ("inform", 0.9, "fake")
        assert question.state == "answered"

    def test_the_same_id_again_is_the_same_message(self, site: Site) -> None:
        client, name = site.signed_in(), str(uuid.uuid4())
        first, second = say(client, "返金はまだですか", name), say(client, "返金はまだですか", name)
        assert first.json() == second.json() | {"message": first.json()["message"]}
        assert first.json()["message"]["id"] == second.json()["message"]["id"]
        replies(client, 1)
        assert len(site.engine.asked) == 1
        assert len(talk(client)) == 2

    def test_the_same_id_with_other_words_is_refused(self, site: Site) -> None:
        client, name = site.signed_in(), str(uuid.uuid4())
        say(client, "返品したいです", name)
        again = say(client, "やっぱり交換で", name)
        assert again.status_code == 409
        assert again.json()["type"] == "urn:madoguchi:problem:changed"
        assert [row.text for row in site.rows(author="customer")] == ["返品したいです"]

    def test_a_customers_id_cannot_take_the_place_of_a_reply(self, site: Site) -> None:
        assert say(site.signed_in(), "こんにちは", "1:0").status_code == 422


class TestOrder:
    def test_messages_are_answered_in_order_and_one_at_a_time(self, site: Site) -> None:
        async def slowly(asked: dict) -> dict:
            await asyncio.sleep(0.05)
            return await echo(asked)

        site.engine.answer = slowly
        client = site.signed_in()
        for number in range(8):
            say(client, f"{number}通目")
        answered = [reply["text"] for reply in replies(client, 8)]
        assert answered == [f"text:{number}通目" for number in range(8)]
        assert site.engine.most_at_once == 1

    def test_two_customers_do_not_wait_for_each_other(self, site: Site) -> None:
        site.engine.answer = saying({"text": "はい"}, after_s=0.4)
        one, two = site.signed_in("C-1"), site.signed_in("C-2")
        say(one, "一人目です")
        say(two, "二人目です")
        eventually(lambda: sum(site.engine.at_work.values()) == 2)

    def test_catching_up_gives_only_what_is_new(self, site: Site) -> None:
        client = site.signed_in()
        say(client, "一つ目")
        seen = replies(client, 1)[-1]["id"]
        say(client, "二つ目")
        eventually(lambda: len(talk(client, seen)) == 2)
        assert [message["text"] for message in talk(client, seen)] == ["二つ目", "text:二つ目"]


class TestWhatIsTypedIsNeverACommand:
    @pytest.mark.parametrize(
        "text", ["/restart", '/affirm{"x": 1}', "  /deny", "／affirm", "\u3000/affirm", "EXTERNAL: x"]
    )
    def test_it_reaches_the_engine_as_text(self, site: Site, text: str) -> None:
        client = site.signed_in()
        say(client, text)
        replies(client, 1)
        (asked,) = site.engine.asked
        assert "payload" not in asked
        assert asked["text"] == text.strip()


class TestButtons:
    BUTTONS = {
        "text": "どちらになさいますか",
        "buttons": [{"title": "はい", "payload": "/affirm"}, {"title": "いいえ", "payload": "/deny"}],
    }

    def offered(self, site: Site, client) -> list[dict]:
        site.engine.answer = saying(self.BUTTONS)
        say(client, "返品したいです")
        buttons = replies(client, 1)[-1]["content"]["buttons"]
        site.engine.answer = echo
        return list(buttons)

    def press(self, client, token: str, name: str | None = None):
        return client.post("/chat/messages", json={"id": name or str(uuid.uuid4()), "choice": token})

    def test_a_page_sees_tokens_and_no_payloads(self, site: Site) -> None:
        client = site.signed_in()
        buttons = self.offered(site, client)
        assert [set(button) for button in buttons] == [{"title", "token"}] * 2
        assert "/affirm" not in client.get("/chat/messages").text

    def test_a_press_becomes_the_payload_and_reads_as_the_title(self, site: Site) -> None:
        client = site.signed_in()
        token = self.offered(site, client)[0]["token"]
        assert self.press(client, token).json()["message"]["text"] == "はい"
        assert replies(client, 2)[-1]["text"] == "payload:/affirm"

    def test_a_button_can_be_pressed_once(self, site: Site) -> None:
        client = site.signed_in()
        yes, no = (button["token"] for button in self.offered(site, client))
        name = str(uuid.uuid4())
        assert self.press(client, yes, name).status_code == 202
        assert self.press(client, yes, name).status_code == 202, "the same press again is the same message"
        assert self.press(client, yes).status_code == 409
        assert self.press(client, no).status_code == 409, "the other button went with it"
        replies(client, 2)
        assert [asked.get("payload") for asked in site.engine.asked] == [None, "/affirm"]

    def test_a_button_dies_when_the_talk_goes_on(self, site: Site) -> None:
        client = site.signed_in()
        token = self.offered(site, client)[0]["token"]
        say(client, "その前に、送料はいくらですか")
        assert self.press(client, token).status_code == 409

    def test_a_button_of_somebody_else_does_not_exist(self, site: Site) -> None:
        token = self.offered(site, site.signed_in("C-1"))[0]["token"]
        assert self.press(site.signed_in("C-2"), token).status_code == 404
        assert self.press(site.visitor(), token).status_code == 404

    @pytest.mark.parametrize("token", ["/affirm", "x" * 43, "", "あ" * 43])
    def test_an_invented_button_does_not_exist(self, site: Site, token: str) -> None:
        assert self.press(site.signed_in(), token).status_code == 404

    def test_cards_carry_tokens_too(self, site: Site) -> None:
        site.engine.answer = saying(
            {
                "custom": {
                    "card": "choices",
                    "items": [{"title": "加湿器", "price": "9,800円", "payload": '/inform{"line":"line:1"}'}],
                }
            },
            {
                "custom": {
                    "card": "confirm",
                    "rows": [{"label": "返金額", "value": "9,800円"}],
                    "yes": "/affirm",
                    "no": "/deny",
                }
            },
        )
        client = site.signed_in()
        say(client, "壊れていました")
        choices, confirm = (reply["content"]["card"] for reply in replies(client, 2))
        assert set(choices["items"][0]) == {"title", "price", "token"}
        assert confirm["rows"] == [{"label": "返金額", "value": "9,800円"}]
        assert confirm["yes"]["title"] == "お願いします"
        assert "/affirm" not in client.get("/chat/messages").text
        site.engine.answer = echo
        assert self.press(client, choices["items"][0]["token"]).json()["message"]["text"] == "加湿器"
        assert replies(client, 3)[-1]["text"] == 'payload:/inform{"line":"line:1"}'


class TestTheFence:
    def take_over(self, site: Site, customer: int = 1) -> None:
        name = site.conversation(customer).id
        with site.desk.store.writing() as session:
            from madoguchi.store import Conversation

            session.get_one(Conversation, name).owner = "agent"

    def test_no_reply_appears_after_a_human_took_over(self, site: Site) -> None:
        site.engine.answer = saying({"text": "遅い返事"}, after_s=0.4)
        client = site.signed_in()
        say(client, "担当者をお願いします")
        eventually(lambda: site.engine.asked)
        self.take_over(site)
        eventually(lambda: site.rows(author="customer")[0].state == "answered")
        assert [message["author"] for message in talk(client)] == ["customer"]

    def test_what_is_written_to_a_human_is_stored_and_not_run(self, site: Site) -> None:
        client = site.signed_in()
        self.take_over(site)
        assert say(client, "まだいらっしゃいますか").status_code == 202
        say(client, "もしもし")
        import time

        time.sleep(0.5)
        assert site.engine.asked == []
        assert [message["text"] for message in talk(client)] == ["まだいらっしゃいますか", "もしもし"]

    def test_the_reply_of_the_turn_that_called_the_human_is_shown(self, site: Site) -> None:
        async def hand_over(asked: dict) -> dict:
            from madoguchi.services import handoffs

            await asyncio.to_thread(handoffs.hand_over, site.desk, asked["conversation"], "asked")
            return {"replies": [{"text": "担当者におつなぎします"}]}

        site.engine.answer = hand_over
        client = site.signed_in()
        say(client, "人と話したい")
        assert replies(client, 1)[0]["text"] == "担当者におつなぎします"
        assert client.get("/chat/messages").json()["owner"] == "waiting"


class TestWhenTheEngineFails:
    def test_a_message_waits_for_an_engine_that_comes_back(self, site: Site) -> None:
        site.engine.down = True
        client = site.signed_in()
        say(client, "聞こえますか")
        eventually(lambda: site.rows(author="customer")[0].leased_until is None)
        site.engine.down = False
        assert replies(client, 1)[0]["text"] == "text:聞こえますか"
        assert len(site.engine.asked) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(saying(after_s=0), id="nothing to say"),
            pytest.param(saying({"text": "x"}, failed=True), id="an action broke"),
        ],
    )
    def test_an_answer_that_is_none_becomes_an_apology_and_a_human_at_once(self, site: Site, answer) -> None:
        site.engine.answer = answer
        client = site.signed_in()
        say(client, "返金してください")
        (reply,) = replies(client, 1)
        assert reply["text"].startswith("申し訳ございません。")
        assert "までにこちらの画面へお返事いたします" in reply["text"]
        assert site.conversation(1).owner == "waiting"
        assert site.conversation(1).handoff_reason == "turn_failed"
        assert site.rows(author="customer")[0].state == "failed"

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(saying({"text": "x"}, after_s=30), id="too slow"),
            pytest.param(saying({"text": "x"}, message="another"), id="another message's"),
            pytest.param(saying({"text": "x", "buttons": [{"title": "", "payload": "/x"}]}), id="a broken button"),
            pytest.param(saying({"custom": {"no": "card"}}), id="a broken card"),
        ],
    )
    def test_an_unusable_answer_is_tried_three_times(self, site: Site, answer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(turns, "LATE_AFTER_S", 60)
        site.engine.answer = answer
        client = site.signed_in()
        say(client, "返金してください")
        (reply,) = eventually(lambda: replies(client, 1), within_s=15)
        assert reply["text"].startswith("申し訳ございません。")
        assert len(site.engine.asked) == 3
        assert len({asked["message"] for asked in site.engine.asked}) == 1, "so that the engine can tell"

    def test_an_engine_that_stays_away_ends_in_a_human_within_a_minute(self, site: Site) -> None:
        site.engine.down = True
        client = site.signed_in()
        say(client, "聞こえますか")
        eventually(lambda: site.rows(author="customer")[0].attempts == 0)
        site.clock.ahead = site.clock.ahead.__class__(seconds=46)
        assert replies(client, 1)[0]["text"].startswith("申し訳ございません。")

    def test_an_error_status_is_no_answer(self, site: Site) -> None:
        async def broken(_asked: dict) -> JSONResponse:
            return JSONResponse({"trace": "secret"}, status_code=500)

        site.engine.answer = broken
        client = site.signed_in()
        say(client, "こんにちは")
        assert "secret" not in replies(client, 1)[0]["text"]


class TestBeingLate:
    LATE = "送り直していただく必要はございません"

    def test_a_late_answer_is_announced_once_and_comes_all_the_same(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(turns, "LATE_AFTER_S", 0.2)
        site.engine.down = True
        client = site.signed_in()
        say(client, "聞こえますか")
        assert self.LATE in replies(client, 1)[0]["text"]
        site.engine.down = False
        said = [reply["text"] for reply in replies(client, 2)]
        assert [self.LATE in text for text in said] == [True, False]
        assert site.rows(author="customer")[0].state == "answered"

    def test_an_answer_in_time_is_announced_by_nothing(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(turns, "LATE_AFTER_S", 0.3)
        client = site.signed_in()
        say(client, "こんにちは")
        replies(client, 1)
        time.sleep(0.6)
        assert len(site.rows(author="bot")) == 1
