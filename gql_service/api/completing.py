"""How a compiled query makes JSON of what resolvers answer, where all of it is plain success."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Mapping, ValuesView
from dataclasses import dataclass, field
from inspect import isawaitable
from types import CoroutineType
from typing import Any, TypeAlias, cast

import orjson
from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLString,
    Undefined,
)
from graphql.pyutils import Path
from strawberry.types.field import StrawberryField

from gql_service.api.batches import Begun, Turns
from gql_service.api.context import Context, Info
from gql_service.api.selecting import Nodes, Selecting


class NotPlain(Exception):
    """Something that graphql-core has to judge."""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution. `arguments` are those of fields that have been called before, which depend on
    variables only."""

    context: Context
    selecting: Selecting
    turns: Turns
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)


Complete: TypeAlias = Callable[[Run, Any], Any]
"""Makes JSON of a value, or `Begun` for it."""


def leaf(type_: GraphQLLeafType) -> Complete:
    """Values of a scalar or an enumeration; null where there is none."""
    plain = _PLAIN.get(type_.name)
    coerced = type_.coerce_output_value

    def complete(_run: Run, value: Any) -> Any:
        if value is None or type(value) is plain:
            return value
        made = coerced(value)
        if made is None or made is Undefined:
            raise NotPlain
        return made

    return complete


_PLAIN: dict[str, type] = {
    GraphQLString.name: str,
    GraphQLID.name: str,
    GraphQLBoolean.name: bool,
}
"""Values of these classes are their own JSON."""


def required(inner: Complete) -> Complete:
    """What may not be null."""

    def complete(run: Run, value: Any) -> Any:
        if value is None:
            raise NotPlain
        return inner(run, value)

    return complete


_LISTS = (list, tuple, ValuesView, ItemsView)


def listed(inner: Complete) -> Complete:
    """Lists; finished JSON passes through."""

    def complete(run: Run, value: Any) -> Any:
        if value is None or type(value) is orjson.Fragment:
            return value
        if not isinstance(value, _LISTS):
            raise NotPlain
        made = [inner(run, one) for one in value]
        if Begun not in map(type, made):
            return made
        late: list[_Late] = [(at, one, None) for at, one in enumerate(made) if type(one) is Begun]
        return run.turns.started(_settled(run, made, late))

    return complete


def of_abstract(possible: Mapping[str, Objects]) -> Complete:
    """Objects of an interface or a union, each as its own type."""

    def complete(run: Run, value: Any) -> Any:
        if value is None:
            return None
        definition = getattr(type(value), "__strawberry_definition__", None)
        if definition is None or definition.is_graphql_generic or definition.concrete_of:
            raise NotPlain
        objects = possible.get(definition.name)
        if objects is None:
            raise NotPlain
        return objects.complete(run, value)

    return complete


@dataclass(frozen=True, slots=True)
class Field:
    """A selected field: a constant, an attribute, or a resolver to call."""

    key: str
    constant: str | None = None
    complete: Complete = field(default=lambda _run, value: value)
    attribute: str = ""
    call: Callable[..., Any] | None = None
    takes_self: bool = False
    info_name: str | None = None
    definition: StrawberryField | None = None
    of: GraphQLField | None = None
    parent: GraphQLObjectType | None = None
    nodes: Nodes = field(default_factory=list)
    arguments: dict[str, Any] | None = None
    """None where they depend on variables."""

    def answer(self, run: Run, source: Any) -> Any:
        """What the resolver answers, or `Begun` for it."""
        assert self.call is not None
        given = self._given(run)
        if self.info_name is not None:
            given = {**given, self.info_name: self._info(run)}
        answer = self.call(source, **given) if self.takes_self else self.call(**given)
        if type(answer) is CoroutineType:
            return run.turns.started(answer)
        if isawaitable(answer):
            raise NotPlain
        return answer

    def _given(self, run: Run) -> dict[str, Any]:
        if self.arguments is not None:
            return self.arguments
        known = run.arguments.get(id(self))
        if known is None:
            known = run.selecting.converted(cast(GraphQLField, self.of), self.nodes[0])
            run.arguments[id(self)] = known
        return known

    def _info(self, run: Run) -> Info:
        """Says of the operation what resolvers here ask for, and no more of it than is at hand."""
        selecting = run.selecting
        of, parent = cast(GraphQLField, self.of), cast(GraphQLObjectType, self.parent)
        raw: GraphQLResolveInfo[Context] = GraphQLResolveInfo(
            field_name=self.nodes[0].name.value,
            field_nodes=self.nodes,
            return_type=of.type,
            parent_type=parent,
            path=Path(None, self.key, parent.name),
            schema=selecting.schema,
            fragments={},
            root_value=None,
            operation=selecting.operation,
            variable_values=selecting.variables,
            context=run.context,
            is_awaitable=cast(Any, isawaitable),
            abort_signal=None,
            async_helpers=cast(Any, None),
        )
        return Info(_raw_info=raw, _field=cast(StrawberryField, self.definition))


_Late = tuple[Any, Begun, Complete | None]
"""Where a value belongs in a list or an object, and how it is completed, if it has to be."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one type, of which the same is selected. `counts`: they have ids of their own;
    `describes`: they belong to the schema."""

    type_name: str
    fields: tuple[Field, ...]
    counts: bool
    describes: bool

    def nullable(self, run: Run, source: Any) -> Any:
        return None if source is None else self.complete(run, source)

    def complete(self, run: Run, source: Any) -> Any:
        if self.counts:
            run.context.tally.nodes += 1
        elif self.describes:
            run.context.tally.introspect(len(self.fields))
        made: dict[str, Any] = {}
        late: list[_Late] = []
        for one in self.fields:
            if one.constant is not None:
                made[one.key] = one.constant
                continue
            if one.call is None:
                answer = getattr(source, one.attribute)
            else:
                answer = one.answer(run, source)
                if type(answer) is Begun:
                    made[one.key] = None
                    late.append((one.key, answer, one.complete))
                    continue
            value = made[one.key] = one.complete(run, answer)
            if type(value) is Begun:
                late.append((one.key, value, None))
        return run.turns.started(_settled(run, made, late)) if late else made


async def _settled(run: Run, into: Any, late: list[_Late]) -> Any:
    """The list or object, when all of it is there."""
    if len(late) == 1:
        await _fill(run, into, *late[0])
        return into
    for filling in [run.turns.started(_fill(run, into, *one)) for one in late]:
        if type(filling) is Begun:
            await filling
    return into


async def _fill(run: Run, into: Any, at: Any, waiting: Begun, complete: Complete | None) -> None:
    value = await waiting
    if complete is not None:
        value = complete(run, value)
        if type(value) is Begun:
            value = await value
    into[at] = value
