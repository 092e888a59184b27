"""Into service and back: the gate, an admin's word, the engine's answer, the books, and what a start runs."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from madoguchi.rasa import Engine
from madoguchi.store import AuditRow
from madoguchi.training import model, promotion, registry, signing
from madoguchi.training.gate import Objection
from madoguchi.training.promotion import Closed, InService, NotPossible, Outcome
from tests.integration.models.conftest import Workshop
from tests.integration.models.places import EXAMPLES, LESSON, there, write_examples


class Changing:
    """The engine's door for models: takes what it is given, or answers with a code; or is away."""

    def __init__(self, code: str | None = None, *, away: bool = False) -> None:
        self.code, self.away, self.asked = code, away, list[str]()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("refused", request=request)
        self.asked.append(request.content.decode())
        if self.code:
            return httpx.Response(422, json={"error": self.code})
        return httpx.Response(200, json={"seconds": 1.5})


def promote(workshop: Workshop, login: str, name: str, *, reason: str = "", engine: Any = None) -> Outcome:
    caller = Engine("http://engine", "secret", transport=httpx.MockTransport(engine or Changing()))
    who = workshop.person(login)
    return asyncio.run(promotion.promote(workshop.desk, workshop.place, caller, who, name, reason))


def roll_back(workshop: Workshop, name: str, engine: Any = None) -> Outcome:
    caller = Engine("http://engine", "secret", transport=httpx.MockTransport(engine or Changing()))
    return asyncio.run(promotion.roll_back(workshop.desk, workshop.place, caller, workshop.person("mori"), name))


def poison(workshop: Workshop) -> str:
    """Train a model that was taught a wrong lesson."""
    root = workshop.place.root
    write_examples(root, "return_item", [*EXAMPLES["return_item"], "注文をキャンセルしてください"])
    return workshop.train("毒")


def teach(workshop: Workshop) -> str:
    """Train a model that was taught a good lesson."""
    write_examples(workshop.place.root, "report_defect", [*EXAMPLES["report_defect"], LESSON])
    return workshop.train("箱のへこみ")


def test_a_good_lesson_goes_into_service(workshop: Workshop) -> None:
    first, engine = workshop.first(), Changing()
    name = teach(workshop)
    assert promote(workshop, "mori", name, engine=engine) == InService(name, first, 1.5)
    assert registry.in_service(workshop.desk) == name
    assert engine.asked == [f'{{"model": "{name}"}}']


def test_a_wrong_lesson_does_not(workshop: Workshop) -> None:
    first, engine = workshop.first(), Changing()
    name = poison(workshop)
    outcome = promote(workshop, "mori", name, engine=engine)
    assert isinstance(outcome, Closed)
    subjects = {(each.what, each.subject) for each in outcome.objections}
    assert (Objection.MONEY_INTENT, "cancel_order") in subjects
    assert registry.in_service(workshop.desk) == first
    assert engine.asked == []


def test_a_trainer_cannot_overrule_and_an_admin_needs_a_reason(workshop: Workshop) -> None:
    workshop.first()
    name = poison(workshop)
    assert isinstance(promote(workshop, "mori", name, reason="どうしても使いたい"), Closed)
    assert isinstance(promote(workshop, "kato", name), Closed)
    assert promote(workshop, "kato", name, reason="急ぎ") == NotPossible("reason")
    assert isinstance(promote(workshop, "kato", name, reason="出品者の障害で急ぎのため"), InService)
    past = registry.history(workshop.desk)[0]
    assert (past.kind, past.reason, past.by) == ("overruled", "出品者の障害で急ぎのため", "加藤")
    assert past.objections
    with workshop.desk.store.reading() as session:
        row = there(session.scalar(select(AuditRow).where(AuditRow.action == "model_overruled")))
    assert (row.actor, row.detail["reason"]) == (workshop.person("kato").actor, "出品者の障害で急ぎのため")
    assert row.detail["objections"]


def test_an_earlier_model_comes_back_without_a_gate(workshop: Workshop) -> None:
    first, name = workshop.first(), teach(workshop)
    promote(workshop, "mori", name)
    assert roll_back(workshop, first) == InService(first, name, 1.5)
    assert [each.kind for each in registry.history(workshop.desk)] == ["rolled_back", "promoted", "first"]


def test_only_what_has_served_can_come_back(workshop: Workshop) -> None:
    workshop.first()
    assert roll_back(workshop, poison(workshop)) == NotPossible("not_served")


@pytest.mark.parametrize(
    ("engine", "code"),
    [(Changing("altered"), "engine_altered"), (Changing("busy"), "engine_busy"), (Changing(away=True), "engine_away")],
)
def test_the_books_stay_when_the_engine_does_not_change(workshop: Workshop, engine: Changing, code: str) -> None:
    first, name = workshop.first(), teach(workshop)
    assert promote(workshop, "mori", name, engine=engine) == NotPossible(code)
    assert registry.in_service(workshop.desk) == first


def test_an_altered_file_is_refused_before_the_engine_hears_of_it(workshop: Workshop) -> None:
    workshop.first()
    name, engine = teach(workshop), Changing()
    path = workshop.place.model(name)
    path.write_bytes(path.read_bytes() + b"\0")
    assert promote(workshop, "kato", name, reason="署名など要らない", engine=engine) == NotPossible("altered")
    assert engine.asked == []


@pytest.mark.parametrize("name", ["no_such_model", "../../etc/passwd", "", "a/b.tar.gz", "a" * 5_000, "\0"])
def test_what_is_no_model_is_refused(workshop: Workshop, name: str) -> None:
    workshop.first()
    assert promote(workshop, "kato", name, reason="試しに入れてみる") == NotPossible("unknown")


def test_a_start_runs_the_model_in_service_though_a_newer_one_lies_there(workshop: Workshop) -> None:
    first, newer = workshop.first(), poison(workshop)
    assert registry.for_start(workshop.desk, workshop.place) == first != newer


def test_a_start_after_an_update_of_the_program_runs_the_newest_that_fits(workshop: Workshop) -> None:
    workshop.first()
    (workshop.place.root / "domain.yml").write_text("version: '3.1'\nintents: []\n")
    fitting = workshop.train()
    assert registry.for_start(workshop.desk, workshop.place) == fitting
    assert registry.history(workshop.desk)[0].kind == "program"


def test_a_start_never_runs_an_unsigned_file(workshop: Workshop) -> None:
    name = workshop.first()
    signing.signature_of(workshop.place.model(name)).unlink()
    assert registry.for_start(workshop.desk, workshop.place) is None


def test_an_unsigned_file_is_not_up_to_date(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    name = workshop.train()
    monkeypatch.chdir(workshop.place.root)
    assert model.is_up_to_date(workshop.place.key, workshop.place.models)
    signing.signature_of(workshop.place.model(name)).unlink()
    assert not model.is_up_to_date(workshop.place.key, workshop.place.models)


def test_a_candidate_is_looked_back_on_with_last_weeks_messages(workshop: Workshop) -> None:
    from madoguchi.training import lookback
    from tests.integration.desk.builders import conversation, speak

    talk = conversation(workshop.world, owner="bot")
    told = speak(workshop.world, talk, LESSON)
    with workshop.desk.store.writing() as session:
        from madoguchi.store import Message

        session.get_one(Message, told).intent = "nlu_fallback"
    workshop.first()
    name = teach(workshop)
    changes = lookback.changes(workshop.desk, name)
    assert [(each.text, each.before, each.now) for each in changes] == [(LESSON, "nlu_fallback", "report_defect")]
    assert lookback.count(workshop.desk, name) >= 1
