"""The way the money comes back: card, gift balance or bank, named as that and not as anything else."""

import re
from typing import Iterator, List, Match

from engine.nlu.rules.span import Span

_ORIGINAL = (
    r"(?:クレジット|デビット|プリペイド|マスター|VISA|JCB)?カード(?:払い(?=に戻))?|クレカ|(?<!ストア)クレジット(?!カード)|CARD|デビット(?!カード)"
    r"|(?:元の|もとの|お?支払い?時の|購入時の|買った時の|最初の|利用した)(?:お?支払い?(?:方法|手段)?|決済(?:方法|手段)?|払い方|方法)"
    r"|(?:お?支払い?(?:時|のとき)?|購入時|払った(?:時|とき|の)|買った(?:時|とき))と(?:同じ|一緒の)(?:お?支払い?)?(?:方法|やり方|手段|形)"
)
_GIFT = (
    r"ギフト(?:券|残高|カード|バランス|コード)|ぎふとけん|(?:アカウント|ショップ|ストア)?残高"
    r"|ギフト(?=に(?!もら)|は使|はつか|のほう|の方|で(?:返|戻|受け)|ですか)|ストアクレジット"
)
_BANK = (
    r"(?:銀行|ゆうちょ|郵便局|現金|口座)(?:への?)?(?:お?振り?込み?)|(?:銀行|ゆうちょ|郵便局|普通)口座"
    r"|(?<!引き落とし)(?<!引落)口座(?!番号|引)|(?<!ネット)銀行(?!も休)|ゆうちょ|(?:郵便)?貯金|通帳(?=に返|に入れ)|お?(?:振込み?|振り込み)(?!先|手数料|ん|もう?と|ま[すしせ]|む|日|名義)|(?<!ネット)バンク"
)
_NAMES = re.compile(rf"(?P<gift_balance>{_GIFT})|(?P<original_payment>{_ORIGINAL})|(?P<bank_transfer>{_BANK})", re.I)

# A card that pays, is billed, kept, lost or played with is not the way back.
_OTHER_USE = re.compile(
    r"(?:会社|を?買|(?:と[^、。!?]{1,6})?を(?:併用|半分|借り|整理)|だった|のお金|のコード|(?:は|が)?もう(?:解約|使って?な|ない)|でも?(?:支|お?支払い|払い(?!戻))|(?:って)?どこで(?:使|見)|の(?:使い方|買い方|残高)|も使わ|も銀行も|も休|が変わ|を現金に|をチャージ|にチャージ|の期限を|明細|番号|情報|ゲーム|ケース|キー|リーダー|利用|ローン|の(?:明細|利用|請求|引き|有効|番号|情報|登録|締)"
    r"|(?:払い(?!戻)|決済|引き?落)|(?:を|が|は|も)?(?:登録|紛失|なく|失|止|解約|持っ|持た|なく|ない|通ら|使え|作|見た|見て|併用)"
    r"|というもの|(?:で(?!は)|から(?!元の|もとの|最初の)|に|を使って|から毎月)[^、。!?]{0,6}?(?:買|購入|払っ|払い(?!戻)|支払|決済|請求|引か|引き?落|落ち|課金|チャージ|課され|取られ)"
    # 送料は残高、商品代はカードと分けて払っています: a clause that tells how it was paid, with no word of a way back.
    r"|[^。!?返戻]{0,18}?(?:払って(?:いる|い?ます|おり)|払いました|買いました|購入しました))"
)
# 支払いはカードでした, 決済方法はギフト券 tell how it was paid; 返金 or 戻 behind it turns that around.
_PAID_BY = re.compile(r"(?:お?支払い?|決済|購入)(?:方法|手段)?(?:は|が)[^、。!?]{0,8}\Z")
_BEFORE_OTHER = re.compile(
    r"(?:そちらの|引き落とし先を別の|メッセージ|スタンプ|ポイント|SIM|メモリー?|グリーティング|会員|家族|診察|図書|トレーディング|SD|名刺)\Z",
    re.I,
)
_MONEY_BACK = re.compile(
    r"返金|返し|返っ|返る|返し|戻|払い戻|かえ[しっ]|もどし|もどっ|振り?込|入金|受け取|補償|全額|お金|反映|増え|計上"
)
_CHOICE = re.compile(
    r"(?:のほう|の方|に(?:して|し|でき|変|替|入|送|直|お願)|で(?:お願|おねが|いい|ええ|よい|良い|結構|構|もら|頼|大丈夫|受|返|は?困|希望|よろし|かまい|おけ|ok)"
    r"|が(?:いい|良い|希望|よい|楽|便利)|を(?:希望|選|望)|(?:に|へ)の?返|希望|は(?:いや|嫌|困|やめ|無理|使わ|つかわ|いら)|かな|なら|より|ですね|じゃな|ではな|ではあり|でも|だと|にも)",
    re.I,
)


def refund_methods(text: str) -> Iterator[Span]:
    """Find the names of refund methods where they are the way the money comes back."""
    named = [match for match in _one_a_way(text) if not _means_something_else(text, match)]
    # Two ways side by side are a choice between them; one alone may be anything.
    choice = len({match.lastgroup for match in named}) > 1 or bool(_MONEY_BACK.search(text))
    for match in named:
        alone = match.end() - match.start() >= len(text) - 8
        if choice or alone or match.lastgroup == "bank_transfer" or _CHOICE.match(text, match.end()):
            yield Span("refund_method", match.start(), match.end(), str(match.lastgroup))


def _one_a_way(text: str) -> List[Match[str]]:
    """Return the names, one where two side by side name the same way (銀行の口座, 口座に振り込み)."""
    found: List[Match[str]] = []
    for match in _NAMES.finditer(text):
        between = text[found[-1].end() : match.start()] if found else ""
        same = bool(found) and found[-1].lastgroup == match.lastgroup
        if same and between == "の":
            found[-1] = match
        elif not (same and between in ("に", "へ", "への")):
            found.append(match)
    return found


def _means_something_else(text: str, match: Match[str]) -> bool:
    paid_by = _PAID_BY.search(text, 0, match.start()) and not _MONEY_BACK.search(text, match.end())
    return bool(paid_by or _BEFORE_OTHER.search(text, 0, match.start()) or _OTHER_USE.match(text, match.end()))
