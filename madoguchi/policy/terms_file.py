"""Reading the terms a merchant edits: YAML in, `TermsBook` out, or one clear sentence with file, line and key."""

import difflib
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from madoguchi.policy.terms import Terms, TermsBook

type Place = Sequence[str | int]


class TermsError(ValueError):
    """The terms cannot be used; the message is one English sentence with file, line and key."""

    def __init__(self, file: str, line: int, key: str, problem: str) -> None:
        self.file, self.line, self.key, self.problem = file, line, key, problem
        place = f"{file}, line {line}, {key}" if key else f"{file}, line {line}"
        super().__init__(f"{place}: {problem}.")


def load_terms(path: str | Path) -> TermsBook:
    """The terms in this file; TermsError where they are wrong or the file cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TermsError(str(path), 1, "", "the file cannot be read as UTF-8 text") from error
    return parse_terms(text, file=str(path))


def parse_terms(text: str, *, file: str = "terms") -> TermsBook:
    """The terms in this YAML text; `file` is only a name for the message."""
    document = _document(text, file)
    try:
        return TermsBook.model_validate(document)
    except ValidationError as error:
        raise _first_problem(error, document, file) from error


def _document(text: str, file: str) -> CommentedMap:
    try:
        document = YAML(typ="rt").load(StringIO(text))
    except DuplicateKeyError as error:
        raise TermsError(file, _marked_line(error), "", "a key stands here for the second time") from error
    except MarkedYAMLError as error:
        raise TermsError(file, _marked_line(error), "", f"this is not YAML ({error.problem})") from error
    except YAMLError as error:
        raise TermsError(file, 1, "", "this is not YAML") from error
    if not isinstance(document, CommentedMap):
        raise TermsError(file, 1, "versions", "the file must hold a list of versions")
    return document


def _marked_line(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return 1 if mark is None else int(mark.line) + 1


def _first_problem(error: ValidationError, document: CommentedMap, file: str) -> TermsError:
    # A merchant mends one thing at a time, so the first problem in reading order is the one to name.
    problems = [(_line(document, each["loc"]), each) for each in error.errors()]
    line, first = min(problems, key=lambda problem: problem[0])
    return TermsError(file, line, _key(first["loc"]), _sentence(dict(first)))


def _sentence(problem: dict[str, Any]) -> str:
    found, context = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            return "there is no such key" + _nearest(problem["loc"])
        case "greater_than_equal":
            return f"must not be negative, found {found}"
        case "less_than_equal":
            return f"must not be over {context['le']}, found {found}"
        case "int_type" | "int_from_float" | "int_parsing":
            return f"must be a whole number, found {found!r}"
        case "bool_type" | "bool_parsing":
            return f"must be true or false, found {found!r}"
        case "missing":
            return "the key is missing"
        case "enum" | "literal_error":
            return f"must be {context['expected']}, found {found!r}"
        case "value_error":
            return str(context["error"])
        case _:
            message = str(problem["msg"])
            return message[0].lower() + message[1:].rstrip(".")


def _nearest(place: Place) -> str:
    model: type[BaseModel] = TermsBook
    for part in place[:-1]:
        annotation = Terms if isinstance(part, int) else model.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f", did you mean {near[0]}" if near else f", known are {', '.join(known)}"


def _key(place: Place) -> str:
    return ".".join(str(part) for part in place if part != "versions" and not isinstance(part, int)) or "versions"


def _line(document: CommentedMap, place: Place) -> int:
    node: Any = document
    line = 1
    for part in place:
        if isinstance(node, CommentedMap) and part in node:
            line = node.lc.key(part)[0] + 1
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
        else:
            break
        node = node[part]
    return line
