"""Items: add over stored bytes, change, move, delete; each call is one version."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.inputs.items import (
    AddItem,
    AddItemsInput,
    DeleteItemsInput,
    MoveItemsInput,
    UpdateItemsInput,
    added,
)
from gql_service.api.inputs.selectors import (
    MOST_SELECTED,
    ItemSelection,
    dataset_key,
    message_of,
    selection_of,
    spelt,
)
from gql_service.api.mutations.answers import INPUT, DatasetChange, ItemsAdded, items_added
from gql_service.api.mutations.stored import stored_bytes
from gql_service.api.once import OUTCOME, write_once
from gql_service.api.types.enums import Permission
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.item_path import clean_directory, clean_path, name_of, under
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded
from gql_service.versions.content import items_by_key
from gql_service.versions.given import GIVEN_NOTHING, Outcome
from gql_service.versions.items import (
    ItemPatch,
    NewItem,
    add_items,
    delete_items,
    move_items,
    update_items,
)
from gql_service.versions.locking import lock_dataset
from gql_service.versions.selection import Selection, selected_keys


@strawberry.type(description="The items were added, or skipped where `mode` says so.")
class AddItemsSuccess(ItemsAdded):
    pass


@strawberry.type(description="The selected items are as asked for.")
class UpdateItemsSuccess(DatasetChange):
    updated: int = strawberry.field(description="How many items changed.")


@strawberry.type(description="The selected items are where they were to go.")
class MoveItemsSuccess(DatasetChange):
    moved: int = strawberry.field(description="How many items have another path now.")


@strawberry.type(description="The selected items are gone from the head; history keeps them.")
class DeleteItemsSuccess(DatasetChange):
    deleted: int = strawberry.field(description="How many items were removed.")


AddItemsResult = Annotated[
    AddItemsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("AddItemsResult", description="The items, or why none were added."),
]
UpdateItemsResult = Annotated[
    UpdateItemsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("UpdateItemsResult", description="The change, or why there is none."),
]
MoveItemsResult = Annotated[
    MoveItemsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("MoveItemsResult", description="The change, or why there is none."),
]
DeleteItemsResult = Annotated[
    DeleteItemsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("DeleteItemsResult", description="The change, or why there is none."),
]


@strawberry.type
class ItemMutations:
    @mutation(
        description="Adds items over bytes that are stored already, with metadata and annotations. "
        "For developers and owners. Fails with NOT_FOUND for bytes that the viewer cannot see and "
        "for uploads that are not theirs or not complete, "
        "with VERSION_MOVED, with DATASET_LOCKED, and with LABEL_UNKNOWN."
    )
    async def add_items(self, info: Info, input: Annotated[AddItemsInput, INPUT]) -> AddItemsResult:
        dataset = dataset_key(input.dataset_id)
        message = message_of(input.message)
        if len(input.items) > MOST_SELECTED:
            raise LimitExceeded(f"At most {MOST_SELECTED:,} items can be added", path=("items",))

        def add(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.WRITE)
            return add_items(
                tx,
                dataset,
                _new_items(tx, input.items),
                mode=input.mode,
                expected_version=input.expected_version,
                message=message,
            )

        return items_added(AddItemsSuccess, dataset, await write_once(info, input, OUTCOME, add))

    @mutation(
        description="Changes metadata, description or visibility of the selected items. For "
        "developers and owners. Fails with VERSION_MOVED and DATASET_LOCKED."
    )
    async def update_items(
        self, info: Info, input: Annotated[UpdateItemsInput, INPUT]
    ) -> UpdateItemsResult:
        dataset = dataset_key(input.dataset_id)
        selection = _selection(dataset, input.selection)
        message = message_of(input.message)
        patch = ItemPatch(
            metadata=GIVEN_NOTHING if input.metadata is None else input.metadata,
            description=GIVEN_NOTHING if input.description is None else input.description or None,
            hidden=GIVEN_NOTHING if input.hidden is None else input.hidden,
        )

        def update(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.WRITE)
            with spelt("ids", "selection", "ids"):
                return update_items(
                    tx,
                    dataset,
                    selection,
                    patch,
                    expected_version=input.expected_version,
                    message=message,
                )

        done = await write_once(info, input, OUTCOME, update)
        return UpdateItemsSuccess(key=dataset, made=done.version, updated=done.updated)

    @mutation(
        description="Moves the selected items into a directory, or one item to a new path; items "
        "keep their keys and annotations. For developers and owners. Fails with PATH_TAKEN, "
        "VERSION_MOVED and DATASET_LOCKED."
    )
    async def move_items(
        self, info: Info, input: Annotated[MoveItemsInput, INPUT]
    ) -> MoveItemsResult:
        dataset = dataset_key(input.dataset_id)
        selection = _selection(dataset, input.selection)
        message = message_of(input.message)
        if (input.directory is None) == (input.path is None):
            raise Invalid("Give exactly one of directory and path", path=("directory",))
        directory = None
        if input.directory is not None:
            directory = clean_directory(input.directory, ("directory",))
        path = None if input.path is None else clean_path(input.path, ("path",))

        def move(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.WRITE)
            moves = _moves(tx, dataset, selection, directory, path)
            with spelt("path", "directory" if path is None else "path"):
                return move_items(
                    tx, dataset, moves, expected_version=input.expected_version, message=message
                )

        done = await write_once(info, input, OUTCOME, move)
        return MoveItemsSuccess(key=dataset, made=done.version, moved=done.updated)

    @mutation(
        description="Removes the selected items with their annotations; history keeps both. For "
        "developers and owners. Fails with VERSION_MOVED and DATASET_LOCKED."
    )
    async def delete_items(
        self, info: Info, input: Annotated[DeleteItemsInput, INPUT]
    ) -> DeleteItemsResult:
        dataset = dataset_key(input.dataset_id)
        selection = _selection(dataset, input.selection)
        message = message_of(input.message)

        def delete(tx: Tx) -> Outcome:
            require_dataset(tx, dataset, Permission.WRITE)
            with spelt("ids", "selection", "ids"):
                return delete_items(
                    tx,
                    dataset,
                    selection,
                    expected_version=input.expected_version,
                    message=message,
                )

        done = await write_once(info, input, OUTCOME, delete)
        return DeleteItemsSuccess(key=dataset, made=done.version, deleted=done.removed)


def _selection(dataset: int, asked: ItemSelection) -> Selection:
    selection = selection_of(dataset, asked, ("selection",))
    assert selection is not None, "a selection of nothing"
    return selection


def _moves(
    tx: Tx, dataset: int, selection: Selection, directory: str | None, path: str | None
) -> dict[int, str]:
    """The new path of every selected item, in the dataset as it stays until the commit."""
    view = open_view(tx, dataset, lock_dataset(tx, dataset))
    with spelt("ids", "selection", "ids"):
        keys = selected_keys(tx, view, selection)
    if path is not None:
        if len(keys) != 1:
            raise Invalid(
                f"A path is for one item, and {len(keys):,} are selected", path=("selection",)
            )
        return {keys[0]: path}
    rows = items_by_key(tx, view, keys)
    return {
        key: under(directory or "/", "/" + name_of(rows[key].path), ("directory",)) for key in keys
    }


def _new_items(tx: Tx, items: list[AddItem]) -> list[NewItem]:
    return [
        NewItem(
            path=item.path,
            binary=binary,
            metadata=item.metadata,
            description=item.description,
            annotations=tuple(map(added, item.annotations or ())),
        )
        for item, binary in zip(items, stored_bytes(tx, items), strict=True)
    ]
