"""The gate: behaviour tests pass, no money intent is understood worse, the whole does not fall."""

from __future__ import annotations

from typing import Any

import pytest

from madoguchi.training.gate import MONEY_INTENTS, Check, Examined, Objection, judge, sureness

PASSED = (Check("test_it_understands_plain_messages_of_every_intent", True),)


def said(text: str, intent: str, predicted: str | None = None, confidence: float = 0.9) -> dict[str, Any]:
    return {"text": text, "intent": intent, "predicted": predicted or intent, "confidence": confidence}


def report(*wrong: tuple[str, str], confidence: float = 0.9) -> Examined:
    """Ten messages of each of four intents, some of them understood wrongly: the first ones of (meant, said)."""
    messages = [
        said(f"{intent} {number}", intent, confidence=confidence)
        for intent in ("return_item", "cancel_order", "greet", "thank")
        for number in range(10)
    ]
    for meant, other in wrong:
        at = next(i for i, each in enumerate(messages) if each["intent"] == each["predicted"] == meant)
        messages[at] = said(messages[at]["text"], meant, other)
    return Examined(PASSED, messages)


def objections(candidate: Examined | None, in_service: Examined | None) -> list[tuple[Objection, str]]:
    return [(each.what, each.subject) for each in judge(candidate, in_service)]


def test_a_candidate_that_is_as_good_passes() -> None:
    assert judge(report(), report()) == ()
    assert judge(report(("greet", "thank")), report(("greet", "thank"))) == ()


def test_a_better_candidate_passes() -> None:
    assert judge(report(), report(("return_item", "cancel_order"))) == ()


def test_one_money_message_understood_worse_is_enough_though_the_whole_is_better() -> None:
    before = report(("greet", "thank"), ("thank", "greet"), ("thank", "greet"))
    found = objections(report(("return_item", "greet")), before)
    assert (Objection.MONEY_INTENT, "return_item") in found
    assert Objection.ACCURACY not in [what for what, _ in found]


def test_a_money_intent_is_worse_too_when_others_are_taken_for_it() -> None:
    before = report(("thank", "greet"))
    assert objections(report(("thank", "cancel_order")), before) == [(Objection.MONEY_INTENT, "cancel_order")]


def test_the_whole_must_not_fall() -> None:
    assert (Objection.ACCURACY, "") in objections(report(("greet", "thank")), report())


def test_a_loss_of_sureness_is_objected_to_before_an_answer_turns() -> None:
    assert objections(report(confidence=0.88), report(confidence=0.9)) == [(Objection.SURENESS, "")]
    assert judge(report(confidence=0.899), report(confidence=0.9)) == ()
    assert sureness([said("a", "greet"), said("b", "greet", "thank", 1.0)]) == pytest.approx(0.45)


def test_a_failed_behaviour_test_closes_the_gate_by_its_name() -> None:
    failed = Examined((*PASSED, Check("test_babble_is_asked_about_again", False)), report().messages)
    assert objections(failed, report()) == [(Objection.BEHAVIOUR, "test_babble_is_asked_about_again")]
    assert objections(failed, None) == [(Objection.BEHAVIOUR, "test_babble_is_asked_about_again")]


@pytest.mark.parametrize("nothing", [None, Examined((), report().messages), Examined(PASSED, ())])
def test_what_was_not_examined_does_not_pass(nothing: Examined | None) -> None:
    assert objections(nothing, report()) == [(Objection.NOT_EXAMINED, "")]


def test_only_messages_that_both_were_asked_count() -> None:
    more = Examined(PASSED, [*report().messages, said("new", "return_item", "greet")])
    assert judge(more, report()) == ()
    other = Examined(PASSED, [said("another", "greet")])
    assert objections(other, report()) == [(Objection.NOT_COMPARABLE, "")]


def test_the_first_model_needs_to_pass_its_behaviour_tests_only() -> None:
    assert judge(report(("greet", "thank")), None) == ()


def test_every_money_intent_is_one_of_the_desk() -> None:
    from pathlib import Path

    assert {path.stem for path in Path("data/nlu").glob("*.yml")} >= MONEY_INTENTS
