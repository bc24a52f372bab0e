"""The documents that the playground comes with, against the schema of this release."""

from __future__ import annotations

import re
from pathlib import Path

from graphql import GraphQLSchema, build_schema, parse, validate

from gql_service import playground

FRONTEND = Path(playground.__file__).parent / "frontend"
SCHEMA = Path("schema.graphql")


def documents(folder: str) -> dict[str, str]:
    paths = (FRONTEND / folder).glob("*.graphql")
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def test_every_document_of_the_playground_fits_the_schema() -> None:
    found = documents("operations") | documents("lookups")

    assert len(found) >= 13
    checked = schema()
    assert [error for text in found.values() for error in validate(checked, parse(text))] == []


def test_every_operation_has_its_tab() -> None:
    tabs = (FRONTEND / "tabs.js").read_text(encoding="utf-8")
    operations = documents("operations")

    assert set(re.findall(r"\[\s*(\w+),\s*(?:\{|null)", tabs)) == set(operations)
    for name, text in operations.items():
        assert re.search(rf"^(query|mutation|subscription) {name}\b", text, re.MULTILINE), name
