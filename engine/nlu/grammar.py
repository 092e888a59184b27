"""What Japanese grammar says about a message: who wants, asks, denies or tells what.

A predicate is a content word with the auxiliaries behind it. Its marks (negation, desire, request,
question, past, potential, benefactive and some more) are read from the dictionary forms of these
auxiliaries, so that キャンセルしないで and キャンセルして part although they share nearly every letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import FrozenSet, Iterator, List, Sequence, Tuple

from rasa.nlu.tokenizers.tokenizer import Token

from engine.nlu.tokenizer import INFLECTION, NORM, POS, TAG

_HEADS = frozenset(("VERB", "ADJ", "NOUN", "PROPN", "ADV", "PRON", "INTJ"))
_PREDICATES = frozenset(("VERB", "ADJ"))

# Norms of auxiliaries, and of verbs and adjectives that have become ones, with what they mean.
_MARKS = {
    "ない": "negative", "無い": "negative", "ず": "negative", "ぬ": "negative", "まい": "negative", "へん": "negative",
    "たい": "desire", "欲しい": "desire", "たがる": "desire", "希望": "desire", "てほしい": "desire",
    "下さる": "request", "御願い": "request", "お願い": "request",
    "願う": "request", "頂戴": "request", "頼む": "request",
    "た": "past", "だ_past": "past",
    "られる": "potential", "れる": "potential", "出来る": "potential", "可能": "potential", "得る": "potential",
    "呉れる": "benefactive", "貰う": "benefactive", "頂く": "benefactive", "上げる": "benefactive",
    "居る": "continuous", "て居る": "continuous", "有る": "state", "仕舞う": "regret", "過ぎる": "excess",
    "止める": "stop", "やめる": "stop", "無し": "stop",
    "無かった": "stop", "待つ": "stop", "辞める": "stop", "中止": "stop", "取り止め": "stop", "取り消す": "stop",
    "撤回": "stop",
    "う": "volition", "よう": "volition", "積もり": "volition", "予定": "volition",
    "筈": "expectation", "様": "seeming", "らしい": "hearsay", "そう": "hearsay", "言う": "quoted", "思う": "thought",
}  # fmt: skip
_QUESTION_WORDS = {
    "何時": "when", "いつ": "when", "何処": "where", "どこ": "where", "誰": "who",
    "何": "what", "何故": "why", "なぜ": "why",
    "どう": "how", "如何": "how", "幾ら": "how_much", "いくら": "how_much", "どれ": "which",
    "何方": "which", "どっち": "which",
    "どちら": "which", "どの": "which", "どんな": "which", "何れ": "which",
}  # fmt: skip
_SECOND_THOUGHTS = frozenset(("矢張り", "やはり", "やっぱり", "やっぱ", "矢っ張り"))
_NOMINALIZERS = frozenset(("の", "事", "こと", "ん"))
_CONDITIONS = frozenset(("ば", "たら", "なら", "と"))


@dataclass(frozen=True)
class Predicate:
    """A content word and the marks of what follows it."""

    head: str
    marks: FrozenSet[str]


def grammar_terms(tokens: Sequence[Token]) -> List[str]:
    """Return the grammar of a message as terms for a sparse featurizer."""
    found = predicates(tokens)
    terms = [f"mark={mark}" for predicate in found for mark in sorted(predicate.marks)]
    for predicate in found:
        terms.append(f"{predicate.head}|{'+'.join(sorted(predicate.marks))}")
        terms.extend(f"{predicate.head}~{mark}" for mark in sorted(predicate.marks))
    if found:
        last = found[-1]
        terms.append(f"last={last.head}")
        terms.append(f"ends={'+'.join(sorted(last.marks))}")
    for first, second in pairwise(found):
        terms.append(f"{first.head}>{second.head}")
    terms.extend(_particles(tokens))
    terms.extend(_words(tokens))
    return terms


def predicates(tokens: Sequence[Token]) -> List[Predicate]:
    """Return the predicates of a message in their order."""
    found: List[Predicate] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.get(POS) not in _HEADS or _is_auxiliary(token):
            position += 1
            continue
        position, tail = _tail(tokens, position + 1)
        marks = frozenset(_marks(token, tail))
        if marks or token.get(POS) in _PREDICATES:
            found.append(Predicate(token.get(NORM), marks))
    return found


def _is_auxiliary(token: Token) -> bool:
    return "非自立可能" in token.get(TAG) and token.get(NORM) in _MARKS


def _tail(tokens: Sequence[Token], position: int) -> Tuple[int, List[Token]]:
    """Collect the auxiliaries behind a content word, past a nominaliser (するのをやめたい)."""
    tail: List[Token] = []
    while position < len(tokens):
        token = tokens[position]
        pos, norm = token.get(POS), token.get(NORM)
        joins = pos in ("AUX", "SCONJ", "PART") or norm == "為る" or norm in _NOMINALIZERS or _is_auxiliary(token)
        leads_over = pos == "ADP" and _next_is_mark(tokens, position)
        if not (joins or leads_over or (tail and norm in _MARKS) or token.text in "?!"):
            break
        tail.append(token)
        position += 1
        if token.text in "?!":
            break
    return position, tail


def _next_is_mark(tokens: Sequence[Token], position: int) -> bool:
    """Say whether a particle leads over to an auxiliary (キャンセルを希望, 返品はしない)."""
    following = tokens[position + 1 : position + 2]
    return bool(following) and (following[0].get(NORM) in _MARKS or following[0].get(NORM) == "為る")


def _marks(head: Token, tail: Sequence[Token]) -> Iterator[str]:
    if "命令形" in head.get(INFLECTION):
        yield "request"
    if _is_potential(head):
        yield "potential"
    for index, token in enumerate(tail):
        norm, inflection = token.get(NORM), token.get(INFLECTION)
        if norm in _MARKS:
            yield _MARKS[norm]
        elif norm == "だ" and "助動詞-タ" in inflection:
            yield "past"
        elif norm in _CONDITIONS and token.get(POS) == "SCONJ":
            yield "condition"
        elif norm in ("けれど", "が", "けど") and token.get(POS) == "SCONJ":
            yield "but"
        if "命令形" in inflection or "意志推量形" in inflection:
            yield "request" if "命令形" in inflection else "volition"
        last = index == len(tail) - 1
        if token.text == "?" or (norm == "か" and (last or tail[index + 1].text in "?!")):
            yield "question"
        if last and token.get(POS) == "SCONJ" and token.text in ("て", "で"):
            yield "bare_te"


def _is_potential(token: Token) -> bool:
    """Say whether a verb is a potential one: its lemma (履ける) stands apart from its norm (履く)."""
    lemma, norm = token.lemma, token.get(NORM)
    return (
        token.get(POS) == "VERB"
        and "下一段" in token.get(INFLECTION)
        and lemma != norm
        and lemma[-1:] == "る" != norm[-1:]
    )


def _particles(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield each noun with the case it stands in and the predicate that follows (注文を→取り消す)."""
    for noun, particle, following in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if noun.get(POS) in ("NOUN", "PROPN", "PRON", "VERB") and particle.get(POS) == "ADP":
            yield f"{noun.get(NORM)}:{particle.get(NORM)}"
            if following.get(POS) in _HEADS:
                yield f"{noun.get(NORM)}:{particle.get(NORM)}:{following.get(NORM)}"


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        norm = token.get(NORM)
        if norm in _QUESTION_WORDS:
            yield f"asks={_QUESTION_WORDS[norm]}"
        if norm in _SECOND_THOUGHTS:
            yield "second_thoughts"
        if norm == "もう" or norm == "未だ" or norm == "既に":
            yield f"time={norm}"
    if tokens and (tokens[-1].text == "?" or tokens[-1].get(NORM) == "か"):
        yield "asks"
