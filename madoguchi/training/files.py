"""Changing a Rasa YAML file line by line: what is not meant stays as it is, byte for byte.

The YAML reader tells where each example stands; the change is made in the lines themselves, and the result is read
again and compared before anybody gets it. So a lesson is a one-line diff, whatever the file's own style is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from madoguchi.training.notation import fits_a_line, quoted


class Unreadable(ValueError):
    """A file that is no YAML for Rasa, or an example in a shape that cannot be changed line by line."""


@dataclass(frozen=True)
class Entry:
    """One example as it stands in a file: its annotated text and its lines, counted from 0, the last included."""

    intent: str
    written: str
    first: int
    last: int
    simple: bool  # one `- …` in a block of lines, or one `- text: …` on a line


@dataclass(frozen=True)
class Block:
    """The lines of one intent's examples; `listed` says that each is an item of its own."""

    intent: str
    listed: bool
    header: int  # the line of `- intent:`
    last: int
    indent: str  # before an example's dash
    outer: str  # before the dash of `- intent:`


@dataclass(frozen=True)
class Add:
    """Put an example at the end of its intent's."""

    intent: str
    written: str


@dataclass(frozen=True)
class Replace:
    """Say an example in another way, at its place."""

    intent: str
    written: str
    by: str


@dataclass(frozen=True)
class Remove:
    """Take an example out."""

    intent: str
    written: str


type Change = Add | Replace | Remove


def entries(content: str) -> list[Entry]:
    """Return the examples of a file in their order; raises Unreadable."""
    return list(_entries(content, content.split("\n")))


def change(content: str, changes: Sequence[Change]) -> tuple[str, tuple[Change, ...]]:
    """Return the content with the changes made, and those for which the file holds no such example any more.

    Raises Unreadable for a file that cannot be changed safely.
    """
    together = _at_once(content, changes)
    if together is not None:
        return together, ()
    missed: list[Change] = []
    for each in changes:
        changed = _changed(content, each)
        if changed is None:
            missed.append(each)
        else:
            content = changed
    return content, tuple(missed)


def new_file(intent: str, definition: str, written: Sequence[str]) -> str:
    """Return a file for a new intent; the definition stands at its head, as in every other."""
    about = " ".join(definition.split())
    head = f'# {intent}：{about}\nversion: "3.1"\nnlu:\n- intent: {intent}\n  examples: |\n'
    lines = [each for each in written if fits_a_line(each)]
    content = head + "".join(f"    - {each}\n" for each in lines)
    return change(content, [Add(intent, each) for each in written if each not in lines])[0]


def _at_once(content: str, changes: Sequence[Change]) -> str | None:
    """Make all the changes that are plain lines together: a file is read twice, not twice a change."""
    lines, found = content.split("\n"), entries(content)
    edits: dict[int, str | None] = {}
    inserts: dict[int, list[str]] = {}
    wanted = [(entry.intent, entry.written) for entry in found]
    end = "\r" if any(line.endswith("\r") for line in lines) else ""
    places: dict[tuple[str, str], list[Entry]] = {}
    for entry in found:
        places.setdefault((entry.intent, entry.written), []).append(entry)
    for each in changes:
        if isinstance(each, Add):
            wanted.append((each.intent, each.written))
            continue
        candidates = places.get((each.intent, each.written), [])
        by = each.by if isinstance(each, Replace) else None
        plain = candidates and candidates[0].simple and (by is None or fits_a_line(by))
        if not plain or lines[candidates[0].first].lstrip().startswith("- text:"):
            return None
        at = candidates.pop(0).first
        edits[at] = None if by is None else f"{lines[at][: lines[at].index('- ') + 2]}{by}{end}"
        wanted.remove((each.intent, each.written))
        wanted += [] if by is None else [(each.intent, by)]
    added = [each for each in changes if isinstance(each, Add)]
    for listed in (False, True):
        if not _insert(inserts, content, lines, [each for each in added if fits_a_line(each.written) != listed], end):
            return None
    made = _edited(lines, edits, inserts)
    return made if sorted(wanted) == sorted((entry.intent, entry.written) for entry in entries(made)) else None


def _insert(inserts: dict[int, list[str]], content: str, lines: list[str], added: Sequence[Add], end: str) -> bool:
    """Note the lines that new examples become; False where there is no plain place for them."""
    if not added:
        return True
    listed, blocks = not fits_a_line(added[0].written), list(_blocks(content, lines))
    for intent in dict.fromkeys(each.intent for each in added):
        own = [block for block in blocks if block.intent == intent]
        if not own or own[-1].last < own[-1].header or any(block.last == len(lines) - 1 for block in own):
            return False
        fitting = next((block for block in reversed(own) if block.listed is listed), None)
        indent = f"{own[-1].outer}  " if fitting is None else fitting.indent
        if fitting is None and not listed:
            return False
        said = [each.written for each in added if each.intent == intent]
        new = [f"{indent}- {f'text: {quoted(text)}' if listed else text}{end}" for text in said]
        if fitting is None:
            new = [f"{own[-1].outer}- intent: {intent}{end}", f"{indent}examples:{end}", *new]
        inserts.setdefault((fitting or own[-1]).last, []).extend(new)
    return True


def _edited(lines: Sequence[str], edits: dict[int, str | None], inserts: dict[int, list[str]]) -> str:
    made: list[str] = []
    for at, line in enumerate(lines):
        kept = edits.get(at, line)
        made += [*([] if kept is None else [kept]), *inserts.get(at, ())]
    return "\n".join(made)


def _changed(content: str, wanted: Change) -> str | None:
    before = [(entry.intent, entry.written) for entry in entries(content)]
    if isinstance(wanted, Add):
        changed = _added(content, wanted)
        after = _with_added(before, wanted)
    else:
        at = next((i for i, each in enumerate(before) if each == (wanted.intent, wanted.written)), None)
        if at is None:
            return None
        entry = entries(content)[at]
        if isinstance(wanted, Replace) and _keeps_shape(content, entry, wanted.by):
            changed = _replaced(content, entry, wanted.by)
            after = [*before[:at], (wanted.intent, wanted.by), *before[at + 1 :]]
        else:
            changed, after = _removed(content, entry), [*before[:at], *before[at + 1 :]]
            if isinstance(wanted, Replace):
                added = Add(wanted.intent, wanted.by)
                changed, after = _added(changed, added), _with_added(after, added)
    if sorted(after) != sorted((entry.intent, entry.written) for entry in entries(changed)):
        raise Unreadable(f"An example of {wanted.intent} stands in a shape that cannot be changed line by line.")
    return changed


def _with_added(before: Sequence[tuple[str, str]], added: Add) -> list[tuple[str, str]]:
    return [*before, (added.intent, added.written)]


def _keeps_shape(content: str, entry: Entry, by: str) -> bool:
    if not entry.simple:
        return False
    listed = content.split("\n")[entry.first].lstrip().startswith("- text:")
    return listed or fits_a_line(by)


def _replaced(content: str, entry: Entry, by: str) -> str:
    lines = content.split("\n")
    line = lines[entry.first]
    end = "\r" if line.endswith("\r") else ""
    head = line[: line.index("- ") + 2]
    if line.lstrip().startswith("- text:"):
        lines[entry.first] = f"{head}text: {quoted(by)}{end}"
    else:
        lines[entry.first] = f"{head}{by}{end}"
    return "\n".join(lines)


def _removed(content: str, entry: Entry) -> str:
    lines = content.split("\n")
    siblings = [each for each in entries(content) if each != entry]
    block = next((each for each in _blocks(content, lines) if each.header <= entry.first <= each.last), None)
    if block is None:
        raise Unreadable(f"The examples of {entry.intent} stand in a shape that cannot be changed line by line.")
    alone = not any(block.header < each.first <= block.last for each in siblings)
    if alone and block.listed:  # an empty list would be no YAML for Rasa: its block goes with it
        return "\n".join([*lines[: block.header], *lines[block.last + 1 :]])
    return "\n".join([*lines[: entry.first], *lines[entry.last + 1 :]])


def _added(content: str, added: Add) -> str:
    lines = content.split("\n")
    listed = not fits_a_line(added.written)
    blocks = [each for each in _blocks(content, lines) if each.intent == added.intent]
    fitting = [each for each in blocks if each.listed is listed]
    end = "\r" if any(line.endswith("\r") for line in lines) else ""
    if fitting:
        block = fitting[-1]
        new = [f"{block.indent}- {f'text: {quoted(added.written)}' if listed else added.written}{end}"]
    else:
        block = blocks[-1] if blocks else _last_block(content, lines)
        step = f"{block.outer}  "
        head = [f"{block.outer}- intent: {added.intent}{end}", f"{step}examples:{'' if listed else ' |'}{end}"]
        said = f"{step}- text: {quoted(added.written)}" if listed else f"{step}  - {added.written}"
        new = [*head, f"{said}{end}"]
    if block.last == len(lines) - 1 and lines[-1]:
        new.append("")  # the file's last line had no end
    return "\n".join([*lines[: block.last + 1], *new, *lines[block.last + 1 :]])


def _last_block(content: str, lines: list[str]) -> Block:
    found = list(_blocks(content, lines))
    if not found:
        raise Unreadable("The file holds no examples yet, so that there is no place for one.")
    return found[-1]


def _nlu_items(content: str) -> Iterator[tuple[Node, dict[str, Node]]]:
    try:
        root = YAML(typ="safe").compose(content)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Unreadable(f"No YAML{'' if mark is None else f', line {mark.line + 1}'}.") from None
    if not isinstance(root, MappingNode):
        raise Unreadable("No YAML for Rasa: there is no `nlu`.")
    for key, value in root.value:
        if key.value == "nlu" and isinstance(value, SequenceNode):
            for item in value.value:
                if isinstance(item, MappingNode):
                    yield item, {name.value: node for name, node in item.value}


def _entries(content: str, lines: list[str]) -> Iterator[Entry]:
    for _, fields in _nlu_items(content):
        intent, examples = fields.get("intent"), fields.get("examples")
        if intent is None or examples is None:
            continue
        if isinstance(examples, ScalarNode):
            yield from _block_entries(str(intent.value), examples, lines)
        elif isinstance(examples, SequenceNode):
            yield from _list_entries(str(intent.value), examples, lines)


def _block_entries(intent: str, node: ScalarNode, lines: list[str]) -> Iterator[Entry]:
    at = node.start_mark.line
    literal = node.style == "|"
    for row in str(node.value).split("\n"):
        at += 1
        if row.startswith("-"):
            whole = literal and at < len(lines) and lines[at].strip() == row.strip()
            yield Entry(intent, row[1:].strip("\n\r "), at, at, whole and lines[at].lstrip().startswith("- "))


def _list_entries(intent: str, node: SequenceNode, lines: list[str]) -> Iterator[Entry]:
    for item in node.value:
        text = next((value for key, value in item.value if key.value == "text"), None) if _is_map(item) else None
        if text is None:
            continue
        first = item.start_mark.line
        last = _last_line(item.end_mark, lines, first)
        alone = first == last and len(item.value) == 1 and lines[first].lstrip().startswith("- text:")
        yield Entry(intent, str(text.value).strip("\n\r "), first, last, alone)


def _is_map(node: Any) -> bool:
    return isinstance(node, MappingNode)


def _last_line(mark: Any, lines: list[str], first: int) -> int:
    """Return the last line that belongs to a node: its end mark may stand at the next one's beginning."""
    last = int(mark.line)
    if last > first and (last >= len(lines) or not lines[last][: mark.column].strip()):
        last -= 1
    while last > first and (not lines[last].strip() or lines[last].lstrip().startswith("#")):
        last -= 1
    return last


def _blocks(content: str, lines: list[str]) -> Iterator[Block]:
    for item, fields in _nlu_items(content):
        intent, examples = fields.get("intent"), fields.get("examples")
        if intent is None or examples is None:
            continue
        header = item.start_mark.line
        outer = lines[header][: len(lines[header]) - len(lines[header].lstrip())]
        if isinstance(examples, ScalarNode) and examples.style == "|":
            first = examples.start_mark.line + 1
            last = first + str(examples.value).rstrip("\n").count("\n") if examples.value.strip() else first - 1
            yield Block(str(intent.value), False, header, last, _indent(lines, first, f"{outer}    "), outer)
        elif isinstance(examples, SequenceNode) and not examples.flow_style and examples.value:
            first = examples.value[0].start_mark.line
            last = _last_line(examples.value[-1].end_mark, lines, first)
            yield Block(str(intent.value), True, header, last, _indent(lines, first, f"{outer}  "), outer)


def _indent(lines: list[str], at: int, otherwise: str) -> str:
    if at < len(lines) and lines[at].strip():
        return lines[at][: len(lines[at]) - len(lines[at].lstrip(" "))]
    return otherwise
