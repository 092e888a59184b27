"""The health page: what is wrong is found and mended with a click, and conflicts are never trained on."""

from __future__ import annotations

import pytest

from madoguchi.store import Lesson
from madoguchi.training import health
from madoguchi.training.corpus import Corpus, Example
from madoguchi.training.health import Stop
from madoguchi.training.notation import Said
from madoguchi.training.sameness import key
from tests.web.conftest import eventually
from tests.web.trainers.conftest import RoomSite


def corpus_of(**intents: list[str]) -> Corpus:
    """Return a corpus of these texts."""
    rows = [
        Example(name, Said(text), text, f"{name}.yml", n + 1, key(text))
        for name, texts in intents.items()
        for n, text in enumerate(texts)
    ]
    return Corpus(tuple(rows), {}, {})


def test_what_rules_see() -> None:
    corpus = corpus_of(
        return_item=["返品したい", "返品したい!!", "この靴を返したい"],
        cancel_order=["この靴を、返したい"],
        thank=[f"ありがとうその{n}" for n in range(200)],
    )
    found = health.by_sign(list(health.at_once(corpus)))
    assert [each.text for each in found["twin"][0].examples] == ["返品したい", "返品したい!!"]
    assert {each.intent for each in found["conflict"][0].examples} == {"return_item", "cancel_order"}
    assert {each.intent for each in found["thin"]} == {"return_item", "cancel_order"}
    assert [each.intent for each in found["swollen"]] == ["thank"]
    assert {each.told for each in found["unpaired"]} == {"return_item", "cancel_order"}
    assert health.stops(corpus, {}, None) == (Stop("conflict", 1),)


@pytest.mark.parametrize(("new", "stopped"), [(7, False), (8, True)])
def test_many_new_labels_that_no_model_believes_stop_a_training(new: int, stopped: bool) -> None:
    corpus = corpus_of(thank=[f"ありがとうその{n}" for n in range(3000)])
    ids = [each.id for each in corpus.examples]

    def report(count: int) -> dict[str, object]:
        return {"labels": [{"id": each, "given": 0.01, "other": 0.9} for each in ids[:count]], "words": {}, "sizes": {}}

    assert bool(health.stops(corpus, report(3 + new), report(3))) is stopped


@pytest.mark.parametrize(("grown", "stopped"), [(9, False), (10, True)])
def test_a_word_that_suddenly_stands_in_one_intent_stops_a_training(grown: int, stopped: bool) -> None:
    corpus = corpus_of(thank=["ありがとう"])
    before = {"words": {"thank": {"至急": 3}}, "sizes": {"thank": 200}}
    after = {"words": {"thank": {"至急": 3 + grown}}, "sizes": {"thank": 200}}
    assert bool(health.stops(corpus, after, before)) is stopped


def test_a_finding_is_mended_with_a_click(room_site: RoomSite) -> None:
    folder = room_site.project / "data" / "nlu"
    wrong = "注文をキャンセルしたいです!!"
    (folder / "thank.yml").write_text((folder / "thank.yml").read_text() + f"    - {wrong}\n")
    client = room_site.browser("mori")
    page = client.get("/desk/train/health")
    assert "このまま学習しないでください" in page.text
    assert wrong in page.text
    example = next(each for each in room_site.shelf.corpus().by_intent["thank"] if each.text == wrong)
    client.post("/desk/train/health/mend", data={"sign": "conflict", "example": example.id})
    client.post(
        "/desk/train/health/mend",
        data={"sign": "unpaired", "intent": "withdraw_request", "text": ["返品はやめにします"]},
    )
    with room_site.world.desk.store.reading() as session:
        assert [each.kind for each in session.query(Lesson).order_by(Lesson.id)] == ["delete", "add"]


def test_the_check_runs_beside_the_page_and_finds_what_was_planted(room_site: RoomSite) -> None:
    thank = room_site.project / "data" / "nlu" / "thank.yml"
    flipped = "注文をキャンセルしたいのでお願いします"
    thank.write_text(thank.read_text() + f"    - {flipped}\n")
    client = room_site.browser("mori")
    assert client.post("/desk/train/health/run").status_code == 303
    assert "点検しています" in client.get("/desk/train/health").text
    eventually(lambda: "点検しています" not in client.get("/desk/train/health").text, within_s=180)
    page = client.get("/desk/train/health?sign=label").text
    assert "途中で止まりました" not in page
    assert flipped in page
    folder = room_site.site.settings.var / "training"
    assert health.accepted(folder) == health.kept(folder)
