"""Tokens by GiNZA's Sudachi tokenizer, with what its dictionary knows about each."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Sequence, Text, Tuple

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import INTENT, TEXT, TEXT_TOKENS
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import get_text_hash

from engine.nlu import numbers
from engine.nlu.component import Component
from engine.nlu.ginza import GinzaModel
from engine.nlu.normalizer import normalized_of
from engine.nlu.text import NormalizedText

# What a token carries in its `data`, beside Rasa's own text, start, end and lemma.
POS = "pos"  # Universal part of speech: NOUN
TAG = "tag"  # Sudachi's: 名詞-普通名詞-一般
NORM = "norm"  # Sudachi's normalised form: one spelling for many
READING = "reading"  # katakana
INFLECTION = "inflection"  # class and form: 下一段-カ行;連用形-一般
START = "normalized_start"  # offsets in the normalised text; `start` and `end` are the customer's
END = "normalized_end"
_SIGN = "キゴウ"


class GinzaToken(Token):
    """A token that is quickly told from another: Rasa would hash each of its parts by itself."""

    def fingerprint(self) -> Text:
        """Return a text that differs where anything about the token differs."""
        return f"{self.text} {self.start} {self.end} {self.lemma} {self.data}"


class Tokens(Tuple[Token, ...]):
    """The tokens of a message: not to be changed, so that Rasa, which asks after every step of the training
    whether anything has, is answered at once."""

    @functools.cached_property
    def _print(self) -> Text:
        return get_text_hash("\n".join(token.fingerprint() for token in self))

    def fingerprint(self) -> Text:
        """Return a hash that differs where anything about a token differs."""
        return self._print


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False, model_from="GinzaNLP")
class GinzaTokenizer(Component, Tokenizer):
    """Tokenizes the normalised text; the tokens' offsets point into what the customer typed."""

    sources = (numbers,)

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Return the defaults, each with its reason."""
        return {
            # Rasa's tokenizers can split the names of intents; ours are taken whole.
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
        }

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Hold the configuration."""
        Tokenizer.__init__(self, config)

    @staticmethod
    def required_packages() -> List[Text]:
        """Return the packages that must be installed."""
        return ["spacy", "ginza"]

    def process_training_data(self, training_data: TrainingData, model: GinzaModel) -> TrainingData:
        """Tokenize every training example."""
        for message in training_data.training_examples:
            if message.get(INTENT):
                message.set(f"{INTENT}_tokens", self._split_name(message, INTENT))
        self.process(training_data.training_examples, model)
        return training_data

    def process(self, messages: List[Message], model: GinzaModel) -> List[Message]:
        """Tokenize every message that has a text."""
        for message in messages:
            if isinstance(message.get(TEXT), str):
                message.set(TEXT_TOKENS, Tokens(tokens_of(normalized_of(message), model)))
        return messages

    def tokenize(self, message: Message, attribute: Text) -> List[Token]:
        """Refuse: without the GiNZA model, which only the graph provides, there are no tokens."""
        raise NotImplementedError("GinzaTokenizer needs its model; the graph calls process().")


def tokens_of(normalized: NormalizedText, model: GinzaModel) -> List[Token]:
    """Return the tokens of a normalised text, white space left out."""
    if not normalized.text:
        return []
    tokens = []
    # A pipeline without pipes is its tokenizer; calling it directly saves spaCy's bookkeeping.
    nlp = model.nlp
    text = numbers.masked_in_place(normalized.text)
    doc = nlp(text) if nlp.pipe_names else nlp.make_doc(text)
    for word in doc:
        if word.text.isspace() or not word.text:
            continue
        start, end = word.idx, word.idx + len(word.text)
        typed_start, typed_end = normalized.span(start, end)
        data = {
            POS: word.pos_,
            TAG: word.tag_,
            NORM: word.norm_,
            READING: _reading(word),
            INFLECTION: "".join(word.morph.get("Inflection")),
            START: start,
            END: end,
        }
        tokens.append(GinzaToken(normalized.text[start:end], typed_start, typed_end, data, word.lemma_))
    return tokens


def _reading(word: Any) -> Text:
    """Return how a word is read; the dictionary reads most signs as キゴウ, "sign", which would make one of all."""
    reading = "".join(word.morph.get("Reading"))
    return word.text if reading == _SIGN else reading


def read(token: Token) -> Text:
    """Return how a token is read; long numbers are not read out."""
    return numbers.ANY if numbers.is_long(token.text) else token.get(READING) or token.text


def tokens_in(message: Message) -> Sequence[Token]:
    """Return the tokens of a message, none where it has none."""
    return message.get(TEXT_TOKENS) or ()
