"""Calls, figures, canned replies, masks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from madoguchi.policy.calendar import is_open
from madoguchi.services import callbacks, calling, canned, figure_tables, figures, handling, masking, privacy
from madoguchi.services.calling import Refusal, Result
from madoguchi.store import Callback, Case, Inquiry, Message, Refund, SavedFigures, Score
from tests.integration.desk.builders import ORDER, SELLER_ORDER, World, conversation, inquiry, planned_refund


@pytest.fixture
def call(world: World) -> int:
    """A call that is booked."""
    callbacks.book(world.desk, conversation(world, "電話ください"), None, None)
    return calling.queue(world.desk)[0].booking.id


class TestCalls:
    def test_one_makes_the_call_and_the_other_is_told(self, world: World, call: int) -> None:
        assert calling.claim(world.desk, world.person("sato"), call) is None
        assert calling.claim(world.desk, world.person("sato"), call) is None
        assert calling.claim(world.desk, world.person("suzuki"), call) == Refusal("taken", "佐藤")
        outcome = calling.record(world.desk, world.person("suzuki"), call, Result.REACHED, "話した")
        assert outcome == Refusal("taken", "佐藤")
        calling.give_up(world.desk, world.person("sato"), call)
        assert calling.claim(world.desk, world.person("suzuki"), call) is None

    def test_nobody_answers_again_in_half_an_hour_of_opening_time_three_times_in_all(
        self, world: World, call: int
    ) -> None:
        calendar = world.desk.terms.at(world.clock()).calendar
        for attempt in range(1, calling.TRIES + 1):
            before = world.clock()
            assert calling.record(world.desk, world.person("sato"), call, Result.NO_ANSWER, "") is None
            waiting = calling.queue(world.desk)
            if attempt == calling.TRIES:
                assert waiting == ()
                break
            assert waiting[0].booking.slot_at >= before + calling.RETRY
            assert is_open(waiting[0].booking.slot_at, calendar)
            world.clock.now = waiting[0].booking.slot_at
        with world.desk.store.reading() as session:
            assert session.get_one(Callback, call).state == "no_answer"

    def test_who_was_reached_needs_words_about_it(self, world: World, call: int) -> None:
        sato = world.person("sato")
        assert calling.record(world.desk, sato, call, Result.REACHED, " ") == Refusal("words_missing")
        assert calling.record(world.desk, sato, call, Result.REACHED, "返品をご案内") is None
        assert calling.record(world.desk, sato, call, Result.REACHED, "二度目") == Refusal("gone")
        with world.desk.store.reading() as session:
            row = session.get_one(Callback, call)
            assert (row.state, row.outcome) == ("done", "返品をご案内")


class TestFigures:
    def filled(self, world: World) -> None:
        """One conversation solved alone, one by a human after four minutes, a refund, an answer, two scores."""
        conversation(world, "自動で解決", owner="bot")
        name = conversation(world, "人が解決", order_number=SELLER_ORDER)
        inquiry(world, name, SELLER_ORDER)
        sato = world.person("sato")
        handling.take(world.desk, sato, name)
        world.clock.forward(minutes=4)
        with world.desk.store.reading() as session:
            seen = session.scalars(select(Message.id).where(Message.conversation_id == name)).one()
        handling.reply(world.desk, sato, name, "1", "承りました", seen)
        planned_refund(world, ORDER, 700)
        voided = planned_refund(world, ORDER, 300)
        with world.desk.store.writing() as session:
            session.get_one(Refund, voided).state = "voided"
            asked = session.scalars(select(Inquiry)).one()
            asked.answered_at = asked.asked_at + timedelta(hours=3)
            case = session.scalars(select(Case)).one()
            session.add(Score(case_id=case.id, value=10, words="早かった", given_at=world.clock()))

    def test_a_day_in_figures(self, world: World) -> None:
        self.filled(world)
        day = figures.today(world.desk)
        found = figures.of_days(world.desk, day, day)
        assert (found.conversations, found.solved_percent) == (2, 50)
        assert found.reasons == [("refund_over_limit", 1)]
        assert found.first_word == (240, 240)
        assert found.refunds == [("cancel", 1, 700)]
        assert found.seller_answer == (3 * 3600, 3 * 3600)
        assert (found.nps, found.words) == (100, ((10, "早かった"),))
        assert (found.days[0].solved_percent, found.days[0].nps) == (50, 100)

    @pytest.mark.parametrize(
        ("what", "row"),
        [
            ("conversations", {"conversations": 2}),
            ("solved", {"conversations": 2, "solved_alone": 1, "percent": 50.0}),
            ("first_word", {"answers": 1, "median_s": 240, "p90_s": 240}),
            ("seller", {"answers": 1, "median_s": 10800, "p90_s": 10800}),
            ("nps", {"scores": 1, "promoters": 1, "detractors": 0, "nps": 100.0}),
            ("reasons", {"reason": "refund_over_limit", "handoffs": 1}),
            ("refunds", {"reason": "cancel", "refunds": 1, "amount": 700}),
            ("words", {"score": 10, "words": "早かった"}),
            ("days", {"refunded": 700, "seller_answers": 1, "nps": 100.0, "first_word_median_s": 240}),
        ],
    )
    def test_each_figure_is_a_table(self, world: World, what: str, row: dict[str, object]) -> None:
        self.filled(world)
        day = figures.today(world.desk)
        table = figure_tables.table(figures.of_days(world.desk, day, day), what)
        assert table is not None
        assert {name: value for name, value in table.rows[0].items() if name in row} == row
        assert set(table.rows[0]) <= set(table.columns)

    def test_days_without_anything_are_empty_and_not_zero(self, world: World) -> None:
        day = figures.today(world.desk)
        found = figures.of_days(world.desk, day, day)
        assert (found.days[0].solved_percent, found.days[0].nps, found.solved_percent) == (None, None, None)
        for what in figure_tables.names():
            assert figure_tables.table(found, what) is not None
        assert figure_tables.table(found, "passwords") is None

    def test_a_day_is_kept_only_once_it_cannot_change_any_more(self, world: World) -> None:
        self.filled(world)
        day = figures.today(world.desk)
        for hours, kept in ((24, 0), (48, 1)):
            world.clock.forward(hours=hours)
            figures.of_days(world.desk, day, day)
            with world.desk.store.reading() as session:
                assert len(session.scalars(select(SavedFigures)).all()) == kept
        again = figures.of_days(world.desk, day, day)
        assert (again.conversations, again.first_word) == (2, (240, 240))

    @pytest.mark.parametrize(
        ("scores", "nps"),
        [([], None), ([10, 9], 100), ([0, 6], -100), ([10, 6], 0), ([7, 8], 0), ([10, 8, 8, 6, 6], -20)],
    )
    def test_nps(self, scores: list[int], nps: float | None) -> None:
        assert figures.nps(scores) == nps


class TestCanned:
    def test_found_by_words_and_filled(self, world: World) -> None:
        lead = world.person("tanaka")
        assert canned.save(world.desk, lead, None, "不具合のお詫び", "{customer} 様、{article}の不具合を")
        assert canned.save(world.desk, lead, None, "電話のご案内", "お電話します")
        assert [each.title for each in canned.find(world.desk, "ふぐあい")] == []
        assert [each.title for each in canned.find(world.desk, "不具合")] == ["不具合のお詫び"]
        assert canned.fill("{customer} 様 {order} {other}", {"customer": "山田"}) == (
            "山田 様 {order} {other}",
            ("order",),
        )
        assert canned.unfilled("{order} です")
        assert not canned.unfilled("{other} です")

    def test_a_title_is_used_once_and_nothing_is_empty(self, world: World) -> None:
        lead = world.person("tanaka")
        assert canned.save(world.desk, lead, None, "題", "本文")
        assert not canned.save(world.desk, lead, None, "題", "別の本文")
        assert not canned.save(world.desk, lead, None, "", "本文")
        assert not canned.save(world.desk, lead, None, "空", "  ")
        canned.retire(world.desk, lead, canned.find(world.desk)[0].id)
        assert canned.find(world.desk) == []
        assert canned.save(world.desk, lead, None, "題", "新しい本文")


class TestMasks:
    @pytest.mark.parametrize(
        ("text", "hidden"),
        [
            ("電話は090-1234-5678です", ["1234"]),
            ("０９０－１２３４－５６７８", ["1234", "１２３４"]),
            ("+81 90 1234 5678", ["1234"]),
            ("03-1234-5678", ["1234"]),
            ("０３ー１２３４ー５６７８", ["1234", "１２３４"]),
            ("hanako.yamada@example.jp まで", ["hanako", "yamada"]),
            ("カードは4111 1111 1111 1111", ["4111 1111", "1111 1111"]),
            ("４１１１１１１１１１１１１１１１", ["４１１１", "41111111"]),
        ],
    )
    def test_contact_data_is_hidden_in_every_width(self, text: str, hidden: list[str]) -> None:
        shown = masking.words(text)
        assert not any(each in shown for each in hidden)

    @pytest.mark.parametrize(
        "text",
        [
            f"注文は{ORDER}です",
            f"注文は{ORDER.replace('-', 'ー')}です",
            "9,800円を返金",
            "3月5日に届いた",
            "2026-11-18",
            "ありがとう",
        ],
    )
    def test_nothing_else_is(self, text: str) -> None:
        assert masking.words(text) == text

    def test_names(self) -> None:
        assert masking.name("山田 花子") == "山●●●"
        assert masking.phone("+819012345678") == "●●●-●●●●-5678"
        assert masking.mail("hanako@example.jp") == "h●●●@example.jp"

    def test_showing_the_contact_is_audited_and_not_for_trainers(self, world: World) -> None:
        name = conversation(world, "お願いします")
        assert privacy.reveal(world.desk, world.person("mori"), name) is None
        shown = privacy.reveal(world.desk, world.person("sato"), name)
        assert shown is not None
        assert shown.name == "山田 花子"
