"""All examples of `data/nlu`: read file by file, again only where a file changed; counted, searched and compared."""

from __future__ import annotations

import hashlib
import re
import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from itertools import accumulate, groupby
from pathlib import Path

from madoguchi.training import notation, sameness
from madoguchi.training.files import Unreadable, entries
from madoguchi.training.notation import Mark, Said, Unwritable
from madoguchi.training.sameness import Likeness

FOLDER = Path("data/nlu")


@dataclass(frozen=True)
class Example:
    """One example: what it says, and how and where it is written."""

    intent: str
    said: Said
    written: str
    file: str
    line: int  # counted from 1
    key: str
    simple: bool = True

    @property
    def id(self) -> str:
        """A short name for pages and addresses, the same as long as the example is."""
        return example_id(self.intent, self.written)

    @property
    def text(self) -> str:
        """The text without its marks."""
        return self.said.text

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The entities."""
        return self.said.marks


class Letters:
    """Many texts in one, so that a search over all of them is one search and not 50,000."""

    _BETWEEN = "\0"  # stands in no file that YAML can read

    def __init__(self, texts: Sequence[str]) -> None:
        self._whole = self._BETWEEN.join(texts)
        self._starts = [0, *accumulate(len(each) + 1 for each in texts)]

    def holding(self, words: str) -> Iterator[int]:
        """Yield the places of the texts that hold these words."""
        at = -1 if self._BETWEEN in words else self._whole.find(words)
        while at >= 0:
            place = bisect_right(self._starts, at) - 1
            yield place
            at = self._whole.find(words, self._starts[place + 1])


@dataclass(frozen=True)
class Corpus:
    """Every example at one moment; `broken` says which files could not be read, and why."""

    examples: tuple[Example, ...]
    definitions: Mapping[str, str]
    broken: Mapping[str, str]
    revision: tuple[tuple[str, int, int], ...] = ()

    @cached_property
    def by_intent(self) -> dict[str, list[Example]]:
        """The examples of each intent, in the files' order."""
        found: dict[str, list[Example]] = {}
        for each in self.examples:
            found.setdefault(each.intent, []).append(each)
        return found

    @cached_property
    def by_key(self) -> dict[str, list[Example]]:
        """The examples that are one text to the engine."""
        found: dict[str, list[Example]] = {}
        for each in self.examples:
            found.setdefault(each.key, []).append(each)
        return found

    @cached_property
    def by_id(self) -> dict[str, Example]:
        """The examples by their short names."""
        return {each.id: each for each in self.examples}

    @cached_property
    def likeness(self) -> Likeness:
        """The examples by their letters, to ask for the nearest."""
        return Likeness([each.key for each in self.examples])

    def nearest(self, text: str, count: int = 5) -> list[tuple[Example, float]]:
        """Return the examples whose letters are the most like the text's."""
        found = self.likeness.nearest(sameness.key(text), count)
        return [(self.examples[place], likeness) for place, likeness in found]

    @cached_property
    def letters(self) -> tuple[Letters, Letters]:
        """The examples as the engine reads them and as they are typed, to be searched as one text."""
        return Letters([each.key for each in self.examples]), Letters([each.text for each in self.examples])

    def find(self, words: str = "", intent: str | None = None) -> Iterator[Example]:
        """Yield the examples that hold these words, whatever their width."""
        if not words.strip():
            yield from self.by_intent.get(intent, ()) if intent else self.examples
            return
        keys, texts = self.letters
        places = merge(keys.holding(sameness.key(words)), texts.holding(words))
        for place, _ in groupby(places):  # what holds them in both ways is found once
            if intent in (None, self.examples[place].intent):
                yield self.examples[place]

    def twins(self, text: str) -> Sequence[Example]:
        """Return the examples that are the same to the engine."""
        return self.by_key.get(sameness.key(text), ())


def example_id(intent: str, written: str) -> str:
    """Return the short name of an example."""
    return hashlib.sha256(f"{intent}\n{written}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Read:
    stamp: tuple[int, int]
    examples: tuple[Example, ...]
    definitions: Mapping[str, str]
    problem: str | None


class Shelf:
    """The folder of examples, and what was read of it so far."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._files: dict[str, _Read] = {}
        self._corpus: Corpus | None = None
        self._lock = threading.Lock()

    def corpus(self) -> Corpus:
        """Return the examples as they stand in the files now."""
        with self._lock:
            stamps = {path.name: _stamp(path) for path in sorted(self.folder.glob("*.yml"))}
            revision = tuple((name, *stamp) for name, stamp in stamps.items())
            if self._corpus is not None and self._corpus.revision == revision:
                return self._corpus
            self._files = {name: self._file(name, stamp) for name, stamp in stamps.items()}
            self._corpus = _whole(self._files, revision)
            return self._corpus

    def _file(self, name: str, stamp: tuple[int, int]) -> _Read:
        known = self._files.get(name)
        return known if known is not None and known.stamp == stamp else _read(self.folder / name, stamp)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _whole(files: Mapping[str, _Read], revision: tuple[tuple[str, int, int], ...]) -> Corpus:
    definitions: dict[str, str] = {}
    for each in files.values():
        definitions.update(each.definitions)
    return Corpus(
        tuple(example for each in files.values() for example in each.examples),
        definitions,
        {name: each.problem for name, each in files.items() if each.problem},
        revision,
    )


def _read(path: Path, stamp: tuple[int, int]) -> _Read:
    try:
        content = path.read_text(encoding="utf-8")
        found = tuple(_example(path.name, *each) for each in _told(content))
    except (Unreadable, Unwritable, UnicodeDecodeError) as error:
        return _Read(stamp, (), {}, str(error))
    return _Read(stamp, found, _definitions(content, {each.intent for each in found}), None)


def _told(content: str) -> Iterator[tuple[str, str, int, bool]]:
    for entry in entries(content):
        yield entry.intent, entry.written, entry.first + 1, entry.simple


def _example(file: str, intent: str, written: str, line: int, simple: bool) -> Example:
    said = notation.read(written)
    return Example(intent, said, written, file, line, sameness.key(said.text), simple)


def _definitions(content: str, intents: set[str]) -> dict[str, str]:
    """Return what the comment at the head of a file says about its intent."""
    head = [line.lstrip("# ").strip() for line in content.splitlines() if line.startswith("#")]
    said = " ".join(head)
    return {name: re.sub(rf"^{re.escape(name)}\s*[:：]\s*", "", said) for name in intents if said.startswith(name)}
