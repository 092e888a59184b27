"""Which of the things shown is meant, told by words and not pressed: "一番上の", "安いほう", "800mlの方"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from difflib import SequenceMatcher

from actions import words
from actions.replies import day_of
from actions.slots import KINDS, Turn
from madoguchi.services.views import Choice

type Way = Callable[[Turn, Sequence[Choice]], Choice | None]
_WORDS = re.compile(r"[^\W_ぁ-ゖ]+(?:\.\d+[^\W_ぁ-ゖ]*)?")
"""What tells things apart in a title: runs of kanji, katakana, letters and digits; hiragana holds the grammar."""
_THAT_ONE = r"(?:[ぁ-ゖ色]{0,4}(?:ほう|方|やつ|もの|物)|の[はがをも]|を(?:お願い|頼))"
"""What follows a single sign that names a thing: 赤いほう, 大きいやつ, 黒の方, 紫のは, 緑をお願い."""
_NOT_THAT = re.compile(r"[^、。,!?\n]*?(?:(?:じゃ|では?|や)な(?:くて?|い(?:です|んです)?、?)|ちゃうくて)")
"""What is named only to say that it is not meant: 赤じゃなくて青."""
_BEHIND_A_NAME = r"(?=$|[、。]|の|は|を|が|も|で|じゃ)"
SHORTEST_NAME = 3
"""How many kana of a title tell that it is named."""


def picked(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """Return the one choice that the words mean; None where they mean none of them, or more than one."""
    if not turn.typed or not choices:
        return None
    return next((found for way in _WAYS if (found := way(turn, choices)) is not None), None)


def told_apart(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """Return the one of several like choices that the words tell apart, before any choice was shown.

    "ニットのネイビー" has a word that stands in one title alone; "コートのSのほう" names the size of one.
    """
    if not turn.typed or turn.says("instead"):
        return None
    text, titles = _meant_words(turn.text), [words.folded(choice.title) for choice in choices]
    told = [word for word in _WORDS.findall(text) if len(word) > 1]
    places = [[place for place, title in enumerate(titles) if word in title] for word in told]
    alone = {place[0] for place in places if len(place) == 1} | _by_sound_of(text, titles)
    if len(set(titles)) > 1:
        return choices[alone.pop()] if len(alone) == 1 else None
    sizes = [choice for choice in choices if choice.detail and _names_size(text, choice.detail)]
    return _only(sizes)


def named_now(turn: Turn, choices: Sequence[Choice], *, to_stay: bool = False) -> Choice | None:
    """Return the one choice that the words name in place of what was meant before: "緑のほうだった", "AではなくB".

    What is to stay as it is counts for a question alone: "紫のはちゃんと届くよね".
    """
    if not turn.typed or turn.says("all_but"):
        return None
    titles = [words.folded(choice.title) for choice in choices]
    text = _NOT_THAT.sub("", words.folded(turn.text))
    text = text if to_stay else _meant_words(text)
    places = [[place for place, title in enumerate(titles) if word in title] for word in _names_in(text)]
    alone = {place[0] for place in places if len(place) == 1} | _by_sound_of(text, titles)
    return choices[alone.pop()] if len(alone) == 1 else None


def may_name(turn: Turn) -> bool:
    """Whether the words can name a thing at all, so that the customer's articles are worth looking at."""
    text = words.folded(turn.text)
    return bool(_names_in(text)) or len(re.findall("[ぁ-ゖ]", text)) > 4 * SHORTEST_NAME


def _meant_words(text: str) -> str:
    """Return the text without the clauses that say what is to stay as it is."""
    return " ".join(clause for clause in words.clauses(text) if words.meant("keeps", clause) is None)


def _names_in(text: str) -> list[str]:
    return [word for word in _WORDS.findall(text) if len(word) > 1 or re.search(re.escape(word) + _THAT_ONE, text)]


def _by_sound_of(text: str, titles: Sequence[str]) -> set[int]:
    """Return the places of the titles that the text names in kana alone: "つみきせっと" is つみきセット."""
    heard = _as_kana(text)
    parts = {part for title in titles for part in (title, *_WORDS.findall(title)) if len(part) >= SHORTEST_NAME}
    told = [part for part in parts if re.search(re.escape(_as_kana(part)) + _BEHIND_A_NAME, heard)]
    places = [[place for place, title in enumerate(titles) if part in title] for part in told]
    return {place[0] for place in places if len(place) == 1}


def _as_kana(text: str) -> str:
    """Return the text without spaces and with its katakana as hiragana."""
    return "".join(chr(ord(sign) - 0x60) if "ァ" <= sign <= "ヶ" else sign for sign in text if not sign.isspace())


def _names_size(text: str, size: str) -> bool:
    """Whether a size is named as that of the article meant, not as the one that is wished for."""
    named = rf"(?<![a-z0-9.]){re.escape(words.folded(size))}(サイズ)?の(ほう|方|やつ|もの|物)"
    return re.search(named, text) is not None


def _by_place(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """By where it stands in the list: "一番上の", "2つ目のやつ"."""
    nth = turn.says("nth")
    return choices[int(nth) - 1] if nth is not None and int(nth) <= len(choices) else None


def _by_rank(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """By how it compares with the others: "安いほう", "先に買ったやつ"."""
    match turn.says("compared"):
        case "cheapest":
            return _first(choices, _price)
        case "dearest":
            return _first(choices, lambda choice: -_price(choice))
        case "oldest":
            return _first(choices, _moment)
        case "newest":
            return _first(choices, lambda choice: -_moment(choice))
        case _:
            return None


def _by_size(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """By the size it has, where only one has it."""
    sizes = turn.entities.get("size", ())
    return _only([choice for choice in choices if choice.detail and choice.detail in sizes])


def _by_title(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """By the part of its title that the others lack: "800mlのほう", "赤いやつ"."""
    if turn.says("instead"):
        return named_now(turn, choices) if turn.intent not in KINDS else None
    text, titles = _meant_words(turn.text), [words.folded(choice.title) for choice in choices]
    told = _names_in(text)
    shared = [max((_shared(word, title) for word in told), default=0) for title in titles]
    found = _only([index for index, size in enumerate(shared) if size == max(shared) > 0])
    if found is None or any(word not in titles[found] and any(word in title for title in titles) for word in told):
        return None  # none, or another one is named as well
    return choices[found]


def _by_sound(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """By its name in kana alone: "つみきせっとのほう"."""
    found = _by_sound_of(_meant_words(turn.text), [words.folded(choice.title) for choice in choices])
    return choices[found.pop()] if len(found) == 1 else None


def by_day(turn: Turn, choices: Sequence[Choice]) -> Choice | None:
    """By the day on which it was bought, or came: "昨日注文した分"."""
    days = set(turn.entities.get("date", ())) if turn.typed and turn.says("on_its_day") else set()
    return _only([choice for choice in choices if str(day_of(choice)) in days])


_WAYS: tuple[Way, ...] = (_by_place, _by_rank, _by_size, _by_title, _by_sound, by_day)


def _first(choices: Sequence[Choice], key: Callable[[Choice], float]) -> Choice | None:
    """Return the choice with the smallest key, unless another has the same."""
    least = min(map(key, choices))
    return _only([choice for choice in choices if key(choice) == least])


def _only[T](found: Sequence[T]) -> T | None:
    return found[0] if len(found) == 1 else None


def _price(choice: Choice) -> int:
    return choice.price.amount if choice.price else 0


def _moment(choice: Choice) -> float:
    on = choice.on
    if isinstance(on, date) and not isinstance(on, datetime):
        on = datetime.combine(on, time(), UTC)
    return on.timestamp() if on else 0.0


def _shared(word: str, title: str) -> int:
    """Return how long a part of the word the title has; less than half of the word is nothing."""
    size = SequenceMatcher(None, word, title, autojunk=False).find_longest_match().size
    return size if 2 * size > len(word) else 0
