"""How large a GraphQL document is once its fragments are put in their places.

In time that grows with the document and not with what it expands to: every definition is walked
once, and what a fragment amounts to is added up where it is used. Nothing here recurses, so that
no document is too deep for it. Fragments are multiplied by their uses before a validator or an
executor sees them; those that contain themselves are refused at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

COUNTLESS = 1_000_000
"""Where counting ends: a document of 16 KiB can expand to more than there are atoms."""

_EXPANDABLE = 10_000
_INTROSPECTION = {"__schema", "__type"}
_Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Measure:
    """What a document amounts to; each number of all its operations together, except `depth`.

    `depth` is the longest chain of fields, where what lies below __schema and __type is free.
    `repeats` counts the pairs of fields with one name at one place: a validator compares them.
    """

    depth: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    repeats: int = 0


@dataclass(slots=True)
class _Size:
    """Of one definition: at first without, in the end with what it spreads."""

    depth: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    # The fragment, how deep it is spread (None: below introspection), whether at the root.
    spreads: list[tuple[FragmentSpreadNode, int | None, bool]] = field(default_factory=list)

    def add(self, other: _Size, below: int | None, at_root: bool) -> None:
        if below is not None:
            self.depth = min(COUNTLESS, max(self.depth, below + other.depth))
        if at_root:
            self.root_fields = min(COUNTLESS, self.root_fields + other.root_fields)
        self.fields = min(COUNTLESS, self.fields + other.fields)
        self.aliases = min(COUNTLESS, self.aliases + other.aliases)
        self.directives = min(COUNTLESS, self.directives + other.directives)


def measure(document: DocumentNode) -> Measure:
    """Raises GraphQLError for a fragment that contains itself."""
    definitions = [node for node in document.definitions if isinstance(node, _Definition)]
    fragments = {
        node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)
    }
    sizes = {id(node): _own_size(node) for node in definitions}
    spread = {spread.name.value for size in sizes.values() for spread, _, _ in size.spreads}
    for fragment in _innermost_first(fragments, sizes):
        _add_spreads(sizes[id(fragment)], fragments, sizes)
    roots = [
        node
        for node in definitions
        # A validator looks at fragments that nobody uses, or whose name is taken, all the same.
        if isinstance(node, OperationDefinitionNode)
        or node.name.value not in spread
        or fragments[node.name.value] is not node
    ]
    whole = _Size()
    for node in roots:
        size = sizes[id(node)]
        if isinstance(node, OperationDefinitionNode):
            _add_spreads(size, fragments, sizes)
        whole.add(size, 0, True)
    repeats = COUNTLESS
    if whole.fields <= _EXPANDABLE:
        repeats = sum(_repeats(node.selection_set, fragments) for node in roots)
    return Measure(
        whole.depth, whole.root_fields, whole.fields, whole.aliases, whole.directives, repeats
    )


def _own_size(definition: _Definition) -> _Size:
    size = _Size(directives=len(definition.directives or ()))
    for variable in definition.variable_definitions or ():
        size.directives += len(variable.directives or ())
    # With how many fields are around it; None below introspection.
    waiting: list[tuple[SelectionSetNode, int | None, bool]] = [(definition.selection_set, 0, True)]
    while waiting:
        selections, around, at_root = waiting.pop()
        for node in selections.selections:
            directives: Sequence[DirectiveNode] = node.directives or ()
            size.directives += len(directives)
            if isinstance(node, FragmentSpreadNode):
                size.spreads.append((node, around, at_root))
            elif isinstance(node, InlineFragmentNode):
                waiting.append((node.selection_set, around, at_root))
            elif isinstance(node, FieldNode):
                size.fields += 1
                size.aliases += node.alias is not None
                size.root_fields += at_root
                depth = None if around is None else around + 1
                size.depth = max(size.depth, depth or 0)
                if node.selection_set is not None:
                    free = node.name.value in _INTROSPECTION
                    waiting.append((node.selection_set, None if free else depth, False))
    return size


def _add_spreads(
    size: _Size, fragments: Mapping[str, FragmentDefinitionNode], sizes: Mapping[int, _Size]
) -> None:
    for spread, around, at_root in size.spreads:
        fragment = fragments.get(spread.name.value)
        if fragment is not None:  # the validator says so
            size.add(sizes[id(fragment)], around, at_root)


def _innermost_first(
    fragments: Mapping[str, FragmentDefinitionNode], sizes: Mapping[int, _Size]
) -> list[FragmentDefinitionNode]:
    """Every fragment, behind all those that it spreads."""
    done: dict[str, FragmentDefinitionNode] = {}
    for start in fragments:
        open_names: dict[str, None] = {}
        waiting = [start]
        while waiting:
            name = waiting[-1]
            if name in done:
                waiting.pop()
                continue
            if name in open_names:
                del open_names[waiting.pop()]
                done[name] = fragments[name]
                continue
            open_names[name] = None
            for spread, _, _ in sizes[id(fragments[name])].spreads:
                inner = spread.name.value
                if inner in open_names:
                    raise GraphQLError(f"The fragment '{inner}' contains itself", spread)
                if inner in fragments and inner not in done:
                    waiting.append(inner)
    return list(done.values())


@dataclass(slots=True)
class _Place:
    """Where fields of an answer stand: one for each response name, however often selected."""

    count: int = 0
    fields: dict[str, _Place] = field(default_factory=dict)
    spread: set[str] = field(default_factory=set)


def _repeats(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """Walks what it expands to: only for what is known to be small."""
    pairs = 0
    waiting = [(selections, _Place())]
    while waiting:
        current, place = waiting.pop()
        for node in current.selections:
            if isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                inner = place.fields.setdefault(name, _Place())
                pairs += inner.count
                inner.count += 1
                if node.selection_set is not None:
                    waiting.append((node.selection_set, inner))
            elif isinstance(node, InlineFragmentNode):
                waiting.append((node.selection_set, place))
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in fragments and name not in place.spread:
                    place.spread.add(name)
                    waiting.append((fragments[name].selection_set, place))
    return pairs
