"""Which intents a message says the contrary of: a request denied, a trouble that is none, a wait that is over.

A linear classifier sees キャンセル and 返品 more loudly than the ending that turns them around. What is
denied must never be done, so the endings are read by rules. A question (返品できませんか) and a condition
(返品しないと) deny nothing. Where a word stands more than once, its last mention counts.
"""

import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Pattern

# A longer message tells more than one thing, and a denial in it is rarely the point.
_LONGEST = 60
_QUESTION = (
    r"(?!か|でしょ|の(?:か|です|でしょ|で|に)|ん(?:です|でしょう)?か|と(?!い[てう])|け(?:れ|り)"
    r"|\?|うち|場合|なら|とき|時|まま)"
)
_NO = rf"(?:ない|なく(?!な)|ありません|ございません|ません|まへん|へん){_QUESTION}"
_WISH = r"(?:た(?:い|く)|て(?:ほし|欲し)(?:い|く)|てもらいた(?:い|く))"
_DENIED = (
    # しない, したくない, されたくない, しないで, してもらわなくていい
    rf"(?:は|を|も|が|に出|で話し)?(?:し|さ|され|いたし|致し|望み|求めて(?:は|い)*|希望し(?:て(?:は|い)*)?)?(?:たく|とう)?(?:は|も)?{_NO}"
    r"|(?:は|も)?(?:して|かけて|て|を?かけて)(?:こ|来|いただか|もらわ|くださら|くれ)?なくて|(?:を|は)?(?:かけ|し)?て(?:こ|来)ないで"
    # する必要はなくなりました, 希望ではありません
    r"|(?:する|す)?必要(?:は|が|も)?(?:なくな[りっ]|な(?:い|く)|ありません|ございません)"
    rf"|(?:を)?希望(?:して(?:いる|る)?)?(?:の|わけ)?(?:では|じゃ){_NO}"
    # せずに, せんといて, しちゃだめ
    r"|(?:は|を)?(?:せ|さ)?(?:ずに?|んと[いくこ]|んで(?:ええ|いい|くれ|おく))|(?:し|か)?ちゃ(?:だめ|ダメ|いけ|嫌|いや)"
    # するつもりはない, したいわけではない, したいとは言っていない
    rf"|(?:する|す|む|る)?(?:つもり|気|気持ち|予定|意思)(?:は|が|も|なんて)?[^、。!?]{{0,8}}?{_NO}"
    rf"|(?:が|を)?(?:し|て)?{_WISH}?(?:という|って|とか|なんて)?(?:わけ|訳|の|ん)?(?:では|じゃ|でも)(?:[^、。!?]{{0,2}}){_NO}"
    rf"|(?:が|を)?(?:し|て)?{_WISH}?(?:という)?(?:わけ|訳)ちゃ(?:う|い)"
    rf"|(?:する|す)?(?:し|て)?{_WISH}?(?:とまで|とは|と|なんて|なんか|とか)(?:は)?[^、。!?]{{0,4}}(?:言|申|思|頼)[^、。!?]{{0,5}}(?:な|ません|へん|おりません)"
    # するのはやめます, いりません, 結構です, なしで
    r"|(?:する|す)?(?:の|こと)?(?:は|を|も)?(?:やめ|止め|取りやめ|見送)(?:に(?:し|する)|ま|た|て|と|る)"
    rf"|(?:は|も|を)?(?:(?:いり|要り){_NO}|不要|(?:い|要)?ら(?:ない|ん|へん)|結構で|けっこうで|なしで|無しで|(?:だめ|ダメ)(?:です|だ))"
)


@dataclass(frozen=True)
class Contrary:
    """How an intent is told, how its contrary is, and what a message is that says it."""

    topic: str
    meant: str
    denied: str = _DENIED
    settled: str = r"(?!)"
    unless: str = r"(?!)"


_END = r"(?=[よわねさなで]|から|ので|、|。|!|\Z)(?!で(?:すか|しょうか))"
_DONE = rf"(?:ました|済み(?:です)?|た){_END}(?!よ?ね?(?:\?|か(?!ら)))"
_HAS_COME = rf"(?:届い(?:て(?:い)?|と)?(?:っ)?|来て|来|受け取(?:り|って|っ)|配達され(?:て(?:い)?)?|きて){_DONE}"
_IS_NOT = rf"(?:て|で)?(?:は|も|が)?(?:い|お)?(?:なかった|へんかった|ませんでした|{_NO})"

# Who asks for something more has not come to tell that all is well.
_ASKS = r"教え|知り|いつ|どこ|どう|下さい|ください|ほし|欲し|お願い|[?]|か(?:。|\Z)"
_CONTRARIES: Dict[str, Contrary] = {
    "cancel_order": Contrary(
        r"キャンセル|きゃんせる|取り?消[しさす]?|取りやめ",
        "withdraw_request",
        settled=rf"キャンセル(?:が|も)?(?:でき|され|完了し){_DONE}"
        r"|キャンセルを(?:頼まれ|言われ|依頼され)て(?:は)?い(?:ません|ない)",
    ),
    "return_item": Contrary(r"返品|返却|送り返[しさす]?|返[しさすそ]", "withdraw_request"),
    "exchange_item": Contrary(r"交換(?:品(?:は|を)送ら)?|取り?替え|とりかえ", "withdraw_request"),
    "reorder_item": Contrary(r"注文|頼[むみま]|買い直[しさす]", "deny", settled=rf"再注文(?:でき|し|は済み?){_DONE}"),
    "cancel_membership": Contrary(
        r"解約|退会|(?:会員|定期|サブスク|購読)[^、。!?]{0,6}(?:やめ|止め)|抜け",
        "withdraw_request",
        settled=rf"(?:解約|退会)(?:は)?(?:もう)?(?:でき|し|済み|完了し)(?:て(?:い)?ます|たことがあ|{_DONE})|退会済み"
        r"|(?:会員|定期)[^、。!?]{0,4}(?:続け(?:ます|たい)|でいたい|のまま)",
    ),
    "request_callback": Contrary(
        r"電話|でんわ|TEL",
        "deny",
        settled=rf"電話(?:を|は|で)?(?:もう)?(?:もらい|もらっ|話し|済み|いただき|あり){_DONE}",
    ),
    "request_agent": Contrary(
        r"(?<!電)話[しす]?|つな[がげ]|代わっ|替わっ|出せ|呼[ばん]",
        "deny",
        settled=rf"(?:つながり|お?話しし|話し){_DONE}",
    ),
    "withdraw_request": Contrary(r"取り下げ(?:は)?|撤回(?:する)?|元に戻[しさす]", "deny"),
    "report_defect": Contrary(
        r"壊れ|割れ|漏れ|破れ|故障|破損|不良|傷|キズ|汚れ",
        "inform",
        denied=_IS_NOT,
        settled=rf"(?:直り|直っ|動くように(?:なり|なっ)|電源(?:が|も)?入(?:り|っ)|音(?:が|も)?出)(?:て)?{_DONE}",
        unless=r"(?:動か|つか|点か|映ら|鳴ら|入ら|出|使え|足り)(?:ない|ません|へん)|ひび|欠け|折れ|箱に",
    ),
    "report_wrong_size": Contrary(
        r"きつく|ゆるく|小さく|大きく|大きすぎ(?:る)?(?:こと)?|小さすぎ(?:る)?(?:こと)?",
        "inform",
        denied=_IS_NOT,
        settled=r"(?:ぴったり|ピッタリ|ちょうど(?:いい|良い|よい|よかった))(?:でした|です|だ)?(?=[よわねと]?(?:。|!|\Z))"
        r"|サイズ(?:は|も)?(?:大丈夫|問題な|合って(?:い)?(?:ました|ます|た))",
    ),
    "report_wrong_item": Contrary(
        r"(?:違う|間違った|間違えた|別の)(?:商品|もの|物|色|品)[^、。!?]{0,5}?(?=わけ|では|じゃ)",
        "inform",
        denied=rf"(?:わけ|訳)?(?:では|じゃ){_NO}",
        settled=r"(?:どおり|通り)(?:でした|です|だった)(?=[よわね]?(?:。|!|\Z))",
    ),
    "report_accidental_signup": Contrary(
        r"間違[いえ](?:て)?[^、。!?]{0,8}?(?=わけ|では|じゃ)",
        "inform",
        denied=r"(?:わけ|訳)?(?:では|じゃ)な?(?:い|く|あり)",
    ),
    "report_seller_stockout": Contrary(
        r"品切れ|在庫切れ|キャンセルを(?:頼まれ|言われ)",
        "inform",
        denied=rf"(?:とは|とも|と)?(?:言われ|聞い)?(?:て)?(?:は|も)?(?:い)?(?:では|じゃ)?{_NO}",
        settled=r"在庫(?:は|が)(?:ある|あり(?:ます|ました))(?!か)",
    ),
    "report_conflicting_notice": Contrary(r"矛盾|食い違い", "inform", denied=_IS_NOT),
    "complain": Contrary(r"怒っ", "inform", denied=_IS_NOT),
    "report_not_delivered": Contrary(
        r"(?!)", "inform", settled=rf"{_HAS_COME}|届い(?:たよ|とったわ)", unless=rf"{_ASKS}|ない|ません"
    ),
    "ask_order_status": Contrary(r"(?!)", "inform", settled=_HAS_COME, unless=_ASKS),
    "ask_missing_mail": Contrary(
        r"(?!)",
        "inform",
        settled=rf"(?:メール|めーる)[^、。!?]{{0,4}}?(?:届き|届い|来て(?:い)?|来|あり|見つかり){_DONE}",
        unless=_ASKS,
    ),
    "ask_refund_status": Contrary(
        r"返金|へんきん",
        "inform",
        # 返金されない is the trouble itself; only a wish not to have it denies it.
        denied=r"(?:は|を|も)?(?:いり|要り|求めて(?:は)?い|望み|希望し(?:て(?:は)?い)?)ません|され?たくな|(?:は|も)?(?:不要|い?らない|結構で)",
        settled=rf"(?:返金|へんきん)(?:が|は|も|を)?(?:され(?:て(?:い)?)?|確認でき|完了し){_DONE}"
        rf"|お金(?:が|は)?(?:戻|返)って(?:き|来){_DONE}|入金され(?:て(?:い)?)?{_DONE}",
    ),
    "dont_know_order": Contrary(
        r"(?!)",
        "inform",
        settled=rf"番号(?:が|は|を)?(?:わかり|分かり|わかっ|分かっ|見つかり|見つかっ|思い出し){_DONE}",
    ),
}
_COMPILED: Dict[str, Dict[str, Pattern[str]]] = {
    intent: {part: re.compile(getattr(rule, part)) for part in ("topic", "denied", "settled", "unless")}
    for intent, rule in _CONTRARIES.items()
}


_WRITTEN = str.maketrans({"無": "な", "欲": "ほ"})
"""無い and 欲しい as the rules above write them; 無料 and 食欲, which no rule knows, may become what they like."""


def contradicted(text: str) -> FrozenSet[str]:
    """Return the intents that a normalised text says the contrary of."""
    text = text.translate(_WRITTEN)
    return frozenset(intent for intent, parts in _COMPILED.items() if _is_contradicted(text, parts))


def meant_instead(intent: str) -> str:
    """Return what a message is that says the contrary of an intent."""
    return _CONTRARIES[intent].meant


def is_asserted(text: str, intent: str) -> bool:
    """Say whether a normalised text names what an intent is about, and does not deny it."""
    parts = _COMPILED.get(intent)
    return bool(parts and parts["topic"].search(text)) and intent not in contradicted(text)


def _is_contradicted(text: str, parts: Dict[str, Pattern[str]]) -> bool:
    if parts["unless"].search(text) or len(text) > _LONGEST:
        return False
    mentions = list(parts["topic"].finditer(text))
    denied = bool(mentions) and bool(parts["denied"].match(text, mentions[-1].end()))
    return denied or bool(parts["settled"].search(text))
