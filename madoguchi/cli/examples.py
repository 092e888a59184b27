"""`madoguchi examples …`: the trainers' work from the command line: list, find, add, check, publish, in and out."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from sqlalchemy import select

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.services.agents import Person, Role
from madoguchi.services.desk import Desk
from madoguchi.store import Staff
from madoguchi.training import aside, exchange, health, lessons, notation, publishing, sameness
from madoguchi.training.aside import Named
from madoguchi.training.corpus import Corpus, Shelf
from madoguchi.training.exchange import Labelled, WrongFile
from madoguchi.training.health import CheckFailed
from madoguchi.training.lessons import Kind, Taught, Wanted
from madoguchi.training.notation import Said

examples = typer.Typer(no_args_is_help=True, help=__doc__)
Form = StrEnum("Form", {name.replace("-", "_"): name for name in exchange.FORMS})  # type: ignore[misc]
As = Annotated[str, typer.Option("--as", help="The trainer in whose name it is done.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(examples, name="examples")


@examples.command("list")
def list_intents() -> None:
    """List the intents with their number of examples."""
    for intent, found in sorted(_corpus(Settings()).by_intent.items()):
        typer.echo(f"{len(found):6}  {intent}")


@examples.command("find")
def find(words: str, intent: Annotated[str | None, typer.Option(help="In this intent only.")] = None) -> None:
    """Find examples by their words, in any width."""
    for each in _corpus(Settings()).find(words, intent):
        typer.echo(f"{each.file}:{each.line}  {each.intent}  {each.written}")


@examples.command("add")
def add(
    intent: str,
    text: Annotated[str, typer.Argument(help="In Rasa's notation with --notated, else as it stands.")],
    who: As,
    notated: Annotated[bool, typer.Option(help="Read [靴](product) as a mark.")] = False,
) -> None:
    """Draft one example."""
    said = notation.read(text) if notated else Said(text)
    _teach([Wanted(Kind.ADD, intent, said)], who)


@examples.command("publish")
def publish(who: As, everybody: Annotated[bool, typer.Option(help="Other people's drafts too.")] = False) -> None:
    """Write drafts into the files, and commit them in the trainer's name."""
    settings = Settings()
    desk = build_desk(settings)
    done = publishing.publish(
        desk, _person(desk, who), _shelf(settings), settings.var / "training" / "publish.lock", everybody=everybody
    )
    typer.echo(f"published {len(done.done)}, held {len(done.held)}, git: {done.commit.kind}")
    for number, why in done.held:
        typer.echo(f"held: lesson {number}: {why.value}", err=True)
    if done.held:
        raise typer.Exit(1)


@examples.command("check")
def check(
    deep: Annotated[bool, typer.Option("--deep", help="Have the engine look too; takes a minute.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
) -> None:
    """Check the examples' health; ends with 1 where nothing should be trained on them."""
    settings = Settings()
    corpus, folder = _corpus(settings), settings.var / "training"
    try:
        report = health.run(corpus, folder) if deep else health.kept(folder) or {}
    except CheckFailed as error:
        _fail(f"The check could not be finished: {error}.")
    for finding in (*health.at_once(corpus), *health.by_model(corpus, report)):
        texts = [each.text for each in finding.examples] or list(finding.texts)
        told = {"sign": finding.sign, "intent": finding.intent, "about": finding.told, "texts": texts}
        typer.echo(json.dumps(told, ensure_ascii=False) if as_json else f"{finding.sign:9} {' / '.join(texts)}")
    stopped = health.stops(corpus, report, health.accepted(folder))
    for stop in stopped:
        typer.echo(f"STOP {stop.code} {stop.count} {stop.told}".rstrip(), err=True)
    if stopped or corpus.broken:
        raise typer.Exit(1)


@examples.command("health")
def findings(
    sign: Annotated[str | None, typer.Option(help="Findings of this kind only, like near or label.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that were let be too.")] = False,
    set_aside: Annotated[str | None, typer.Option("--set-aside", help="Let the finding of this name be.")] = None,
    put_back: Annotated[str | None, typer.Option("--put-back", help="Show the finding of this name again.")] = None,
    who: Annotated[str | None, typer.Option("--as", help="The trainer in whose name it is done.")] = None,
) -> None:
    """List what the health page shows, each finding with its name; let one be, or show it again."""
    settings = Settings()
    desk, corpus = build_desk(settings), _corpus(settings)
    report = health.kept(settings.var / "training") or {}
    found = list(aside.named(corpus, (*health.at_once(corpus), *health.by_model(corpus, report))))
    if set_aside or put_back:
        _let_be(desk, found, set_aside, put_back, who)
        return
    known = aside.let_be(desk)
    for each in found:
        if sign in (None, each.finding.sign) and (everything or each.name not in known):
            by = f"  let be by {known[each.name].who}" if each.name in known else ""
            typer.echo(f"{each.name}  {each.finding.sign:9} {_told(each)}{by}")


@examples.command("export")
def export(
    form: Annotated[Form, typer.Option("--format", help="The form of the file.")],
    output: Annotated[Path | None, typer.Option(help="Where to write; the terminal without it.")] = None,
    intent: Annotated[str | None, typer.Option(help="This intent only.")] = None,
) -> None:
    """Write the examples in another form."""
    found = _corpus(Settings()).examples
    told = exchange.write((Labelled(e.intent, e.said) for e in found if intent in (None, e.intent)), form.value)
    if output is None:
        typer.echo(told, nl=False)
    else:
        output.write_bytes(told.encode())


@examples.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    form: Annotated[Form, typer.Option("--format", help="The form of the file.")],
    who: As,
) -> None:
    """Draft the examples of a file; what stands there already or collides is told."""
    try:
        found = exchange.read(file.read_bytes().decode(), form.value)
    except UnicodeDecodeError:
        _fail(f"{file} is not UTF-8.")
    except WrongFile as error:
        _fail(f"{file} cannot be read. {error}")
    _teach([Wanted(Kind.ADD, each.intent, each.said) for each in found], who)


def _let_be(desk: Desk, found: list[Named], set_aside: str | None, put_back: str | None, who: str | None) -> None:
    if who is None:
        _fail("Say in whose name with --as.")
    person = _person(desk, who)
    if put_back and not aside.put_back(desk, person, put_back):
        _fail(f"The finding {put_back} was not let be.")
    chosen = next((each for each in found if each.name == set_aside), None)
    if set_aside and (chosen is None or not aside.set_aside(desk, person, chosen)):
        _fail(f"There is no finding {set_aside} that can be let be.")


def _told(found: Named) -> str:
    finding = found.finding
    texts = [f"{each.text} ({each.intent})" for each in finding.examples] or list(finding.texts)
    return " / ".join(texts) or f"{finding.intent} {finding.told}".rstrip()


def _teach(wishes: list[Wanted], who: str) -> Taught:
    settings = Settings()
    desk = build_desk(settings)
    taught = lessons.teach(desk, _person(desk, who), _corpus(settings), wishes)
    typer.echo(f"drafted {len(taught.lessons)}, refused {len(taught.refused)}")
    for each in taught.refused:
        against = f" ({each.other[0]}: {each.other[1]})" if each.other else ""
        typer.echo(f"{each.why.value}: {each.wanted.said.text!r}{against}", err=True)
    if any(each.why is not lessons.Why.TWIN for each in taught.refused):
        raise typer.Exit(1)
    return taught


def _person(desk: Desk, login: str) -> Person:
    with desk.store.reading() as session:
        staff = session.scalar(select(Staff).where(Staff.login == login, Staff.active.is_(True)))
    if staff is None or staff.role not in (Role.TRAINER, Role.ADMIN):
        _fail(f"{login!r} is no trainer of this desk.")
    return Person(staff.id, staff.login, staff.name, Role(staff.role))


def _shelf(settings: Settings) -> Shelf:
    sameness.recall(settings.var / "training" / "keys.json")
    return Shelf(settings.examples)


def _corpus(settings: Settings) -> Corpus:
    corpus = _shelf(settings).corpus()
    for name, why in corpus.broken.items():
        typer.echo(f"{name} cannot be read: {why}", err=True)
    return corpus


def _fail(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(1)
