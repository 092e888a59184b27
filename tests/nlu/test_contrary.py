"""What denies an intent, and what only looks as if it did: questions, conditions, stories."""

from __future__ import annotations

import pytest

from engine.nlu.contrary import contradicted, is_asserted
from engine.nlu.text import normalize


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("キャンセルしないで", "cancel_order"),
        ("注文はキャンセルしたくありません", "cancel_order"),
        ("取り消すつもりはないです", "cancel_order"),
        ("キャンセルするのはやめます", "cancel_order"),
        ("返品せんといて", "return_item"),
        ("返品したいわけじゃないんです", "return_item"),
        ("返品したいとかじゃ無いです", "return_item"),
        ("返品する気は無いよ", "return_item"),
        ("キャンセルいらんから早く送って", "cancel_order"),
        ("電話は要らへん", "request_callback"),
        ("交換は不要です", "exchange_item"),
        ("退会したいとは言ってません", "cancel_membership"),
        ("電話はかけてこないで", "request_callback"),
        ("担当者につながなくていいです", "request_agent"),
        ("傷はありませんでした", "report_defect"),
        ("返金されました", "ask_refund_status"),
        ("もう届きました。届いてました", "report_not_delivered"),
    ],
)
def test_a_denied_or_settled_thing_is_contradicted(text: str, intent: str) -> None:
    assert intent in contradicted(normalize(text).text)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("キャンセルできませんか", "cancel_order"),
        ("キャンセルしてもらえませんか", "cancel_order"),
        ("キャンセルしたいのですが方法がわかりません", "cancel_order"),
        ("キャンセルしないと困ります", "cancel_order"),
        ("キャンセルできないんですけど", "cancel_order"),
        ("キャンセルしないでと言ったけど、やっぱりキャンセルして", "cancel_order"),
        ("返品できないんでしょうか", "return_item"),
        ("返品に箱っていらんの?", "return_item"),
        ("交換していただけないでしょうか", "exchange_item"),
        ("電話くれませんか", "request_callback"),
        ("電話が来ないので電話ください", "request_callback"),
        ("壊れていて電源が入らない", "report_defect"),
        ("傷はないけど電源が入らない", "report_defect"),
        ("返金されない", "ask_refund_status"),
        ("返金されましたか", "ask_refund_status"),
        ("まだ届いていません", "report_not_delivered"),
    ],
)
def test_a_question_a_condition_and_a_complaint_contradict_nothing(text: str, intent: str) -> None:
    assert intent not in contradicted(normalize(text).text)


def test_what_is_wanted_instead_is_asserted() -> None:
    text = "会員の解約じゃなくて注文のキャンセルをお願いします"
    assert "cancel_membership" in contradicted(text)
    assert is_asserted(text, "cancel_order")
    assert not is_asserted(text, "cancel_membership")
