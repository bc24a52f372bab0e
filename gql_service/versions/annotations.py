"""Annotating: add, change and remove labels on items, many at once, as one version."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gql_service.catalog.annotation_content import (
    AnnotationStatus,
    AnnotationType,
    check_against_recipe,
)
from gql_service.catalog.coordinates import check_coordinates
from gql_service.catalog.dataset import Operation
from gql_service.catalog.json_text import canonical, parse
from gql_service.catalog.recipe_content import RecipeContent
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.errors import Invalid, NotFound
from gql_service.versions.content import AnnotationContent, AnnotationPut, Row, annotation_content
from gql_service.versions.draft import Draft, open_draft
from gql_service.versions.given import GIVEN_NOTHING, Given, Nothing, Outcome

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """A label to put on an item. JSON values are plain Python values, not yet checked."""

    type: AnnotationType
    label: str
    coordinates: Any = None
    attributes: Any = None
    metadata: Any = field(default_factory=dict)
    status: AnnotationStatus | None = None


@dataclass(frozen=True, slots=True)
class AnnotationPatch:
    """What to change of an annotation; what is not given stays. `status` None clears it."""

    key: int
    label: str | Nothing = GIVEN_NOTHING
    coordinates: Given = GIVEN_NOTHING
    attributes: Given = GIVEN_NOTHING
    metadata: Given = GIVEN_NOTHING
    status: AnnotationStatus | Nothing | None = GIVEN_NOTHING


def add_annotations(
    tx: Tx,
    dataset: int,
    new: Sequence[tuple[int, NewAnnotation]],
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Adds annotations to items, given by key; the outcome has the new keys in the same order.

    Raises NotFound (dataset or item), Invalid, LabelUnknown, VersionMoved; then nothing is added.
    """
    draft = _draft(tx, dataset, expected_version, message)
    held = draft.items(sorted({item for item, _ in new}))
    for at, (item, _) in enumerate(new):
        if item not in held:
            raise NotFound(
                "There is no such item in the dataset", path=("annotations", at, "itemId")
            )
    keys = put_new(draft, [(item, one, ("annotations", at)) for at, (item, one) in enumerate(new)])
    return Outcome(draft.publish(), tuple(keys), added=len(keys))


def put_new(draft: Draft, new: Sequence[tuple[int, NewAnnotation, Path]]) -> list[int]:
    """Checks annotations against the dataset's recipe and adds them to a draft, under fresh keys.

    The path is where each one stands in the caller's input.
    """
    if not new:
        return []
    check = _Checks(draft.recipe_record().content)
    contents = [check.content(item, one, path) for item, one, path in new]
    keys = take_keys(draft.tx, len(new))
    draft.put_annotations(
        (AnnotationPut(key, key, content) for key, content in zip(keys, contents, strict=True)),
        fresh=True,
    )
    return keys


class _Checks:
    """Checks many new annotations against one recipe. Few labels stand for most of them."""

    def __init__(self, recipe: RecipeContent) -> None:
        self._recipe = recipe
        self._labels: dict[tuple[AnnotationType, str], str] = {}

    def content(self, item: int, new: NewAnnotation, path: Path) -> AnnotationContent:
        """The content to store. Raises Invalid and LabelUnknown."""
        label = self._labels.get((new.type, new.label))
        attributes = "{}"
        if label is None or new.attributes not in (None, {}):
            label, attributes = check_against_recipe(
                self._recipe, new.type, new.label, new.attributes, path
            )
            self._labels[new.type, new.label] = label
        return AnnotationContent(
            item,
            new.type.value,
            label,
            check_coordinates(new.type, new.coordinates, (*path, "coordinates")),
            attributes,
            canonical(new.metadata, (*path, "metadata"), object_only=True),
            new.status.value if new.status else None,
        )


def update_annotations(
    tx: Tx,
    dataset: int,
    patches: Sequence[AnnotationPatch],
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Changes annotations. Raises as `add_annotations`; one that is named twice is Invalid."""
    draft = _draft(tx, dataset, expected_version, message)
    _refuse_twice([patch.key for patch in patches], "annotations")
    held = draft.annotations([patch.key for patch in patches])
    recipe = draft.recipe_record().content
    puts = []
    for at, patch in enumerate(patches):
        row = held.get(patch.key)
        path: Path = ("annotations", at)
        if row is None:
            raise NotFound("There is no such annotation in the dataset", path=(*path, "id"))
        puts.append(AnnotationPut(row.key, row.root, _patched(recipe, row, patch, path)))
    draft.put_annotations(puts)
    changed = draft.tally.counters.annotations_modified
    return Outcome(draft.publish(), tuple(patch.key for patch in patches), updated=changed)


def delete_annotations(
    tx: Tx,
    dataset: int,
    keys: Collection[int],
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Outcome:
    """Removes annotations. Raises NotFound for one that is not there, VersionMoved."""
    draft = _draft(tx, dataset, expected_version, message)
    wanted = sorted(set(keys))
    if draft.annotations(wanted).keys() != set(wanted):
        raise NotFound("There is no such annotation in the dataset", path=("ids",))
    draft.remove_annotations(wanted)
    return Outcome(draft.publish(), tuple(wanted), removed=len(wanted))


def _draft(tx: Tx, dataset: int, expected_version: int | None, message: str | None) -> Draft:
    return open_draft(
        tx, dataset, Operation.ANNOTATE, expected_version=expected_version, message=message
    )


def _patched(
    recipe: RecipeContent, row: Row, patch: AnnotationPatch, path: Path
) -> AnnotationContent:
    content = annotation_content(row)
    shape = AnnotationType(row.type)
    if not (isinstance(patch.label, Nothing) and isinstance(patch.attributes, Nothing)):
        label = row.label if isinstance(patch.label, Nothing) else patch.label
        given = patch.attributes
        attributes = parse(row.attributes) if isinstance(given, Nothing) else given
        label, text = check_against_recipe(recipe, shape, label, attributes, path)
        content = replace(content, label=label, attributes=text)
    if not isinstance(patch.coordinates, Nothing):
        text = check_coordinates(shape, patch.coordinates, (*path, "coordinates"))
        content = replace(content, coordinates=text)
    if not isinstance(patch.metadata, Nothing):
        text = canonical(patch.metadata, (*path, "metadata"), object_only=True)
        content = replace(content, metadata=text)
    if not isinstance(patch.status, Nothing):
        status = patch.status.value if patch.status else None
        content = replace(content, status=status, status_known=True)
    return content


def _refuse_twice(keys: Sequence[int], argument: str) -> None:
    seen: set[int] = set()
    for at, key in enumerate(keys):
        if key in seen:
            raise Invalid("Named twice in one change", path=(argument, at, "id"))
        seen.add(key)
