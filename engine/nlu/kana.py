"""Messages written in katakana alone (ｷｬﾝｾﾙｼﾃｸﾀﾞｻｲ), put into the script in which their words are usually written.

A tokenizer takes a run of katakana for one foreign word. So where a message has neither hiragana nor kanji, its
katakana become hiragana, but for the words that the examples themselves write in katakana (キャンセル, サイズ). One
character becomes one character, so that every offset stays what it was.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, Iterable

SHORTEST = 3
"""Characters of the shortest word that is looked for; shorter ones stand inside too many others."""
SEEN = 2
"""In so many examples a word must stand to be one."""

_FILE = "katakana-words.json"
_RUN = re.compile(rf"[ァ-ヺー]{{{SHORTEST},}}")
_USUAL_SCRIPT = re.compile(r"[ぁ-ゖ㐀-䶿一-鿿]")
_KATAKANA = re.compile(r"[ァ-ヴ]")


@dataclass(frozen=True)
class ForeignWords:
    """The words that are written in katakana."""

    words: FrozenSet[str] = frozenset()

    @classmethod
    def fit(cls, texts: Iterable[str]) -> ForeignWords:
        """Learn the words that these texts write in katakana amid other scripts."""
        counts = Counter(word for text in texts if _USUAL_SCRIPT.search(text) for word in set(_RUN.findall(text)))
        return cls(frozenset(word for word, count in counts.items() if count >= SEEN))

    def usual_script(self, text: str) -> str:
        """Return a text of katakana alone in its usual script, any other text as it is."""
        if _USUAL_SCRIPT.search(text) or len(_KATAKANA.findall(text)) <= SHORTEST:
            return text
        longest = max(map(len, self.words), default=0)
        written, at = [], 0
        while at < len(text):
            ends = range(at + longest, at + SHORTEST - 1, -1)
            word = next((text[at:end] for end in ends if text[at:end] in self.words), "")
            written.append(word or _hiragana(text[at]))
            at += len(word) or 1
        return "".join(written)

    def save(self, directory: Path) -> None:
        """Write the words as JSON."""
        (directory / _FILE).write_text(json.dumps(sorted(self.words), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> ForeignWords:
        """Read what `save` wrote."""
        return cls(frozenset(json.loads((directory / _FILE).read_text(encoding="utf-8"))))


def _hiragana(character: str) -> str:
    return chr(ord(character) - 0x60) if _KATAKANA.match(character) else character
