"""How long the pages about models take: `python -m bench.model_pages [--models 30] [--messages 1500] [--times 40]`.

Fills a store of its own with examined models, jobs and a history, and asks every page in this process, without a
server and a network. Prints for each page the median and p95 by the clock and by this process's own time.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import statistics
import sys
import tarfile
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import null
from starlette.testclient import TestClient

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.rasa import Engine
from madoguchi.store import ModelService, Staff, StaffSession, TrainedModel, TrainingJob
from madoguchi.store.migrate import upgrade
from madoguchi.training import model, signing
from madoguchi.training.workshop import Place
from madoguchi.web.app import assemble
from madoguchi.web.desk.doors import COOKIE

INTENTS = sorted(path.stem for path in Path("data/nlu").glob("*.yml"))
SCORES = {"accuracy": 0.96, "macro_f1": 0.95, "fallback_rate": 0.01, "calibration_error": 0.02}
NOW = datetime.now(UTC)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="bench.model_pages", description=__doc__)
    for name, default in (("models", 30), ("messages", 1500), ("times", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(var=Path(folder), database_url=f"sqlite:///{folder}/desk.db", secret="bench", demo=False)
        desk = build_desk(settings)
        upgrade(desk.store)
        place = replace(Place.of(settings), models=Path(folder) / "models", var=Path(folder))
        names = [fill(desk.store, place, number, options.messages) for number in range(options.models)]
        app = assemble(settings, desk, Engine("http://127.0.0.1:9", "no engine runs here"))
        app.state.models_place = place
        with TestClient(app, cookies={COOKIE: "bench"}) as client:
            for page in pages(names):
                _tell(client, page, options.times)
    return 0


def fill(store: object, place: Place, number: int, messages: int) -> str:
    """Add one examined model with its file and report; the first also adds who looks at the pages."""
    place.models.mkdir(exist_ok=True)
    name = f"20260101-{number:06}-bench.tar.gz"
    with tarfile.open(place.models / name, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("metadata.json"), io.BytesIO())
    signing.sign(place.models / name, place.key)
    model.write_note(place.models / name, model.made_of_here(place.root))
    report = place.var / "evaluations" / name / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text(json.dumps(_report(number, messages), ensure_ascii=False), encoding="utf-8")
    at = NOW - timedelta(days=number)
    with store.writing() as session:
        if number == 0:
            staff = Staff(login="b", name="計測", role="admin", password_hash="", must_change=False, created_at=NOW)
            secret, end = hashlib.sha256(b"bench").hexdigest(), NOW + timedelta(hours=2)
            session.add(StaffSession(secret_hash=secret, staff=staff, opened_at=NOW, seen_at=NOW, expires_at=end))
        checks = [{"name": f"test_{each}", "passed": True, "words": ""} for each in range(7)]
        session.add(TrainedModel(name=name, made_of="", made_at=at, scores=SCORES, checks=checks, examined_at=at))
        session.add(TrainingJob(kind="train", state="done", slot=null(), model=name, asked_at=at, ended_at=at))
        session.add(ModelService(model=name, kind="promoted", at=at))
    return name.removesuffix(".tar.gz")


def pages(names: list[str]) -> list[str]:
    """Return every page."""
    one, other = f"/desk/train/models/{names[0]}", names[1]
    looks = [f"{one}/confusion", f"{one}/confusion?meant=affirm&said=deny", f"{one}/changes", f"{one}/talk"]
    beside = f"/desk/train/beside?of={names[0]}&of={other}&of={names[2]}&of={names[3]}"
    return ["/desk/train/runs", "/desk/train/runs/now", "/desk/train/models", one, *looks, beside]


def _report(number: int, messages: int) -> dict[str, object]:
    rows = []
    for at in range(messages):
        meant = INTENTS[at % len(INTENTS)]
        said = INTENTS[(at * 7) % len(INTENTS)] if (at + number) % 25 == 0 else meant
        known = {"text": f"評価用の発言の{at}番目です", "intent": meant, "predicted": said, "confidence": 0.9}
        rows.append({**known, "fell_back": False, "missed": [], "spurious": []})
    score = {"precision": 0.96, "recall": 0.96, "f1": 0.96, "hits": 40, "spurious": 2, "missed": 2}
    return {**SCORES, "intents": dict.fromkeys(INTENTS, score), "entities": {}, "messages": rows}


def _tell(client: TestClient, page: str, times: int) -> None:
    clock, own = [], []
    for _ in range(times):
        begun, used = time.perf_counter(), time.process_time()
        assert client.get(page).status_code == 200, page
        clock.append((time.perf_counter() - begun) * 1000)
        own.append((time.process_time() - used) * 1000)
    p95 = [statistics.quantiles(each, n=20)[-1] for each in (clock, own)]
    spent = f"clock p50 {statistics.median(clock):.0f} p95 {p95[0]:.0f} ms, own p50 {statistics.median(own):.0f}"
    print(f"{page[:60]:60} {spent} p95 {p95[1]:.0f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
