"""Quantities and sizes."""

import re
from typing import Iterator, Match

from engine.nlu.rules.numerals import NUMERAL, number
from engine.nlu.rules.span import Span

_COUNTERS = (
    "個|ケース|コ(?![ァ-ヺー])|こ(?=[、。でだはがもをのと]|\\Z|返|届|買|頼|注文|だけ|しか)|つ|ケ(?![ァ-ヺー])|点(?!検|数|滅|灯|張|もの)|枚"
    "|本(?!当|日|人|社|物|体|電話)|台|足(?!り|ら|腰)|箱|着(?!払|信|荷|き|い|か)|冊|袋|セット|組|缶|匹|玉|膳|(?<!三)脚|束|双|パック"
    "|体(?=[をがのはも、だ返届足]|\\Z)|ダース|ペア|株|瓶|ボトル|ロール|皿|鉢|基|棹|張|切れ|粒|錠|丁|両(?!方|面|手)|樽"
)
_NATIVE = {
    "ひとつ": 1, "ふたつ": 2, "みっつ": 3, "よっつ": 4, "いつつ": 5, "むっつ": 6, "ななつ": 7, "やっつ": 8,
    "ここのつ": 9, "いっこ": 1, "いちまい": 1, "にまい": 2, "さんまい": 3, "いっそく": 1, "にそく": 2,
}  # fmt: skip
# 一つ上のサイズ, 二つ目, 一つ前 count no articles, and ひとつ at a sentence's head is "may I".
_NOT_AFTER = r"(?!目|め|上|下|前|先|隣|ずつ前|よろし|伺|うかが|聞|お聞|質問|おたずね|小さい|大きい|以内|桁|桁)"
_COUNT = re.compile(rf"(?<![0-9.第何-])({NUMERAL}{{1,4}}) ?(?:{_COUNTERS}){_NOT_AFTER}")
_NATIVE_COUNT = re.compile(
    rf"(?:{'|'.join(_NATIVE)})(?=[をのはがだでと、。]|\Z|返|届|頼|買|注|足り|多|しか)(?!では?ない)"
)
_AFTER_NAME = re.compile(rf"(?:数量|個数|枚数|本数)(?:は|が|を|: ?|= ?| )?({NUMERAL}{{1,3}})(?![0-9/月日円.桁-])")
# Things that are counted in the same way and are no articles of an order.
_NOT_ARTICLES = re.compile(
    r"[ 、]*(?:の(?:メール|通知|注文|アカウント|質問|理由|箱に|サイト|番号|お知らせ|会員)|(?:ある)?アカウント)"
)
_NO_ARTICLE_BEFORE = re.compile(
    r"(?:会員|契約|サブスク|動画|映画|メール|通知|お知らせ|番号|住所|アカウント|電話|返事|数字|何|顔|星|最後の)(?:が|を|も|は)?\Z"
)

_LETTERS = r"(?:[SMLF]|SS|LL|XS|XL|XXS|XXL|XXXL|[2-9]L|[2-9]S|[2-9]XL|[2-9]XS)"
_NO_LATIN = r"(?<![A-Za-z0-9-])", r"(?![A-Za-z0-9-]|字|版|特|の字)"
# A small letter alone is a slip of the finger (でs), unless it says that it is a size.
_LETTER = re.compile(rf"{_NO_LATIN[0]}({_LETTERS})(?: ?(?:サイズ|寸|SIZE|size))?{_NO_LATIN[1]}")
_SMALL_LETTER = re.compile(rf"{_NO_LATIN[0]}({_LETTERS}) ?(?:サイズ|寸|size)", re.IGNORECASE)
_SPOKEN = {"エス": "S", "エム": "M", "エル": "L", "エルエル": "LL", "エックスエル": "XL", "スリーエル": "3L"}
_SPOKEN_SIZE = re.compile(r"(エルエル|エックスエル|スリーエル|エス|エム|エル)(?:サイズ|寸)")
_FREE = re.compile(
    r"フリー ?サイズ|(?<=サイズは)フリー|(?<=サイズが)フリー|(?<![ァ-ヺー])フリー(?=です|だ[。、]|でした|\Z)"
)
_CENTIMETRES = re.compile(
    r"(?<![0-9.,])([0-9]{1,3}(?:[.・][0-9])?|[一二三四五六七八九十百]{1,5})"
    r" ?(?:cm|センチ(?:メートル)?|せんち|糎|㎝)(?: ?(半))?(?:サイズ)?",
    re.I,
)
_BODY = re.compile(
    r"(?:身長|股下|丈|幅|奥行|高さ|ウエスト|腕の長さ|腕|首まわり|首回り|胸囲|実寸は?|縦|床から|横|長さ|厚さ|直径|体)[^、。]{0,5}\Z"
)
_TOO_MUCH = re.compile(
    r" ?(?:くらい|ぐらい|ほど|も|しか|用|角|四方|以上|以下|未満|オーバー|余"
    r"|の(?:穴|傷|身長|差|隙間)|(?:長|短|大き|小さ|足りな|はみ出|ずれ|深|違|浮))"
)
_NUMBER_SIZE = re.compile(r"(?<![0-9.,])([0-9]{1,3}(?:\.[0-9])?(?:号|インチ)?) ?サイズ(?!以)")
_AFTER_SIZE = re.compile(r"(?<=サイズ)(?:は|が|で|を|: ?|= ?| )([0-9]{1,3}(?:\.[0-9])?)(?![0-9./月日個枚円%倍-])")
_SHOE = re.compile(r"(?<![0-9.,])(2[0-9]\.[05])(?![0-9.]| ?(?:円|%|kg|cm|センチ|インチ|号|サイズ))")
_CLOTHES = re.compile(r"(?<=服)([0-9]{2,3})(?=[をがはのでに])")


def quantities(text: str) -> Iterator[Span]:
    """Find counts of articles; the value is the number in digits."""
    for pattern in (_COUNT, _NATIVE_COUNT):
        for match in pattern.finditer(text):
            value = number(match.group(1)) if pattern is _COUNT else _NATIVE[match.group()]
            if value and not _counts_something_else(text, match):
                yield Span("quantity", match.start(), match.end(), str(value))
    for match in _AFTER_NAME.finditer(text):
        value = number(match.group(1))
        if value:
            yield Span("quantity", match.start(1), match.end(1), str(value))


def _counts_something_else(text: str, match: Match[str]) -> bool:
    return bool(_NOT_ARTICLES.match(text, match.end()) or _NO_ARTICLE_BEFORE.search(text, 0, match.start()))


def sizes(text: str) -> Iterator[Span]:
    """Find sizes of clothes and shoes."""
    for match in _FREE.finditer(text):
        yield Span("size", match.start(), match.end(), "free")
    for match in _SPOKEN_SIZE.finditer(text):
        yield Span("size", match.start(), match.end(), _SPOKEN[match.group(1)])
    for match in _CENTIMETRES.finditer(text):
        if _BODY.search(text, 0, match.start()) or _TOO_MUCH.match(text, match.end()):
            continue
        yield Span("size", match.start(), match.end(), f"{_decimal(match.group(1), match.group(2))}cm")
    for match in _NUMBER_SIZE.finditer(text):
        yield Span("size", match.start(), match.end(), match.group(1))
    for pattern in (_AFTER_SIZE, _SHOE, _CLOTHES):
        for match in pattern.finditer(text):
            yield Span("size", match.start(1), match.end(1), match.group(1))
    for pattern in (_LETTER, _SMALL_LETTER):
        for match in pattern.finditer(text):
            letters = match.group(1).upper()
            yield Span("size", match.start(), match.end(), "free" if letters == "F" else letters)


def _decimal(digits: str, half: "str | None") -> str:
    whole = digits.replace("・", ".")
    value = str(number(whole)) if "." not in whole else whole
    if half:
        value = f"{value}.5"
    return value[:-2] if value.endswith(".0") else value
