"""Nodes → validated models: runs pydantic and says what it found in our words, at the place of the offending key."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from slamon.config.nodes import Mapping, Node, Scalar, Sequence, describe, plain
from slamon.config.reader import nearest, suggestion
from slamon.errors import Place, Problem

Keys = tuple[str | int, ...]
Plain = Any
"""What pydantic is given: text, lists and dicts of it."""
Model = TypeVar("Model", bound=BaseModel)


class Section(BaseModel):
    """Base of the models of a configuration. Every field has a default, so that one wrong key does not hide the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    REQUIRED: ClassVar[tuple[str, ...]] = ()
    """Keys that must be written although their fields have the default None."""
    LATER: ClassVar[tuple[str, ...]] = ()
    """Keys of the language that are not built yet: refused as such, not as unknown."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        if cls.REQUIRED:
            schema["required"] = [*schema.get("required", ()), *cls.REQUIRED]
        return schema


class Report:
    """Says problems about keys below one node, with the dotted path and the place of each."""

    def __init__(self, node: Node, path: str, problems: list[Problem], *, place: Place | None = None) -> None:
        """`place`: where the node's own key is written; the node's first character otherwise."""
        self.node = node
        self.path = path
        self.problems = problems
        self.own_place = place or node.place

    def say(self, keys: Keys, reason: str, *, fix: str | None = None, show: bool = True, at_key: bool = False) -> None:
        """A problem with the value at `keys`, or with the last key itself; `show` = with the text that stands there."""
        place, node = key_at(self.node, keys) if at_key and keys else locate(self.node, keys)
        if not keys:
            place = self.own_place
        value = describe(node) if show and isinstance(node, Scalar) and node.text else None
        self.problems.append(Problem(place=place, path=dotted(self.path, keys), reason=reason, value=value, fix=fix))

    def missing(self, keys: Keys, key: str, why: str = "") -> None:
        """`key` is not written in the mapping at `keys`."""
        reason = f"the key `{key}` is missing{': ' + why if why else ''}"
        self.say(keys, reason, fix=f"add `{key}: …`", show=False)

    def place(self, *keys: str | int) -> Place:
        return locate(self.node, keys)[0] if keys else self.own_place

    def below(self, *keys: str | int) -> Report:
        """The same for the node at `keys`, which must be there."""
        place, node = locate(self.node, keys)
        return Report(node, dotted(self.path, keys), self.problems, place=place if keys else self.own_place)


def written(report: Report) -> set[str]:
    """The keys of the report's mapping, valid or not."""
    return {key.text for key, _ in report.node.items} if isinstance(report.node, Mapping) else set()


def read(model: type[Model], report: Report, *, also: Collection[str] = ()) -> Model | None:
    """The model of the report's node. What is wrong is reported and left out, so that the rest is still checked.

    `also` are keys that are valid beside the model's own and were taken out before: an unknown key may mean one of them.
    None when the node is no mapping, or when what is left does not make a model.
    """
    node = report.node
    if not isinstance(node, Mapping):
        report.say(
            (), "this must be a mapping (lines of `key: value`)", show=bool(not isinstance(node, Scalar) or node.text)
        )
        return None
    if issubclass(model, Section):
        for key in model.REQUIRED:
            if node.get(key) is None:
                report.missing((), key)
    values = plain(node)
    dropped: set[Keys] = set()
    for _ in range(_ROUNDS):
        made = _made(model, values)
        if isinstance(made, BaseModel):
            return made
        for detail in made:
            if detail["type"] != "missing" or detail["loc"] not in dropped:
                _tell(model, detail, report, also)
        # from the end of lists, so that leaving one entry out does not move the next
        for loc in sorted((_loc(detail, values) for detail in made), key=_list_order, reverse=True):
            dropped.add(loc)
            if not _drop(values, loc):
                return None
    return None


def _made(model: type[Model], values: Plain) -> Model | list[ErrorDetails]:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    except (TypeError, AttributeError):
        # a converter of a probe's settings that expects text was given a mapping or a list
        wrong = [key for key, value in values.items() if not isinstance(value, str) and _chokes(model, key, value)]
        if issubclass(model, Section) or not wrong:
            raise  # ours take any node: a bug
        return [{"type": "one_value", "loc": (key,), "msg": "this must be one value", "input": None} for key in wrong]


_ROUNDS = 4
"""Validations of one node: a left-out key may uncover another mistake, but a model must not be able to loop."""


def locate(node: Node, keys: Keys) -> tuple[Place, Node]:
    """The node at `keys`, or the deepest on the way that exists, and the place to point at: the value of a
    key that holds one value, the key itself where it holds more."""
    place = node.place
    for key in keys:
        if isinstance(node, Mapping):
            entry = next(((name, value) for name, value in node.items if name.text == key), None)
            if entry is None:
                break
            name, node = entry
            place = node.place if isinstance(node, Scalar) and node.text else name.place
        elif isinstance(node, Sequence) and isinstance(key, int) and key < len(node.items):
            node = node.items[key]
            place = node.place
        else:
            break
    return place, node


def key_at(node: Node, keys: Keys) -> tuple[Place, Node]:
    """Where the last of `keys` itself is written; the mapping it would stand in when it is not."""
    place, parent = locate(node, keys[:-1])
    if isinstance(parent, Mapping):
        return next(((name.place, name) for name, _ in parent.items if name.text == keys[-1]), (place, parent))
    return place, parent


def dotted(path: str, keys: Keys) -> str:
    """`path` extended by `keys`: `contracts.hq.exclusions[1].class`. Markers pydantic adds to a location are dropped."""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        elif key != "[key]":
            path += f".{key}" if path else key
    return path


def _tell(model: type[BaseModel], detail: ErrorDetails, report: Report, also: Collection[str]) -> None:
    kind, loc, context = detail["type"], _clean(detail["loc"]), detail.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(loc[-1])
        known, later = _words(model, loc[:-1])
        reason, fix = "unknown key", suggestion(key, {*known, *(also if len(loc) == 1 else ())}, later)
        if key in later:
            reason, fix = "not yet supported", "leave it out and keep what the paper says in `notes`"
        report.say(loc, reason, fix=fix, show=False, at_key=True)
    elif kind == "missing":
        report.missing(loc[:-1], str(loc[-1]))
    elif kind in {"value_error", "assertion_error"}:
        reason, _, fix = str(context.get("error", detail["msg"])).partition("; ")
        report.say(loc, reason, fix=fix or None, at_key=detail["loc"][-1:] == ("[key]",))
    elif kind in {"literal_error", "enum"}:
        words = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ",").split(",")]
        near = nearest(describe(locate(report.node, loc)[1]), words)
        report.say(loc, f"not one of {', '.join(words)}", fix=f"did you mean {near}?" if near else None)
    elif kind in _SHAPES and _empty(report.node, loc):
        report.say(loc, "no value", fix="write one, or leave the key out")
    else:
        ours, fix = _PLAIN_WORDS.get(kind, ("", None))
        alone = _alone(locate(report.node, loc)[1]) if kind == "one_value" else None
        fix = f"write {alone}" if alone is not None else fix
        theirs = detail["msg"][:1].lower() + detail["msg"][1:]
        report.say(loc, ours.format_map(context) or theirs, fix=fix)


def _alone(node: Node) -> str | None:
    """The one text in a list: brackets around an IPv6 address make a list of it."""
    inside = node.items if isinstance(node, Sequence) else ()
    return describe(inside[0]) if len(inside) == 1 and isinstance(inside[0], Scalar) else None


_SHAPES = frozenset({"model_type", "model_attributes_type", "dict_type", "tuple_type", "list_type", "set_type"})


def _empty(node: Node, keys: Keys) -> bool:
    """A key with nothing behind it, as when all lines below it are comments."""
    found = locate(node, keys)[1]
    return isinstance(found, Scalar) and not found.text


_PLAIN_WORDS: dict[str, tuple[str, str | None]] = {
    "one_value": ("this must be one value", None),
    "string_type": ("this must be one value", None),
    "model_type": ("this must be a mapping (lines of `key: value`)", None),
    "model_attributes_type": ("this must be a mapping (lines of `key: value`)", None),
    "dict_type": ("this must be a mapping (lines of `key: value`)", None),
    "tuple_type": ("this must be a list", "write [first, second]"),
    "list_type": ("this must be a list", "write [first, second]"),
    "set_type": ("this must be a list", "write [first, second]"),
    "frozen_set_type": ("this must be a list", "write [first, second]"),
    "int_parsing": ("not a whole number", "write for example 3"),
    "int_type": ("not a whole number", "write for example 3"),
    "int_from_float": ("not a whole number", "write for example 3"),
    "greater_than_equal": ("less than {ge}", None),
    "greater_than": ("not more than {gt}", None),
    "less_than_equal": ("more than {le}", None),
    "less_than": ("not less than {lt}", None),
    "string_pattern_mismatch": ("not of the form {pattern}", None),
    "pattern_regex": ("not a regular expression", "see the syntax of Python's re module"),
    "bool_parsing": ("neither true nor false", "write true or false"),
    "bool_type": ("neither true nor false", "write true or false"),
}
"""pydantic's error type → our reason and fix; any other type keeps pydantic's sentence."""


def _chokes(model: type[BaseModel], key: str, value: Plain) -> bool:
    try:
        model.model_validate({key: value})
    except ValidationError:
        return False
    except (TypeError, AttributeError):
        return True
    return False


def _clean(loc: tuple[str | int, ...]) -> Keys:
    """pydantic marks an error about a dict's key with a last `[key]`."""
    return loc[:-1] if loc and loc[-1] == "[key]" else loc


def _loc(detail: ErrorDetails, values: Plain) -> Keys:
    """What to leave out so that the rest validates: the value itself, or the mapping a key is missing from."""
    loc = _clean(detail["loc"])
    if detail["type"] == "missing":
        return loc[:-1]
    while loc and not _has(values, loc):  # a label of a union's branch: no key of ours
        loc = loc[:-1]
    return loc


def _list_order(loc: Keys) -> tuple[tuple[int, str | int], ...]:
    return tuple((1, part) if isinstance(part, int) else (0, part) for part in loc)


def _holds(values: Plain, part: str | int) -> bool:
    if isinstance(values, dict):
        return part in values
    return isinstance(values, list) and isinstance(part, int) and part < len(values)


def _has(values: Plain, loc: Keys) -> bool:
    for part in loc:
        if not _holds(values, part):
            return False
        values = values[part]
    return True


def _drop(values: Plain, loc: Keys) -> bool:
    """Remove what is at `loc`; False when that is everything. Already gone is fine."""
    if not loc:
        return False
    for part in loc[:-1]:
        if not _holds(values, part):
            return True
        values = values[part]
    if _holds(values, loc[-1]):
        del values[loc[-1]]
    return True


def keys_of(model: type[BaseModel]) -> frozenset[str]:
    """The keys of a model as they are written."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def _words(model: type[BaseModel], keys: Keys) -> tuple[set[str], set[str]]:
    """The keys valid in the mapping at `keys`: those built, and those that are not yet."""
    for key in keys:
        field = model.model_fields.get(str(key)) if isinstance(key, str) else None
        candidates = list(models_of(field)) if field else []
        if candidates:
            model = candidates[0]
    later: Collection[str] = model.LATER if issubclass(model, Section) else ()
    return set(keys_of(model)), set(later)


def models_of(field: FieldInfo) -> Iterator[type[BaseModel]]:
    """The models inside a field's type, such as the `Objective` of `dict[str, Objective] | None`."""
    pending: list[Any] = [field.annotation]
    while pending:
        annotation = pending.pop()
        origin = get_origin(annotation)
        if origin is Annotated:
            pending.append(get_args(annotation)[0])
        elif origin in {Union, types.UnionType, dict, list, tuple, frozenset, set}:
            pending += get_args(annotation)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
