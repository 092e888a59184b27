"""Rasa's stock set-up, as its own guide suggests it for a language with a spaCy model."""

from __future__ import annotations

from typing import Any


def pipeline(epochs: int) -> list[dict[str, Any]]:
    """Return the pipeline: spaCy's tokens and vectors, counted words and characters, DIET."""
    return [
        {"name": "SpacyNLP", "model": "ja_ginza"},
        {"name": "SpacyTokenizer"},
        {"name": "SpacyFeaturizer"},
        {"name": "RegexFeaturizer", "use_word_boundaries": False},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": epochs, "constrain_similarities": True, "random_seed": 20},
    ]


def config(epochs: int) -> dict[str, Any]:
    """Return the whole configuration: the pipeline, and TED beside the rules."""
    return {
        "recipe": "default.v1",
        "assistant_id": "stock",
        "language": "ja",
        "pipeline": [*pipeline(epochs), {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1}],
        "policies": [
            {"name": "MemoizationPolicy"},
            {"name": "RulePolicy", "core_fallback_action_name": "action_default_fallback"},
            {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": epochs},
            {"name": "TEDPolicy", "max_history": 5, "epochs": epochs, "constrain_similarities": True},
        ],
    }
