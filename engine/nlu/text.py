"""Normalisation of Japanese text with an offset map back to what the customer typed.

Everything here is plain Python, so that it can be tested and reused without Rasa. The steps run over
single characters that remember the span of the original they came from, which keeps the map true
whatever a step drops, merges or rewrites.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Callable, List, Match, Pattern, Tuple

MAX_CHARACTERS = 4000

_HIRAGANA_KATAKANA = "ぁ-ゖァ-ヺー"
_JAPANESE = _HIRAGANA_KATAKANA + "々〆〇㐀-䶿一-鿿豈-﫿"
# NFKC leaves these as they are, and in a number each of them stands for a hyphen.
_DASHES = "-‐‑‒–—―−ー─━﹘"
_SMALL_MARKS = "゙゚ﾞﾟ"


@dataclass(frozen=True)
class NormalizedText:
    """A normalised text and, for each of its characters, the span of the original it stands for."""

    original: str
    text: str
    starts: Tuple[int, ...]
    ends: Tuple[int, ...]

    def span(self, start: int, end: int) -> Tuple[int, int]:
        """Return the span of the original that a span of the normalised text stands for."""
        if start >= end:
            return (0, 0)
        return self.starts[start], self.ends[end - 1]

    def find_span(self, start: int, end: int) -> Tuple[int, int]:
        """Return the span of the normalised text that lies within a span of the original."""
        inside = [i for i, at in enumerate(self.starts) if start <= at < end]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def fingerprint(self) -> str:
        """Return what Rasa's cache needs to tell one normalised text from another."""
        return self.text


@dataclass(frozen=True)
class _Char:
    text: str
    start: int
    end: int


Step = Tuple[Pattern[str], Callable[[Match[str]], str]]


def _keep_first(match: Match[str]) -> str:
    return match.group()[0]


def _drop(match: Match[str]) -> str:
    return ""


def _space(match: Match[str]) -> str:
    return "\n" if "\n" in match.group() else " "


def _exclamation(match: Match[str]) -> str:
    return "?" if "?" in match.group() else "!"


def _stretched_vowel(match: Match[str]) -> str:
    # かわいいいい keeps the two that the word has; every other stretched kana keeps one.
    return "いい" if match.group()[0] == "い" else match.group()[0]


_STEPS: Tuple[Step, ...] = (
    (re.compile(rf"(?<=\d)\s*[{_DASHES}]\s*(?=\d)"), lambda match: "-"),
    # Laughter and moods that stand behind a word say nothing about the request.
    (re.compile(r"[(\[](?:笑|泣|涙|怒|汗|爆笑|苦笑|大泣き)+[)\]]"), _drop),
    (re.compile(r"m ?\(_ ?_\)m"), _drop),
    (re.compile(rf"\((?![^()]*[{_JAPANESE}A-Za-z0-9]{{3}})[^(){_JAPANESE}0-9]{{2,10}}\)"), _drop),
    (re.compile(rf"(?<=[{_JAPANESE}!?。、])[wW]+(?![A-Za-z0-9.])"), _drop),
    (re.compile(rf"(?<=[{_HIRAGANA_KATAKANA}])[~〜ー―—─]+(?!\d)"), lambda match: "ー"),
    (re.compile(r"([ぁ-ゖ])\1{2,}"), _stretched_vowel),
    (re.compile(r"[!?][!?]+"), _exclamation),
    (re.compile(r"[.・。]{2,}"), lambda match: "。"),
    (re.compile(r"、{2,}"), _keep_first),
    (re.compile(r"\s+"), _space),
    # Learners, voice input and habit put spaces between Japanese words; a line's end is kept.
    (re.compile(rf"(?<=[{_JAPANESE}。、!?]) (?=[{_JAPANESE}])"), _drop),
    (re.compile(r"\A\s+|\s+\Z"), _drop),
)


def normalize(text: str, max_characters: int = MAX_CHARACTERS) -> NormalizedText:
    """Normalise a text, looking at no more than its first `max_characters` characters."""
    chars = _compatible(text[:max_characters])
    chars = _without_pictures(chars)
    for pattern, replacement in _STEPS:
        chars = _rewrite(chars, pattern, replacement)
    return NormalizedText(
        original=text,
        text="".join(char.text for char in chars),
        starts=tuple(char.start for char in chars),
        ends=tuple(char.end for char in chars),
    )


def _compatible(text: str) -> List[_Char]:
    """Apply NFKC to each letter with its marks, and leave out what cannot be seen."""
    chars: List[_Char] = []
    position = 0
    while position < len(text):
        end = position + 1
        while end < len(text) and _is_mark(text[end]):
            end += 1
        for char in unicodedata.normalize("NFKC", text[position:end]):
            visible = _visible(char)
            if visible:
                chars.append(_Char(visible, position, end))
        position = end
    return chars


def _is_mark(char: str) -> bool:
    return char in _SMALL_MARKS or unicodedata.combining(char) != 0


def _visible(char: str) -> str:
    """Return the character, a space for white space, a line feed for a line's end, or nothing."""
    if char in "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        return "\n"
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Cn") or "\ufe00" <= char <= "\ufe0f":
        return ""
    return char


def _without_pictures(chars: List[_Char]) -> List[_Char]:
    """Leave out emoji and ornaments, unless the message holds nothing else."""
    words = any(unicodedata.category(char.text)[0] in "LN" for char in chars)
    if not words:
        return chars
    return [char for char in chars if not _is_picture(char.text)]


def _is_picture(char: str) -> bool:
    return unicodedata.category(char) == "So" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _rewrite(chars: List[_Char], pattern: Pattern[str], replacement: Callable[[Match[str]], str]) -> List[_Char]:
    text = "".join(char.text for char in chars)
    result: List[_Char] = []
    position = 0
    for match in pattern.finditer(text):
        if match.start() == match.end():
            continue
        result.extend(chars[position : match.start()])
        start, end = chars[match.start()].start, chars[match.end() - 1].end
        result.extend(_Char(char, start, end) for char in replacement(match))
        position = match.end()
    return result + chars[position:] if position else chars
