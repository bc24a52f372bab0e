"""Requests that are wrong, each in a way of its own: what is sent, and what may be answered.

Tables and no tests: `test_malformed.py` sends all of it to one service.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.api.malformed.bodies import not_json, wrong_members, wrong_shapes
from tests.api.malformed.documents import wrong_documents, wrong_variables
from tests.api.malformed.forms import forms, maps
from tests.api.malformed.heads import (
    accepted_types,
    addresses,
    content_types,
    methods,
    parameters,
    tokens,
)
from tests.api.malformed.request import Wrong

PARTS = (
    not_json,
    wrong_shapes,
    wrong_members,
    wrong_documents,
    wrong_variables,
    content_types,
    accepted_types,
    methods,
    parameters,
    tokens,
    addresses,
    forms,
    maps,
)


def every() -> Iterator[Wrong]:
    for part in PARTS:
        for wrong in part():
            yield replace(wrong, name=f"{part.__name__}: {wrong.name}")
