"""The training examples, and the checks that keep them worth learning from: `python -m engine.examples`.

Refused are a text that stands twice, and one that lies so near to a text of another intent that one of the
two labels is likely wrong. `--heldout FOLDER` also tells which held-out texts stand among the examples.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, DefaultDict, Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ruamel.yaml import YAML

from engine.lines import WrongLine, read_lines
from engine.nlu.text import normalize

EXAMPLES = Path("data/nlu")
# Letters of the longest texts that customers of any shop type alike (はい, キャンセル): they may stand among
# the held-out messages too, for nobody could write them in another way.
TRIVIAL = 6
_LONG = 14  # letters from which on a difference of one is a slip, not a close call
# Rasa's own notation; an empty list (`[[][]`) is how a bracket is written that only looks like it.
_ANNOTATION = re.compile(r"\[(?P<text>[^\]]+?)\](?:\([^)]+?\)|\{[^}]+?\}|\[.*?\])")


@dataclass(frozen=True)
class Example:
    """A training example as it lies in a file."""

    intent: str
    text: str
    file: str

    @property
    def key(self) -> str:
        """The text as it is compared: normalised, without marks and white space."""
        return comparable(self.text)


def comparable(text: str) -> str:
    """Return the letters and digits of a text after normalisation."""
    return "".join(char for char in normalize(text).text.lower() if unicodedata.category(char)[0] in "LN") or text


def read_examples(folder: Path = EXAMPLES) -> List[Example]:
    """Read every example of the folder, without its annotations."""
    return [example for path in sorted(folder.glob("*.yml")) for example in _read(path)]


def _read(path: Path) -> Iterator[Example]:
    for block in YAML(typ="safe", pure=False).load(path.read_text(encoding="utf-8")).get("nlu") or []:
        for row in _rows(block.get("examples") or ""):
            if block.get("intent"):
                yield Example(block["intent"], _ANNOTATION.sub(r"\g<text>", row), path.name)


def _rows(examples: Any) -> Iterator[str]:
    """Yield each example of a block of lines, or of a list where a text needs quotes."""
    if isinstance(examples, str):
        yield from (row[1:].strip() for row in examples.splitlines() if row.startswith("-"))
    else:
        yield from (str(each["text"]).strip() for each in examples)


def faults(examples: Sequence[Example]) -> List[str]:
    """Return a sentence for each text that stands twice or too near to one of another intent."""
    by_key: DefaultDict[str, List[Example]] = defaultdict(list)
    for example in examples:
        by_key[example.key].append(example)
    twice = [
        f"「{found[0].text}」 stands {len(found)} times: {', '.join(e.file for e in found)}."
        for found in by_key.values()
        if len(found) > 1
    ]
    near = [
        f"「{one.text}」 ({one.intent}) is too near to 「{other.text}」 ({other.intent})."
        for one, other in _near(by_key)
    ]
    return twice + near


def _near(by_key: Dict[str, List[Example]]) -> Iterator[Tuple[Example, Example]]:
    """Yield pairs of texts of different intents that one letter changed, added or left out makes equal.

    In short texts a letter can be all of the meaning (届いた, 届くか): they are compared as wholes only.
    """
    buckets: DefaultDict[str, List[str]] = defaultdict(list)
    for key in by_key:
        if len(key) >= _LONG:
            for shape in {key[:at] + "*" + key[at + 1 :] for at in range(len(key))} | _shortened(key):
                buckets[shape].append(key)
    pairs = {tuple(sorted(pair)) for keys in buckets.values() for pair in combinations(sorted(set(keys)), 2)}
    for one, other in sorted(pairs):
        first, second = by_key[one][0], by_key[other][0]
        if first.intent != second.intent:
            yield first, second


def _shortened(key: str) -> FrozenSet[str]:
    return frozenset(key[:at] + "*" + key[at:] for at in range(len(key) + 1))


def in_both(examples: Sequence[Example], heldout: Sequence[str]) -> List[Example]:
    """Return the examples that stand among the held-out texts after normalisation, the trivial left out."""
    kept = {comparable(text) for text in heldout}
    return [each for each in examples if each.key in kept and len(each.key) > TRIVIAL]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the checks and return the exit code."""
    parser = argparse.ArgumentParser(prog="engine.examples", description="Check the training examples.")
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLES)
    parser.add_argument("--heldout", type=Path, help="a folder of held-out lines that must not be trained on")
    options = parser.parse_args(arguments)
    examples = read_examples(options.folder)
    found = faults(examples)
    if options.heldout:
        try:
            lines = read_lines(sorted(options.heldout.glob("*.jsonl")), labelled=True)
        except WrongLine as error:
            print(error, file=sys.stderr)
            return 2
        both = in_both(examples, [line.text for line in lines])
        found += [f"「{each.text}」 ({each.file}) is held out too." for each in both]
    print("\n".join([*found, f"{len(examples)} examples, {len(found)} faults."]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
