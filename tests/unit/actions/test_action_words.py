"""Words that mean one thing whatever the intent is."""

from __future__ import annotations

import pytest

from actions import words


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("未開封です", "unopened"),
        ("開けてません", "unopened"),
        ("まだ開封しておりません", "unopened"),
        ("封は切ってませんが、段ボールは開けました", "unopened"),
        ("タグも付いたままです", "unopened"),
        ("封も切らないで押し入れに入れてあります", "unopened"),
        ("箱から出さずに置いてあります", "unopened"),
        ("ビニール袋から出していません", "unopened"),
        ("手つかずです", "unopened"),
        ("箱もそのままでございます", "unopened"),
        ("あけたけど使ってはいません", "opened"),
        ("開封したけど思ったのと違う", "opened"),
        ("箱は開けたけど中身は触ってない", "opened"),
        ("中身を確認するため開封はいたしましたが、使用はしておりません", "opened"),
        ("試着だけ", "tried_on"),
        ("家の中で一度履いてみただけです", "tried_on"),
        ("一日履いて出かけました", "used"),
        ("何度か使いました", "used"),
        ("開封して一度使った", "used"),
        ("一度はいて洗いました", "washed"),
        ("水洗い一回しました", "washed"),
        ("落として壊してしまいました", "damaged_by_customer"),
        ("子どもが破いてしまった", "damaged_by_customer"),
        ("猫が座面の布をひっかいてしまって", "damaged_by_customer"),
        ("洗濯機が届きました", None),
        ("洗っていません", None),
        ("使い方が分かりません", None),
        ("使えません", None),
        ("サイズが合いませんでした", None),
        ("袋も破っていません", "unopened"),
        ("包装をはがしておりません", "unopened"),
        ("ギフト残高を使って払いました", None),
        ("もっと安いのを見つけたので返したい", None),
        ("ぶつけたりはしていません", None),
        ("気をつけて開けました", "opened"),
        ("腕につけて出かけました", "used"),
    ],
)
def test_condition(text: str, condition: str | None) -> None:
    assert words.meant("condition", text) == condition


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("電源が入らないので交換してください", "defect"),
        ("小さいので交換して", "wrong_size"),
        ("違う色のが届いたので取り替えて", "wrong_item"),
        ("ネジが足りないので交換してください", "missing_part"),
        ("イメージと違うので交換したい", "change_of_mind"),
        ("丈が足りなくて膝が出るので取り替えて", "wrong_size"),
        ("袖の長さが足りません。交換できますか", "wrong_size"),
        ("交換してください", None),
    ],
)
def test_problem_of_an_exchange(text: str, problem: str | None) -> None:
    assert words.meant("problem", text) == problem


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("結局ちゃんと届いて、問題なかったです", "arrived_fine"),
        ("無事に届きました", "arrived_fine"),
        ("まだ届いていませんが問題ないですか", None),
        ("全額また返して", "refund_again"),
        ("残りも返金してください", "refund_again"),
        ("いつ返金されますか", None),
    ],
)
def test_wish_without_an_intent(text: str, wish: str | None) -> None:
    assert words.meant("wish", text) == wish


@pytest.mark.parametrize("text", ["ふざけるな", "いい加減にしてください", "消費者センターに言います", "訴えますよ"])
def test_anger(text: str) -> None:
    assert words.meant("anger", text) == "strong"


@pytest.mark.parametrize("text", ["遅いですね", "困っています", "残念です"])
def test_no_anger(text: str) -> None:
    assert words.meant("anger", text) is None


@pytest.mark.parametrize("text", ["はい いいえ はい", "はい、いいえ、どっちだろう", "いいえ、はい"])
def test_yes_and_no_at_once_is_neither(text: str) -> None:
    assert words.meant("yes_and_no", text) == "both"


@pytest.mark.parametrize("text", ["はい", "はいはい", "はい、お願いします", "いや、いいです", "うん、それで"])
def test_a_plain_yes_or_no_is_one(text: str) -> None:
    assert words.meant("yes_and_no", text) is None


def test_width_and_case_do_not_matter() -> None:
    assert words.meant("refund_method", "別のｶｰﾄﾞに返して") == "other_card"


def test_an_unknown_topic_is_a_bug() -> None:
    with pytest.raises(LookupError):
        words.meant("weather", "晴れ")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("会員のほうはやめません", "keeps"),
        ("月額の会員は続けます", "keeps"),
        ("見放題のほうは解約しないで", "keeps"),
        ("会員をやめます", None),
        ("続けて二度も届きません", None),
    ],
)
def test_what_is_to_go_on_is_told_from_what_is_to_end(text: str, kept: str | None) -> None:
    assert words.meant("keeps", text) == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("では返品でお願いします", "ahead"),
        ("助かりました。じゃあ返品で", "ahead"),
        ("ほなそれで頼みますわ", "ahead"),
        ("この内容で進めてください", "ahead"),
        ("はい、ありがとうございます", "ahead"),
        ("ありがとうございます", None),
        ("返品したいです", None),
        ("それで大丈夫ですか", None),
        ("では返品でお願いするのはやめて", None),
        ("それでいいけど、ちょっと待って", None),
    ],
)
def test_to_go_ahead_with_what_is_proposed(text: str, said: str | None) -> None:
    assert words.meant("goes_ahead", text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("全部戻ってくるということですよね", "asks"),
        ("手数料は引かれないんですか?", "asks"),
        ("はい、お願いできますか?", None),
        ("進めてもらってもいいですか", None),
        ("そうしてください", None),
    ],
)
def test_a_yes_that_asks_back(text: str, said: str | None) -> None:
    assert words.meant("asks_back", text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("皿は割れていませんが、椀が欠けています", "keeps"),
        ("コップは無事でした", "keeps"),
        ("盆のほうはなんともありません", "keeps"),
        ("椀が欠けています", None),
    ],
)
def test_what_is_well_is_not_to_be_touched(text: str, said: str | None) -> None:
    assert words.meant("keeps", text) == said


@pytest.mark.parametrize(
    ("topic", "text", "said"),
    [
        ("no_order", "再注文?いらない", "none"),
        ("no_order", "注文はなしで、返金だけお願いします", "none"),
        ("no_order", "Lはまた今度にしとく", "none"),
        ("no_order", "もう一度注文します", None),
        ("no_order", "先の注文はキャンセルでいりません", None),
        ("sends_back", "もう一度返品を申し込みます", "back"),
        ("sends_back", "返品したので、もう一度注文したい", None),
        ("by_bank", "振り込んでいただくほうで", "bank_transfer"),
        ("by_bank", "振り込みじゃないほう", None),
        ("of_money", "もういちど返金し直して", "money"),
        ("hesitates", "使ったあとでも全額なんですね。ではお願いします", None),
        ("hesitates", "はい、でもまだ迷っています", "holds"),
    ],
)
def test_words_around_a_reorder_and_a_refund(topic: str, text: str, said: str | None) -> None:
    assert words.meant(topic, text) == said


@pytest.mark.parametrize(
    "text",
    [
        "変えちゃってください",
        "即刻取り消してください",
        "注文します",
        "退会します",
        "キャンセルお願いします",
        "取り消してくれ",
    ],
)
def test_what_is_proposed_said_in_bare_words_is_a_yes(text: str) -> None:
    assert words.meant("does_it", text) == "does"


@pytest.mark.parametrize(
    "text",
    [
        "もう必要ないので送らないでほしいです",
        "有料はもう卒業します",
        "間違えて取り消してしまったので、同じ内容で注文をやり直したいです",
        "注文しません",
        "注文しますか",
        "キャンセルしました",
        "変えないで",
        "注文が届かない",
        "やめます",
    ],
)
def test_a_wish_with_more_in_it_is_no_yes(text: str) -> None:
    assert words.meant("does_it", text) is None


def test_a_question_about_numbers_does_not_go_ahead() -> None:
    assert words.meant("goes_ahead", "じゃあ番号なしで進めてもらえます？") is None
    assert words.meant("goes_ahead", "じゃあそれで進めてもらえます？") == "ahead"
