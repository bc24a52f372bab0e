"""The keys of a JSON query that arguments of GraphQL replace, and those that mutations do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gql_service.catalog.dql_place import At

LARGEST_PAGE = 1_000
_RESOURCES = (
    *(
        "items",
        "annotations",
        "datasets",
        "tasks",
        "assignments",
        "feature_sets",
        "feature_vectors",
    ),
    *("models", "executions", "compositions", "pipelines", "ontologies", "recipes"),
)
_REFUSED = {
    "update": "a query changes nothing here: use the mutation update{}",
    "delete": "a query deletes nothing here: use the mutation delete{}",
    "references": "a query changes no references here: use the mutation update{}",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the arguments beside a query say.

    `page` is how many were asked for at once, None where the query means all that match.
    `dataset` and `project` are the spellings of the ids that the query is about.
    """

    page: int | None
    dataset: Collection[str]
    project: Collection[str]


def check_setting(key: str, value: Any, at: At, around: Surroundings, resource: str) -> None:
    """Refuses a key that changes things, and a value that contradicts the arguments."""
    if key in _REFUSED:
        if value is not False:
            raise at.refusal(_REFUSED[key].format(resource.title()))
        return
    match key:
        case "resource":
            _check_resource(value, at, resource)
        case "page" | "skip":
            if _whole(value, at, 0) != 0:
                raise at.refusal("cursors lead to later pages: use `after`")
        case "pageSize":
            size = _whole(value, at, 1)
            if size > LARGEST_PAGE:
                raise at.excess(f"a page has at most {LARGEST_PAGE:,} {resource}")
            if around.page is not None and around.page > size:
                raise at.refusal(f"the page asked for has {around.page} {resource}: use `first`")
        case "limit":
            if _whole(value, at, 1) != around.page:
                raise at.refusal(f"`first` says how many {resource} are asked for")
        case "select":
            if not isinstance(value, dict):
                raise at.refusal("an object is needed here: {field: 1, …}")
        case "context":
            _check_context(value, at, around)
        case _:
            if not isinstance(value, bool):
                raise at.refusal("true or false is needed here")


def _check_resource(value: Any, at: At, resource: str) -> None:
    if value == resource:
        return
    if value in _RESOURCES:
        raise at.refusal(f"this asks for {resource}, not for {value}")
    raise at.refusal("this resource is not known")


def _check_context(value: Any, at: At, around: Surroundings) -> None:
    if not isinstance(value, dict):
        raise at.refusal("an object is needed here")
    known = {"datasets": around.dataset, "projects": around.project}
    for key, ids in value.items():
        here = at / key
        if key not in known:
            raise here.refusal("this key is not known here")
        if ids is None:
            continue
        if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
            raise here.refusal("a list of ids is needed here")
        if not ids or not set(ids) <= set(known[key]):
            raise here.refusal(f"the query is about other {key}")


def _whole(value: Any, at: At, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise at.refusal(f"a whole number from {least} is needed here")
    return value
