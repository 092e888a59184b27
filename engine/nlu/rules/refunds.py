"""The names of the ways in which money can come back: card, gift balance or bank."""

import re
from typing import Iterator, List, Match

from engine.nlu.rules.span import Span

_GIFT = (
    r"ギフト(?:券|残高|カード|バランス|コード)?|ぎふと(?:けん)?"
    r"|(?:(?:アカウント|ショップ|ストア|お店)の?)?残高|ストアクレジット"
)
_ORIGINAL = (
    r"(?:クレジット|デビット|プリペイド|マスター|VISA|JCB)?カード(?:払い(?=に戻))?"
    r"|クレカ|クレジット|デビット|VISA|JCB|CARD|かーど"
    r"|(?:元の|もとの|お?支払い?時の|購入時の|買った時の|最初の|利用した)"
    r"(?:お?支払い?(?:方法|手段)?|決済(?:方法|手段)?|払い方|方法)"
    r"|(?:お?支払い?(?:時|のとき)?|購入時|(?:支)?払った(?:時|とき|の)|買った(?:時|とき))"
    r"と(?:同じ|一緒の)(?:お?支払い?)?(?:方法|やり方|手段|形)"
)
_BANK = (
    r"(?:銀行|ゆうちょ|郵便局|現金|口座)(?:への?)?(?:お?振り?込み?)|(?:銀行|ゆうちょ|郵便局|普通)口座"
    r"|口座|こうざ|コウザ|ゆうちょ銀行|銀行|ゆうちょ|(?:郵便)?貯金|通帳|バンク"
    r"|お?(?:振込み?|振り込み)(?!ん|ま[すしせ]|む)"
)
_NAMES = re.compile(rf"(?P<gift_balance>{_GIFT})|(?P<original_payment>{_ORIGINAL})|(?P<bank_transfer>{_BANK})", re.I)


def ways_named(text: str) -> List[Span]:
    """Return where a normalised text names a way, be it the way the money comes back or something else."""
    return [Span("refund_method", match.start(), match.end(), str(match.lastgroup)) for match in _one_a_way(text)]


def _one_a_way(text: str) -> Iterator[Match[str]]:
    """Yield the names, one where two side by side name the same way (銀行の口座, 口座に振り込み)."""
    found: List[Match[str]] = []
    for match in _NAMES.finditer(text):
        between = text[found[-1].end() : match.start()] if found else ""
        same = bool(found) and found[-1].lastgroup == match.lastgroup
        if same and between == "の":
            found[-1] = match
        elif not (same and between in ("に", "へ", "への")):
            found.append(match)
    yield from found
