"""Random queries for pages of items and annotations, valid and full of everything GraphQL has."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

USER = ["id", "name", "email", "__typename"]
BINARY = ["id", "sha256", "size", "mimeType", "width", "height", "downloadUrl", "__typename"]
PAGE_INFO = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"]
ITEM = """id key path name directory description hidden metadata createdAt updatedAt annotated
annotationsCount downloadUrl thumbnailUrl __typename""".split()  # noqa: SIM905
ANNOTATION = """id key type label attributes coordinates metadata status createdAt updatedAt
__typename""".split()  # noqa: SIM905
RESOLVED = {
    "Item": ["dataset { id name }", "sourceItems { id path }", "masterItem { id }"],
    "Annotation": ["bounds { x y width height }", "item { id path }", "source { version }"],
    "Binary": ["referenceCount"],
}
"""What only resolvers answer: a list that asks for it is not made by the database."""
ITEM_FILTERS = [
    "{annotated: true}",
    '{path: {glob: "/**/file*"}}',
    '{not: {name: {eq: "file1.txt"}}}',
    "{annotations: {some: {type: {eq: BOX}}}}",
    '{metadata: [{path: ["n"], gte: 1}]}',
    '{or: [{hidden: true}, {annotations: {none: {label: {eq: "dog"}}}}]}',
]
ANNOTATION_FILTERS = ['{label: {eq: "dog"}}', "{status: {eq: APPROVED}}", "{type: {in: [BOX]}}"]
ANNOTATION_QUERIES = [
    '{label: "d*"}',
    '{filter: {}, join: {filter: {filename: "/file*"}}, sort: {label: "descending"}}',
    '{except: {query: {join: {filter: {annotated: true, name: "file1*"}}}}}',
]
ITEM_ORDERS = ["PATH", "NAME", "CREATED_AT", "UPDATED_AT", "SIZE"]
ANNOTATION_ORDERS = ["KEY", "LABEL", "CREATED_AT", "UPDATED_AT"]


@dataclass
class Generated:
    """One query: `text` for `variables`. `resolved` says that it asks for what is not spliced."""

    chooser: random.Random
    resolved: bool
    fragments: list[str] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)

    # Choosing.

    def maybe(self, chance: float) -> bool:
        return self.chooser.random() < chance

    def some(self, names: list[str]) -> list[str]:
        return self.chooser.choices(names, k=self.chooser.randrange(1, 5))

    def variable(self, type: str, value: object) -> str:
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: {type}")
        self.variables[name] = value
        return f"${name}"

    # Parts of documents.

    def decorated(self, type: str, text: str) -> str:
        """A selection under an alias, a directive, or inside a fragment, or as it is."""
        if self.maybe(0.2) and ":" not in text.partition("{")[0].partition("(")[0]:
            text = f"{self.alias()}: {text}"
        if self.maybe(0.15):
            directive = self.chooser.choice(["include", "skip"])
            truth = self.chooser.choice([True, False])
            value = self.variable("Boolean!", truth) if self.maybe(0.5) else str(truth).lower()
            if text.isidentifier():
                text = f"{text} @{directive}(if: {value})"
            else:
                text = f"... @{directive}(if: {value}) {{ {text} }}"
        if self.maybe(0.1):
            return f"... on {type} {{ __typename {text} }}"
        if self.maybe(0.1):
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type} {{ {text} __typename }}")
            return f"...{name}"
        if self.maybe(0.05) and type in ("Item", "Annotation", "Binary", "User"):
            return "... on Node { id __typename }" + f" ... {{ {text} }}"
        return text

    def alias(self) -> str:
        return f"a{self.chooser.randrange(10_000)}"

    def arguments(self, given: list[str]) -> str:
        return f"({', '.join(given)})" if given else ""

    def number(self, most: int) -> str:
        value = self.chooser.randrange(0, most)
        return self.variable("Int", value) if self.maybe(0.3) else str(value)

    def order(self, fields: list[str]) -> str:
        steps = [
            f"{{field: {self.chooser.choice(fields)}, "
            f"direction: {self.chooser.choice(['ASC', 'DESC'])}}}"
            for _ in range(self.chooser.randrange(1, 3))
        ]
        return f"orderBy: [{', '.join(steps)}]"

    def selections(self, type: str, leaves: list[str], links: list[Callable[[], str]]) -> str:
        found = [self.decorated(type, name) for name in self.some(leaves)]
        found += [self.decorated(type, link()) for link in links if self.maybe(0.35)]
        if self.resolved and type in RESOLVED and self.maybe(0.5):
            found.append(self.chooser.choice(RESOLVED[type]))
        self.chooser.shuffle(found)
        return " ".join(found)

    def user(self, name: str) -> Callable[[], str]:
        return lambda: f"{name} {{ {self.selections('User', USER, [])} }}"

    def binary(self) -> str:
        return f"binary {{ {self.selections('Binary', BINARY, [])} }}"

    def people(self) -> list[Callable[[], str]]:
        return [self.user("creator"), self.user("updatedBy")]

    def item(self) -> str:
        pages = [self.annotations_of_item, self.annotations_of_item]
        return self.selections("Item", ITEM, [self.binary, *self.people(), *pages])

    def annotation(self) -> str:
        return self.selections("Annotation", ANNOTATION, self.people())

    def annotations_of_item(self) -> str:
        given = []
        if self.maybe(0.5):
            given.append(self.which_annotations())
        if self.maybe(0.4):
            given.append(self.order(ANNOTATION_ORDERS))
        if self.maybe(0.6):
            given.append(f"first: {self.number(4)}")
        elif self.maybe(0.2):
            given.append(f"last: {self.number(4)}")
        page = self.page("AnnotationConnection", "AnnotationEdge", self.annotation)
        # An alias always: two of them with other arguments must not meet under one name.
        return f"{self.alias()}: annotations{self.arguments(given)} {{ {page} }}"

    def which_annotations(self) -> str:
        if self.maybe(0.5):
            return f"where: {self.chooser.choice(ANNOTATION_FILTERS)}"
        return f"dql: {self.chooser.choice(ANNOTATION_QUERIES)}"

    def page(self, type: str, edge: str, node: Callable[[], str]) -> str:
        def edges() -> str:
            links = [lambda: f"node {{ {node()} }}"]
            return f"edges {{ {self.selections(edge, ['cursor', '__typename'], links)} }}"

        def nodes() -> str:
            return f"nodes {{ {node()} }}"

        def info() -> str:
            return f"pageInfo {{ {self.selections('PageInfo', PAGE_INFO, [])} }}"

        lists = [nodes] if self.maybe(0.5) else [edges, nodes]
        found = [self.decorated(type, one()) for one in lists]
        found += [self.decorated(type, one()) for one in [info] if self.maybe(0.6)]
        found += [self.decorated(type, "totalCount") for _ in range(1) if self.maybe(0.4)]
        self.chooser.shuffle(found)
        return " ".join(found)

    def whole(self, datasets: list[str]) -> str:
        """The document."""
        id = self.variable("ID!", self.chooser.choice(datasets))
        given = []
        of_items = self.maybe(0.7)
        if self.maybe(0.4):
            where = f"where: {self.chooser.choice(ITEM_FILTERS)}"
            given.append(where if of_items else self.which_annotations())
        if self.maybe(0.4):
            given.append(self.order(ITEM_ORDERS if of_items else ANNOTATION_ORDERS))
        if self.maybe(0.6):
            given.append(f"{self.chooser.choice(['first', 'last'])}: {self.number(6)}")
        if of_items:
            page = self.page("ItemConnection", "ItemEdge", self.item)
            list_ = f"items{self.arguments(given)} {{ version {{ number }} {page} }}"
        else:
            page = self.page("AnnotationConnection", "AnnotationEdge", self.annotation)
            list_ = f"annotations{self.arguments(given)} {{ {page} }}"
        body = f"dataset(by: {{id: {id}}}) {{ id {list_} }}"
        if self.maybe(0.3) and of_items and not given:
            body += f" items(datasetId: {id}, first: 2) {{ nodes {{ {self.item()} }} }}"
        declared = ", ".join(self.declared)
        return f"query Q({declared}) {{ {body} }} {' '.join(self.fragments)}"


def generated(seed: int, datasets: list[str]) -> tuple[str, dict[str, object]]:
    """A query and its variables; every fifth asks for something that only resolvers answer."""
    one = Generated(random.Random(seed), resolved=seed % 5 == 0)
    text = one.whole(datasets)
    return text, one.variables
