"""The inbox's lists and filters, and the search in Japanese, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from madoguchi.services import filtering, handling, inbox, searching
from madoguchi.services.filtering import Filters
from madoguchi.services.inbox import View
from madoguchi.store import Conversation, Customer, Message, Order, search
from tests.integration.desk.builders import CAMERA_ORDER, ORDER, SELLER_ORDER, World, conversation, inquiry, speak


def listed(world: World, view: View, filters: Filters | None = None, login: str = "sato") -> list[str]:
    """Return the conversations of a view."""
    return [each.id for each in inbox.page(world.desk, world.person(login), view, filters or Filters()).rows]


def test_who_was_promised_an_answer_soonest_comes_first(either: World) -> None:
    names = [conversation(either, "お願いします") for _ in range(3)]
    with either.desk.store.writing() as session:
        for name, minutes in zip(names, (30, -5, 10), strict=True):
            session.get_one(Conversation, name).promised_at = either.clock() + timedelta(minutes=minutes)
    assert listed(either, View.WAITING) == [names[1], names[2], names[0]]
    counted = inbox.counts(either.desk, either.person("sato"))
    assert (counted.waiting, counted.overdue) == (3, 1)


def test_each_view_holds_its_own(either: World) -> None:
    desk, sato = either.desk, either.person("sato")
    waiting, closed = conversation(either, "a"), conversation(either, "b", owner="closed")
    mine, others = conversation(either, "c"), conversation(either, "d")
    angry, calm = conversation(either, "e", owner="bot", flagged=True), conversation(either, "f", owner="bot")
    handling.take(desk, sato, mine)
    handling.take(desk, either.person("suzuki"), others)
    assert listed(either, View.WAITING) == [waiting]
    assert listed(either, View.MINE) == [mine]
    assert listed(either, View.WATCH) == [angry]
    assert listed(either, View.CLOSED) == [closed]
    assert set(listed(either, View.ALL)) == {waiting, closed, mine, others, angry, calm}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(reason="anger"), {"angry"}),
        (Filters(flagged=True), {"angry"}),
        (Filters(order_state="placed"), {"seller"}),
        (Filters(seller_waits=True), {"seller"}),
        (Filters(frozen=True), {"seller"}),
        (Filters(amount_from=200_000), {"camera"}),
        (Filters(intent="report_defect"), {"angry", "seller", "camera"}),
        (Filters(intent="ask_membership"), set()),
    ],
)
def test_filters(either: World, filters: Filters, wanted: set[str]) -> None:
    names = {
        "angry": conversation(either, "怒っています", reason="anger", flagged=True, order_number=ORDER),
        "seller": conversation(either, "出品者", order_number=SELLER_ORDER),
        "camera": conversation(either, "カメラ", order_number=CAMERA_ORDER),
    }
    inquiry(either, names["seller"], SELLER_ORDER)
    with either.desk.store.writing() as session:
        session.get_one(Order, SELLER_ORDER).frozen_at = either.clock()
    assert set(listed(either, View.WAITING, filters)) == {names[each] for each in wanted}


def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    names = {conversation(world, "お願いします") for _ in range(inbox.PAGE + 7)}
    first = inbox.page(world.desk, world.person("sato"), View.WAITING, Filters())
    second = inbox.page(world.desk, world.person("sato"), View.WAITING, Filters(), 1)
    assert (len(first.rows), first.more, len(second.rows), second.more) == (inbox.PAGE, True, 7, False)
    assert {row.id for row in (*first.rows, *second.rows)} == names


def test_a_message_from_the_customer_counts_as_new_until_it_is_answered(world: World) -> None:
    sato, name = world.person("sato"), conversation(world, "お願いします")
    handling.take(world.desk, sato, name)
    assert inbox.counts(world.desk, sato).mine_unread == 1
    with world.desk.store.reading() as session:
        seen = session.query(Message.id).filter_by(conversation_id=name).scalar()
    handling.reply(world.desk, sato, name, "1", "はい", seen)
    assert inbox.counts(world.desk, sato).mine_unread == 0
    speak(world, name, "それと")
    assert inbox.counts(world.desk, sato).mine_unread == 1


def test_anything_said_or_done_changes_the_revision(world: World) -> None:
    seen = {inbox.revision(world.desk)}
    name = conversation(world, "お願いします")
    seen.add(inbox.revision(world.desk))
    handling.take(world.desk, world.person("sato"), name)
    seen.add(inbox.revision(world.desk))
    assert len(seen) == 3


def found(world: World, words: str) -> list[str]:
    """Return the conversations that a search finds."""
    return [each.id for each in searching.find(world.desk, words).rows]


@pytest.mark.parametrize(
    "words",
    [
        "返金",
        "返金して",
        "ケトル",
        "ｹﾄﾙ",
        "けとる",
        "電源 入らない",
        "靴",
        "靴の箱",
        "ABC",
        "abc-12",
        "ＡＢＣ－１２",
        "壊れて返金",
    ],
)
def test_words_are_found_inside_of_sentences(either: World, words: str) -> None:
    name = conversation(either, "ケトルの電源が入らないので、壊れて返金してほしいです。ABC-12 靴の箱")
    conversation(either, "会員の年会費について", customer=102)
    assert found(either, words) == [name]


@pytest.mark.parametrize(
    "words",
    ["", "　", "。、", "金返", "て欲", "返金お", "返金券", "靴靴", "zzz", "%", "_", "'", '"', "* OR *", "a' OR 1=1"],
)
def test_what_is_not_there_is_not_found(either: World, words: str) -> None:
    conversation(either, "返金してほしいです。靴の箱と金券")
    assert found(either, words) == []


@pytest.mark.parametrize(
    "words", ["山田", "山田花子", "山田 花子", "やまだ", "ヤマダ", "k101@example.jp", "09000000001"]
)
def test_customers_are_found_by_name_kana_mail_and_phone(either: World, words: str) -> None:
    name = conversation(either, "お願いします")
    conversation(either, "お願いします", customer=102)
    assert found(either, words) == [name]


@pytest.mark.parametrize(
    "number", [ORDER, ORDER.replace("-", ""), ORDER.replace("-", "ー"), "２５０-0000001-0000001", f" {ORDER} "]
)
def test_orders_are_found_by_their_number_however_it_is_written(either: World, number: str) -> None:
    name = conversation(either, "お願いします", order_number=ORDER)
    conversation(either, "お願いします", customer=102)
    assert found(either, number) == [name]


def test_the_newest_come_first_and_are_quoted(either: World) -> None:
    first, second = conversation(either, "返金はまだ"), conversation(either, "返金の件")
    rows = searching.find(either.desk, "返金").rows
    assert [(row.id, row.last_text) for row in rows] == [(second, "返金の件"), (first, "返金はまだ")]


def test_changed_and_erased_words_leave_the_index(either: World) -> None:
    name = conversation(either, "返金してください")
    with either.desk.store.writing() as session:
        session.query(Message).filter_by(conversation_id=name).one().text = ""
        session.get_one(Customer, 101).name = "田辺 花子"
    assert found(either, "返金") == []
    with either.desk.store.reading() as session:
        assert search.matching(session, "返金", below=None, limit=9) == []
        assert search.matching(session, "山田", below=None, limit=9, customers=True) == []
        assert search.matching(session, "田辺", below=None, limit=9, customers=True) == [-101]


def test_what_was_written_past_the_models_is_added_by_filling_the_gaps(either: World) -> None:
    name = conversation(either, "はじめ")
    values = {"conversation_id": name, "client_id": "raw", "author": "customer", "text": "直接の記録", "content": {}}
    with either.desk.store.writing() as session:
        session.execute(
            insert(Message.__table__).values(**values, state="stored", attempts=0, created_at=either.clock())  # type: ignore[arg-type]
        )
    assert found(either, "直接の記録") == []
    with either.desk.store.writing() as session:
        assert search.fill_gaps(session) == 1
        assert search.fill_gaps(session) == 0
    assert found(either, "直接の記録") == [name]


def test_the_index_is_part_of_the_schema(either: World) -> None:
    with either.desk.store.reading() as session:
        assert session.execute(text("SELECT count(*) FROM search")).scalar() is not None


def test_the_rare_and_old_is_found_behind_the_newest(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NEWEST", 4)
    old = [conversation(either, f"符丁の話 {number}") for number in range(3)]
    for _ in range(6):
        conversation(either, "返金の話")
    new = conversation(either, "符丁の話")
    assert found(either, "符丁") == [new, *reversed(old)]
    with either.desk.store.reading() as session:
        first = search.matching(session, "符丁", below=None, limit=2)
        second = search.matching(session, "符丁", below=first[-1], limit=9)
    assert (len(first), len(second)) == (2, 2)
    assert sorted({*first, *second}, reverse=True) == first + second


def test_a_filter_that_fits_many_and_one_that_fits_few_list_the_same(
    either: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [conversation(either, "お願いします", order_number=ORDER) for _ in range(4)]
    conversation(either, "別の用件")
    monkeypatch.setattr(inbox, "PAGE", 3)
    for filters in (Filters(order_state="delivered"), Filters(intent="report_defect", amount_from=1)):
        few = listed(either, View.WAITING, filters) + [
            each.id for each in inbox.page(either.desk, either.person("sato"), View.WAITING, filters, 1).rows
        ]
        with monkeypatch.context() as many:
            many.setattr(filtering, "FEW", 0)
            walked = listed(either, View.WAITING, filters) + [
                each.id for each in inbox.page(either.desk, either.person("sato"), View.WAITING, filters, 1).rows
            ]
        assert few == walked
        assert set(few) == set(names)


def test_a_walk_over_the_closed_ends_and_says_so(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for _ in range(5):
        either.clock.forward(minutes=1)
        names.append(conversation(either, "済みました", owner="closed", order_number=ORDER))
    monkeypatch.setattr(filtering, "FEW", 0)
    monkeypatch.setattr(inbox, "SEARCHED", 3)
    page = inbox.page(either.desk, either.person("sato"), View.CLOSED, Filters(order_state="delivered"))
    assert (page.bounded, [row.id for row in page.rows]) == (True, names[:0:-1])
    whole = inbox.page(either.desk, either.person("sato"), View.CLOSED, Filters(flagged=True))
    assert (whole.bounded, whole.rows) == (False, ())
