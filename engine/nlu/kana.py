"""Messages written in katakana alone (ｷｬﾝｾﾙｼﾃｸﾀﾞｻｲ), put into the script in which their words are usually written.

A tokenizer takes a run of katakana for one foreign word. So where a message has neither hiragana nor kanji, its
katakana become hiragana, but for the words that the examples themselves write in katakana (キャンセル, サイズ). One
character becomes one character, so that every offset stays what it was.
"""

import re
from collections import Counter
from typing import FrozenSet, Iterable

SHORTEST = 3
"""Characters of the shortest word that is looked for; shorter ones stand inside too many others."""
SEEN = 2
"""In so many examples a word must stand to be one."""

_RUN = re.compile(rf"[ァ-ヺー]{{{SHORTEST},}}")
_USUAL_SCRIPT = re.compile(r"[ぁ-ゖ㐀-䶿一-鿿]")
_KATAKANA = re.compile(r"[ァ-ヴ]")


def foreign_words(texts: Iterable[str]) -> FrozenSet[str]:
    """Return the words that these texts write in katakana amid other scripts."""
    counts = Counter(word for text in texts if _USUAL_SCRIPT.search(text) for word in set(_RUN.findall(text)))
    return frozenset(word for word, count in counts.items() if count >= SEEN)


def usual_script(text: str, words: FrozenSet[str]) -> str:
    """Return a text of katakana alone in its usual script, any other text as it is."""
    if _USUAL_SCRIPT.search(text) or len(_KATAKANA.findall(text)) <= SHORTEST:
        return text
    longest = max(map(len, words), default=0)
    written, at = [], 0
    while at < len(text):
        word = next((text[at:end] for end in range(at + longest, at + SHORTEST - 1, -1) if text[at:end] in words), "")
        written.append(word or _hiragana(text[at]))
        at += len(word) or 1
    return "".join(written)


def _hiragana(character: str) -> str:
    return chr(ord(character) - 0x60) if _KATAKANA.match(character) else character
