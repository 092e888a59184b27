"""Trainings as jobs: one at a time, seen while they run, stopped, survived, and never half-made."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from madoguchi.store import AuditRow, TrainingJob
from madoguchi.training import jobs, model, registry, reports
from madoguchi.training import workshop as workshops
from tests.conftest import ROOT
from tests.integration.models.conftest import Workshop
from tests.integration.models.places import HELDOUT, LESSON, number, there, write_examples
from tests.web.conftest import eventually


def test_a_training_makes_a_signed_and_examined_model(workshop: Workshop) -> None:
    name = workshop.train("箱のへこみ")
    known = registry.find(workshop.desk, workshop.place, name)
    assert known is not None
    assert (known.fault, known.examined, known.fits, known.note) == (None, True, True, "箱のへこみ")
    assert known.made_by == workshop.person("mori").name
    assert known.scores is not None
    assert known.scores["accuracy"] == 1.0


def test_what_a_training_says_holds_the_scores_but_no_held_out_message(workshop: Workshop) -> None:
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    assert jobs.run_next(workshop.desk, workshop.place)
    said = jobs.log_file(workshop.place, number(asked)).read_text(encoding="utf-8")
    assert "intent accuracy 1.000" in said
    assert [text for text, _ in HELDOUT if text in said] == []


def test_a_training_runs_behind_everything_else_where_its_place_says_so(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshops, "_behind", lambda: ("false",))
    workshop.train()
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    assert isinstance(asked, int)
    assert jobs.run_next(workshop.desk, replace(workshop.place, behind=True))
    assert there(jobs.find(workshop.desk, asked)).fault == "training_failed"


def test_only_one_job_waits_or_runs_at_a_time(workshop: Workshop) -> None:
    first = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    assert jobs.ask(workshop.desk, workshop.person("kato"), "train") == jobs.Busy(first)
    assert jobs.run_next(workshop.desk, workshop.place)
    assert isinstance(jobs.ask(workshop.desk, workshop.person("kato"), "train"), int)


def test_two_who_ask_at_once_get_one_job(workshop: Workshop) -> None:
    answers: list[int | jobs.Busy] = []
    threads = [
        threading.Thread(target=lambda: answers.append(jobs.ask(workshop.desk, workshop.person("mori"), "train")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, int) for each in answers) == 1


def test_the_progress_follows_what_the_engine_says() -> None:
    progress = jobs.Progress(("CharacterFeaturizer", "LinearIntentClassifier", "RulePolicy"))
    assert progress.percent("Starting to train component 'CharacterFeaturizer'.") == 0
    first = progress.percent("INFO - Finished training component 'CharacterFeaturizer'.")
    second = progress.percent("INFO - Finished training component 'LinearIntentClassifier'.")
    assert 0 < first < second < 100
    assert progress.percent("INFO - Finished training component 'RulePolicy'.") == 100


def test_the_progress_of_the_shops_own_training_ends_at_a_hundred() -> None:
    progress = jobs.Progress(model.trained_components(ROOT))
    said = [name for name in progress.components if jobs.WEIGHTS.get(name) != 0]
    shares = [progress.percent(f"Finished training component '{name}'.") for name in said]
    assert shares == sorted(shares)
    assert shares[-1] == 100


def test_the_model_in_service_is_examined_first_where_nobody_has_and_that_is_seen(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workshop.train()
    (reports.folder(workshop.place, first) / "report.json").unlink()
    monkeypatch.setattr(registry, "in_service", lambda _desk: first)
    seen: list[tuple[str, int]] = []
    told = jobs._Work._tell

    def watched(work: jobs._Work) -> None:
        seen.append((work._step, work._percent))
        told(work)

    monkeypatch.setattr(jobs._Work, "_tell", watched)
    workshop.train()
    assert "served" in [step for step, _ in seen]
    assert [share for _, share in seen] == sorted(share for _, share in seen)


def test_a_running_training_is_canceled_with_all_that_it_started(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_ENGINE_SLEEP", "30")
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    assert isinstance(asked, int)
    running = threading.Thread(target=jobs.run_next, args=(workshop.desk, workshop.place))
    running.start()
    eventually(lambda: "Starting to train" in (there(jobs.find(workshop.desk, asked)).log))
    assert jobs.cancel(workshop.desk, workshop.person("kato"), asked)
    running.join(20)
    job = there(jobs.find(workshop.desk, asked))
    assert (job.state, job.slot, running.is_alive()) == ("canceled", None, False)
    assert list(workshop.place.models.glob("*.tar.gz")) == []
    assert not jobs.cancel(workshop.desk, workshop.person("kato"), asked)


def test_a_training_that_its_program_left_is_taken_up_again_once(workshop: Workshop) -> None:
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    with workshop.desk.store.writing() as session:
        job = session.get_one(TrainingJob, asked)
        job.state, job.attempts, job.seen_at = "running", 1, workshop.world.clock()
    assert not jobs.run_next(workshop.desk, workshop.place)  # its program is still alive
    workshop.world.clock.forward(seconds=jobs.LIFE_SIGN.total_seconds() + 1)
    assert jobs.run_next(workshop.desk, workshop.place)
    assert there(jobs.find(workshop.desk, number(asked))).state == "done"


def test_a_training_that_dies_twice_is_given_up(workshop: Workshop) -> None:
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    with workshop.desk.store.writing() as session:
        job = session.get_one(TrainingJob, asked)
        job.state, job.attempts = "running", jobs.MOST_ATTEMPTS
        job.seen_at = workshop.world.clock() - timedelta(minutes=5)
    assert not jobs.run_next(workshop.desk, workshop.place)
    job = there(jobs.find(workshop.desk, number(asked)))
    assert (job.state, job.fault) == ("failed", "interrupted")


def test_a_training_waits_for_the_next_start_when_its_program_ends(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_ENGINE_SLEEP", "30")
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    stop = threading.Event()
    running = threading.Thread(target=jobs.run_next, args=(workshop.desk, workshop.place, stop))
    running.start()
    eventually(lambda: "Starting to train" in (there(jobs.find(workshop.desk, number(asked))).log))
    stop.set()
    running.join(20)
    assert there(jobs.find(workshop.desk, number(asked))).state == "waiting"
    monkeypatch.setenv("SMALL_ENGINE_SLEEP", "0")
    assert jobs.run_next(workshop.desk, workshop.place)
    assert there(jobs.find(workshop.desk, number(asked))).state == "done"


def test_a_training_that_fails_leaves_its_words_and_no_file(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_ENGINE_FAILS", "1")
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    assert jobs.run_next(workshop.desk, workshop.place)
    job = there(jobs.find(workshop.desk, number(asked)))
    assert (job.state, job.fault) == ("failed", "training_failed")
    assert "an example is broken" in job.log
    assert "an example is broken" in jobs.log_file(workshop.place, job.id).read_text(encoding="utf-8")
    assert list(workshop.place.models.glob("*.tar.gz")) == []


def test_what_is_written_during_a_training_waits_for_the_next(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model.digest(workshop.place.root)
    monkeypatch.setenv("SMALL_ENGINE_SLEEP", "1")
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    running = threading.Thread(target=jobs.run_next, args=(workshop.desk, workshop.place))
    running.start()
    eventually(lambda: "Starting to train" in (there(jobs.find(workshop.desk, number(asked))).log))
    write_examples(workshop.place.root, "report_defect", [LESSON])
    running.join(30)
    made = model.newest_model(workshop.place.models)
    assert made is not None
    note = model.read_note(made)
    assert note is not None
    assert note.digest == before != model.digest(workshop.place.root)
    assert note.fits(model.made_of_here(workshop.place.root))  # only examples changed: it can still serve


def test_a_training_by_command_and_one_by_page_take_turns(workshop: Workshop) -> None:
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    with workshops.one_at_a_time(workshop.place, lambda: None):
        running = threading.Thread(target=jobs.run_next, args=(workshop.desk, workshop.place))
        running.start()
        eventually(lambda: there(jobs.find(workshop.desk, number(asked))).step == "queueing")
        assert list(workshop.place.models.glob("*.tar.gz")) == []
    running.join(30)
    assert there(jobs.find(workshop.desk, number(asked))).state == "done"


def test_asking_and_canceling_are_audited(workshop: Workshop) -> None:
    asked = jobs.ask(workshop.desk, workshop.person("mori"), "train")
    jobs.cancel(workshop.desk, workshop.person("kato"), number(asked))
    with workshop.desk.store.reading() as session:
        rows = session.execute(select(AuditRow.actor, AuditRow.action).order_by(AuditRow.id)).all()
    trainer, admin = workshop.person("mori").actor, workshop.person("kato").actor
    assert [tuple(row) for row in rows[-2:]] == [(trainer, "model_train_asked"), (admin, "model_job_canceled")]
