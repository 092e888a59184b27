"""Dates, resolved against the day of the message. Weeks begin on Monday, as ISO has it."""

import datetime
import re
from typing import Callable, Iterator, Match, Optional, Pattern, Tuple

from engine.nlu.rules.numerals import NUMERAL, number
from engine.nlu.rules.span import Span

Day = datetime.date
Resolver = Callable[[Match[str], Day], Optional[Day]]

_DAYS = {
    "一昨々日": -3, "一昨昨日": -3, "さきおととい": -3,
    "一昨日": -2, "おととい": -2, "おとつい": -2, "オトトイ": -2,
    "昨日": -1, "きのう": -1, "キノウ": -1, "昨晩": -1, "昨夜": -1,
    "今日": 0, "本日": 0, "きょう": 0, "キョウ": 0, "今朝": 0, "今晩": 0, "今夜": 0,
    "明後日": 2, "あさって": 2, "明々後日": 3, "明明後日": 3, "しあさって": 3,
    "明日": 1, "あした": 1, "アシタ": 1, "明朝": 1, "明晩": 1,
}  # fmt: skip
_NO_DAY = "きょう(?:み(?!た)|だい|りゅう)"  # 興味, 兄弟 and 恐竜 in kana
_NAMED = {"元日": (1, 1), "元旦": (1, 1), "大晦日": (12, 31), "大みそか": (12, 31)}
_WEEKS = {
    "先々週": -2, "先先週": -2, "せんせんしゅう": -2, "先週": -1, "前の週": -1, "せんしゅう": -1,
    "今週": 0, "こんしゅう": 0, "来週": 1, "らいしゅう": 1, "再来週": 2, "さらいしゅう": 2,
}  # fmt: skip
_MONTHS = {"先々月": -2, "先月": -1, "今月": 0, "来月": 1, "再来月": 2}
_WEEKDAYS = "月火水木金土日"

_N = f"({NUMERAL}{{1,4}})"
_END = r"(?!間|以内|ほど|くらい|ぐらい|かか|た[っつち]|経|待|分の?|目|おき|ごと|連続|続け)"
# 品切れから5日, もう5日, 無料の30日 are spans of time.
_NOT_SINCE = "(?<!から)(?<!もう)(?<!まる)(?<!丸)(?<!毎月)(?<!無料)(?<!無料の)(?<!あと)(?<!約)(?<!て)(?<!で)"
_WEEKDAY = "([月火水木金土日])(?:曜日?|よう(?:び)?)"
_WHICH = "(この前|この間|こないだ|前|先日|次|今度)"
_AS_A_DAY = r"(?=[にのはがかなまよ、。付着頃や]|\Z|以降|です|だ|で|到|発|ごろ)"
_KANJI_DAY = "(?=に|の|付|頃|ごろ|まで|から)"
_PAST = re.compile(r"[^。!?\n]{0,24}?(?:た(?![いくら])|だ(?=[。、が])|ました|済)")


def _shift_month(day: Day, months: int, day_of_month: int) -> Optional[Day]:
    index = day.year * 12 + day.month - 1 + months
    return _date(index // 12, index % 12 + 1, day_of_month)


def _date(year: int, month: int, day_of_month: int) -> Optional[Day]:
    try:
        return datetime.date(year, month, day_of_month)
    except ValueError:
        return None


def _nearest(candidates: Tuple[Optional[Day], ...], day: Day) -> Optional[Day]:
    real = [candidate for candidate in candidates if candidate is not None]
    return min(real, key=lambda candidate: abs((candidate - day).days)) if real else None


def _word(match: Match[str], day: Day) -> Optional[Day]:
    return day + datetime.timedelta(days=_DAYS[match.group()])


def _named(match: Match[str], day: Day) -> Optional[Day]:
    month, day_of_month = _NAMED[match.group()]
    return _nearest(tuple(_date(day.year + shift, month, day_of_month) for shift in (-1, 0, 1)), day)


def _full(match: Match[str], day: Day) -> Optional[Day]:
    era, year, month, day_of_month = match.groups()
    value = 1 if year == "元" else number(year)
    if value is None:
        return None
    if era:
        value += 2018 if era in ("令和", "R") else 1988
    elif value < 100:
        value += 2000
    return _date(value, number(month) or 0, number(day_of_month) or 0)


def _month_day(match: Match[str], day: Day) -> Optional[Day]:
    month, day_of_month = number(match.group(1)) or 0, number(match.group(2)) or 0
    return _nearest(tuple(_date(day.year + shift, month, day_of_month) for shift in (-1, 0, 1)), day)


def _relative_month(match: Match[str], day: Day) -> Optional[Day]:
    return _shift_month(day, _MONTHS[match.group(1)], number(match.group(2)) or 0)


def _day_of_month(match: Match[str], day: Day) -> Optional[Day]:
    day_of_month = number(match.group(1)) or 0
    candidates = tuple(_shift_month(day, shift, day_of_month) for shift in (-1, 0, 1))
    if _PAST.match(match.string, match.end()):
        candidates = tuple(candidate for candidate in candidates if candidate and candidate <= day)
    return _nearest(candidates, day)


def _days_away(match: Match[str], day: Day) -> Optional[Day]:
    count = number(match.group(1))
    if count is None:
        return None
    days = count * (7 if match.group(2).startswith("週") else 1)
    return day + datetime.timedelta(days=-days if match.group(3).startswith(("前", "まえ")) else days)


def _week_weekday(match: Match[str], day: Day) -> Optional[Day]:
    monday = day - datetime.timedelta(days=day.weekday())
    return monday + datetime.timedelta(weeks=_WEEKS[match.group(1)], days=_WEEKDAYS.index(match.group(2)))


def _weekday(match: Match[str], day: Day) -> Optional[Day]:
    """Resolve a bare weekday: the last one where the clause is told in the past, else the next one."""
    before, wanted = match.group(1) or "", _WEEKDAYS.index(match.group(2))
    past = before.startswith(("前", "この前", "この間", "こない", "先日")) or (
        not before.startswith(("次", "今度")) and bool(_PAST.match(match.string, match.end()))
    )
    if past:
        return day - datetime.timedelta(days=(day.weekday() - wanted) % 7 or 7 * bool(before))
    return day + datetime.timedelta(days=(wanted - day.weekday()) % 7 or 7 * bool(before))


def _words(words: "dict[str, int]") -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_RULES: Tuple[Tuple[Pattern[str], Resolver], ...] = (
    (re.compile(r"(?<![0-9])(令和|平成|[RH])?((?:[0-9]{2,4}|[〇一二三四五六七八九十]{1,4}|[0-9]|元))年 ?"
                rf"({NUMERAL}{{1,2}})月 ?({NUMERAL}{{1,3}})日"), _full),
    (re.compile(r"(?<![0-9])()([12][0-9]{3})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])"), _full),
    (re.compile(rf"(?<![0-9])({NUMERAL}{{1,3}})月の? ?({NUMERAL}{{1,3}})日(?!間)"), _month_day),
    (re.compile(r"(?<![0-9/.-])(1[0-2]|0?[1-9])/(3[01]|[12][0-9]|0?[1-9])(?![0-9/]|倍|の確率)"), _month_day),
    (re.compile(rf"({_words(_MONTHS)})の? ?({NUMERAL}{{1,3}})日"), _relative_month),
    (re.compile(rf"({_words(_WEEKS)})の?{_WEEKDAY}"), _week_weekday),
    (re.compile(rf"({_words(_WEEKS)})の([月火水木金土])(?![曜ー-龠])"), _week_weekday),
    (re.compile(rf"(?<![0-9]){_N}(日|週間?|にち)(前|まえ|後(?!半)|ご)"), _days_away),
    (re.compile(rf"(?<!毎週)(?<!毎週の)(?:{_WHICH}の)?{_WEEKDAY}(?!以外|とか)"), _weekday),
    (re.compile(rf"(?<![0-9月点]){_NOT_SINCE}([0-9]{{1,2}})日{_END}{_AS_A_DAY}"), _day_of_month),
    (re.compile(rf"(?<![0-9月点何]){_NOT_SINCE}([一二三四五六七八九十]{{1,3}})日{_END}{_KANJI_DAY}"), _day_of_month),
    (re.compile("|".join(_NAMED)), _named),
    (re.compile(rf"(?!{_NO_DAY})(?:{_words(_DAYS)})(?!的|中に?元気)"), _word),
)  # fmt: skip


def dates(text: str, day: Day) -> Iterator[Span]:
    """Find the words that mean one day, as ISO dates; vague ones (先週, 月末) are none."""
    for pattern, resolve in _RULES:
        for match in pattern.finditer(text):
            found = resolve(match, day)
            if found is not None:
                yield Span("date", match.start(), match.end(), found.isoformat())
