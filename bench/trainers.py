"""How fast the trainers' pages are at 20,000 messages and 50,000 examples: `.venv/bin/python -m bench.trainers`.

A web program with a store and a folder of examples of its own runs in this process on a free port; each page is
fetched again and again; its median, its 95th percentile and the processor's time (page and browser together, which
a busy machine does not stretch) are printed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import secrets
import statistics
import tempfile
import threading
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import structlog
import uvicorn

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.rasa import Engine
from madoguchi.services.agents import Role
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation, Message, Staff, StaffSession, TrainingMessage
from madoguchi.store.migrate import upgrade
from madoguchi.training.corpus import Corpus, Shelf
from madoguchi.training.files import new_file
from madoguchi.training.messages import tally
from madoguchi.web.app import assemble
from madoguchi.web.desk.doors import COOKIE

MESSAGES, EXAMPLES, ROUNDS = 20_000, 50_000, 60
BEGINNINGS = ("すみません、", "先日の件ですが、", "至急です。", "お世話になります。", "あの、", "何度もごめんなさい。")


def main() -> None:
    """Build the room, measure its pages and print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = _examples(folder / "nlu")
        settings = Settings(
            database_url=f"sqlite:///{folder}/desk.db",
            var=folder,
            secret="a-bench",
            demo=False,
            examples=folder / "nlu",
        )
        desk = build_desk(settings)
        upgrade(desk.store)
        cookie = _fill(desk, corpus)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        app = assemble(settings, desk, Engine("http://127.0.0.1:9", "nobody-answers-here"))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        _measure(f"http://127.0.0.1:{port}", cookie, corpus, _some_pile(desk))
        server.should_exit = True


def _examples(folder: Path) -> Corpus:
    """Write 50,000 different examples into files: the shop's own, each with other beginnings."""
    folder.mkdir()
    own = Shelf().corpus().by_intent
    wanted = EXAMPLES // len(own) + 1
    for intent, found in own.items():
        texts = dict.fromkeys(each.written for each in found)
        for beginning in (a + b for a in ("", *BEGINNINGS) for b in BEGINNINGS):
            if len(texts) >= wanted:
                break
            texts.update(dict.fromkeys(beginning + each.written for each in found))
        (folder / f"{intent}.yml").write_text(
            new_file(intent, "測るための例文", list(texts)[:wanted]), encoding="utf-8"
        )
    return Shelf(folder).corpus()


def _fill(desk: Desk, corpus: Corpus) -> str:
    """Put 20,000 messages into the inbox, in piles of many sizes; returns a trainer's session."""
    chance, now, secret = random.Random(1), desk.clock(), secrets.token_urlsafe(32)
    with desk.store.writing() as session:
        staff = Staff(login="m", name="森", role=Role.TRAINER, password_hash="x", must_change=False, created_at=now)
        session.add(staff)
        session.flush()
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        later = now + timedelta(days=1)
        session.add(StaffSession(secret_hash=hashed, staff_id=staff.id, opened_at=now, seen_at=now, expires_at=later))
        talk = Conversation(id=str(uuid.uuid4()), owner="bot", opened_at=now, last_at=now)
        session.add(talk)
        session.flush()
        piles = [str(uuid.uuid4()) for _ in range(6_000)]
        for number in range(1, MESSAGES + 1):
            text, sure = chance.choice(corpus.examples).text, chance.random()
            session.add(_message(talk, number, text, sure))
            session.add(_heard(number, piles[int(6_000 * chance.random() ** 3)], sure, chance, now))
        tally(session, piles)
    return secret


def _message(talk: Conversation, number: int, text: str, sure: float) -> Message:
    return Message(
        id=number,
        conversation_id=talk.id,
        client_id=str(number),
        author="customer",
        text=text,
        state="answered",
        intent="return_item",
        confidence=sure,
        created_at=talk.opened_at,
    )


def _heard(number: int, pile: str, sure: float, chance: random.Random, now: datetime) -> TrainingMessage:
    flags = {"unsure": sure < 0.5, "marked": False, "human": chance.random() < 0.1, "unknown": chance.random() < 0.2}
    rank = 1 if flags["unsure"] else 3 if flags["human"] else 5 if flags["unknown"] else 9
    return TrainingMessage(
        message_id=number,
        pile=pile,
        intent="return_item",
        confidence=sure,
        likeness=0.5,
        names=[],
        between=False,
        rank=rank,
        came_at=now,
        **flags,
    )


def _some_pile(desk: Desk) -> str:
    with desk.store.reading() as session:
        return str(session.query(TrainingMessage.pile).filter(TrainingMessage.rank == 1).limit(1).scalar())


def _measure(url: str, cookie: str, corpus: Corpus, pile: str) -> None:
    example, intent = corpus.examples[20_000].id, corpus.examples[20_000].intent
    pages = {
        "messages": ("GET", "/desk/train"),
        "messages, page 30": ("GET", "/desk/train?page=30"),
        "messages, one reason": ("GET", "/desk/train?why=human"),
        "one pile": ("GET", f"/desk/train/m/{pile}"),
        "intents": ("GET", "/desk/train/examples"),
        "one intent": ("GET", f"/desk/train/examples/{intent}"),
        "search": ("GET", "/desk/train/examples?q=返品したい"),
        "one example": ("GET", f"/desk/train/example/{example}"),
        "while typing": ("POST", "/desk/train/look"),
        "drafts": ("GET", "/desk/train/drafts"),
        "health": ("GET", "/desk/train/health"),
    }
    print(f"{MESSAGES} messages, {len(corpus.examples)} examples, {os.cpu_count()} cores, {ROUNDS} fetches a page")
    with httpx.Client(base_url=url, cookies={COOKIE: cookie}, timeout=120, trust_env=False) as client:
        for method, where in pages.values():
            for _ in range(2):
                client.request(method, where, data={"text": "温まらない"} if method == "POST" else None)
        time.sleep(10)  # what is read once for all has been read
        for name, (method, where) in pages.items():
            _page(client, name, method, where)


def _page(client: httpx.Client, name: str, method: str, where: str) -> None:
    took: list[float] = []
    worked = time.process_time()
    for number in range(ROUNDS):
        begun = time.perf_counter()
        data = {"text": f"二つとも温まらないんです{number}"} if method == "POST" else None
        answer = client.request(method, where, data=data)
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, (name, answer.status_code)
    p95 = statistics.quantiles(took, n=20)[-1]
    cpu = (time.process_time() - worked) * 1000 / ROUNDS
    print(f"{name:24} p50 {statistics.median(took):6.0f} ms   p95 {p95:6.0f} ms   processor {cpu:6.0f} ms", flush=True)


if __name__ == "__main__":
    main()
