"""One call of every mutation, each of which would do or answer something else when done twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from threading import Barrier
from typing import Any

from tests.api.client import Client
from tests.api.shelf import BOX, Shelf

Input = dict[str, Any]
CONFLICT = ("IDEMPOTENCY_CONFLICT", ["idempotencyKey"])


@dataclass(frozen=True)
class Call:
    """`prepare` makes what the call is about and returns its input; `other` makes it another."""

    fields: str
    prepare: Callable[[Client, Shelf], Input]
    other: Mapping[str, Any]
    repeatable: bool = True

    def send(self, client: Client, mutation: str, **input: Any) -> Any:
        if mutation == "uploadItems":
            return client.upload(input.pop("datasetId"), input.pop("files"), self.fields, **input)
        return client.attempt(mutation, self.fields, **input)


def _about(kind: str, **input: Any) -> Callable[[Client, Shelf], Input]:
    """A call about what is on the shelf: its `project`, `recipe` or `dataset`."""
    return lambda _ada, shelf: {f"{kind}Id": getattr(shelf, kind), **input}


def _empty_project(ada: Client, _shelf: Shelf) -> Input:
    return {"projectId": ada.change("createProject", "project { id }", name="e")["project"]["id"]}


def _member(**input: Any) -> Callable[[Client, Shelf], Input]:
    def prepare(ada: Client, shelf: Shelf) -> Input:
        user = ada.change("createUser", "user { id }", name="Eve", email="eve@example.org")
        member = {"projectId": shelf.project, "userId": user["user"]["id"]}
        ada.change("addMember", **member, role="VIEWER")
        return {**member, **input}

    return prepare


def _token(ada: Client, _shelf: Shelf) -> Input:
    return {"tokenId": ada.change("createToken", "token { id }", name="old")["token"]["id"]}


def _second_recipe(ada: Client, shelf: Shelf) -> Input:
    done = ada.change("cloneRecipe", "recipe { id }", recipeId=shelf.recipe, title="Second")
    return {"recipeId": done["recipe"]["id"]}


def _deleted_dataset(ada: Client, shelf: Shelf) -> Input:
    ada.change("deleteDataset", datasetId=shelf.dataset)
    return {"datasetId": shelf.dataset}


def _new_recipe_of_dataset(ada: Client, shelf: Shelf) -> Input:
    return {"datasetId": shelf.dataset, **_second_recipe(ada, shelf)}


def _files(_ada: Client, shelf: Shelf) -> Input:
    return {"datasetId": shelf.dataset, "files": [("new.txt", b"new"), ("twin.txt", b"shelf 0")]}


def _stored(_ada: Client, shelf: Shelf) -> Input:
    item = {"sha256": sha256(b"shelf 0").hexdigest(), "path": "/again.txt", "annotations": [BOX]}
    return {"datasetId": shelf.dataset, "items": [item]}


def _selected(**input: Any) -> Callable[[Client, Shelf], Input]:
    return lambda _ada, shelf: {
        "datasetId": shelf.dataset,
        "selection": {"ids": list(shelf.items[:2])},
        **input,
    }


def _marks(_ada: Client, shelf: Shelf) -> Input:
    return {"datasetId": shelf.dataset, "annotations": [{"itemId": shelf.items[1], **BOX}]}


def _marks_to_change(_ada: Client, shelf: Shelf) -> Input:
    change = {"id": shelf.annotations[0], "metadata": {"b": [1.0, None], "a": "é"}}
    return {"datasetId": shelf.dataset, "annotations": [change]}


def _marks_to_delete(_ada: Client, shelf: Shelf) -> Input:
    return {"datasetId": shelf.dataset, "ids": list(shelf.annotations[:1])}


def _two_datasets(ada: Client, shelf: Shelf) -> Input:
    copy = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="copy")
    return {"name": "merged", "datasetIds": [shelf.dataset, copy["dataset"]["id"]]}


def _tag(ada: Client, shelf: Shelf) -> Input:
    input = {"datasetId": shelf.dataset, "name": "v1"}
    ada.change("tagVersion", **input)
    return input


def _index(ada: Client, shelf: Shelf) -> Input:
    input = {"datasetId": shelf.dataset, "path": ["a"]}
    ada.change("declareMetadataIndex", **input)
    return input


def _locked_dataset(ada: Client, shelf: Shelf) -> Input:
    ada.change("lockDataset", datasetId=shelf.dataset)
    return {"datasetId": shelf.dataset}


def _conflict(ada: Client, shelf: Shelf) -> Input:
    """A merge of two that say something else about the same item."""
    input = _two_datasets(ada, shelf)
    for number, dataset in enumerate(input["datasetIds"]):
        given = {"selection": {"where": {}}, "metadata": {"number": number + 10}}
        ada.change("updateItems", datasetId=dataset, **given)
    merged = ada.change("mergeDatasets", "dataset { id }", **input)["dataset"]["id"]
    return {"datasetId": merged, "resolutions": [{"position": 0, "choose": "LEFT"}]}


def _spoilt(ada: Client, shelf: Shelf) -> Input:
    ada.change("updateItems", datasetId=shelf.dataset, selection={"where": {}}, metadata={"a": 1})
    return {"datasetId": shelf.dataset, "to": {"number": 2}}


def _removed(ada: Client, shelf: Shelf) -> Input:
    gone = list(shelf.items[:2])
    ada.change("deleteItems", datasetId=shelf.dataset, selection={"ids": gone})
    return {"datasetId": shelf.dataset, "from": {"number": 2}, "ids": gone}


_VERSION = "version { number author { name } } dataset { head { number } itemsCount }"
_MEMBERS = "project { members { user { name } role } }"
_ITEMS = f"added skipped updated items {{ id path }} {_VERSION}"
_MARKS = f"annotations {{ id label }} {_VERSION}"
_LOCK = "dataset { id lock { reason createdAt creator { name } } }"
_JOB = "job { id finishedAt } dataset { id itemsCount } report { itemsCount annotationsCount }"

CALLS = {
    "createProject": Call("project { id name }", lambda *_: {"name": "p"}, {"name": "q"}),
    "updateProject": Call("project { name }", _about("project", name="p"), {"name": "q"}),
    "deleteProject": Call("projectId", _empty_project, {"projectId": "pr_99"}),
    "addMember": Call(
        _MEMBERS, _about("project", email="bob@example.org", role="VIEWER"), {"role": "OWNER"}
    ),
    "updateMember": Call(_MEMBERS, _member(role="ANNOTATOR"), {"role": "OWNER"}),
    "removeMember": Call(_MEMBERS, _member(), {"userId": "us_1"}),
    "createUser": Call(
        "user { id } text",
        lambda *_: {"name": "Eve", "email": "eve@example.org"},
        {"admin": True},
        repeatable=False,
    ),
    "createToken": Call(
        "token { id } text",
        lambda *_: {"name": "new", "expiresAt": "2030-01-01T00:00:00Z"},
        {"expiresAt": "2030-01-01T00:00:01Z"},
        repeatable=False,
    ),
    "revokeToken": Call("token { id name revokedAt }", _token, {"tokenId": "to_99"}),
    "createRecipe": Call("recipe { id title }", _about("project", title="t"), {"strict": False}),
    "updateRecipe": Call(
        "recipe { revision } removedLabels { label count }",
        _about("recipe", labels=[{"name": "dog"}]),
        {"labels": [{"name": "dog", "color": "#112233"}]},
    ),
    "cloneRecipe": Call("recipe { id title }", _about("recipe", title="t"), {"title": "u"}),
    "deleteRecipe": Call("recipeId", _second_recipe, {"recipeId": "re_1"}),
    "createDataset": Call(
        "dataset { id name }",
        lambda _, shelf: {"projectId": shelf.project, "recipeId": shelf.recipe, "name": "d"},
        {"message": "why"},
    ),
    "updateDataset": Call("dataset { name }", _about("dataset", name="d"), {"name": "e"}),
    "deleteDataset": Call("datasetId restorableUntil", _about("dataset"), {"datasetId": "ds_9"}),
    "restoreDataset": Call("dataset { id name }", _deleted_dataset, {"datasetId": "ds_9"}),
    "switchRecipe": Call(_VERSION, _new_recipe_of_dataset, {"expectedVersion": 2}),
    "uploadItems": Call(_ITEMS, _files, {"mode": "OVERWRITE"}),
    "addItems": Call(_ITEMS, _stored, {"items": []}),
    "updateItems": Call(
        f"updated {_VERSION}", _selected(metadata={"a": {"b": 1}}), {"metadata": {"a": {"b": 2}}}
    ),
    "moveItems": Call(f"moved {_VERSION}", _selected(directory="/to"), {"directory": "/else"}),
    "deleteItems": Call(
        f"deleted {_VERSION}", _selected(), {"selection": {"where": {"path": {"eq": "/x"}}}}
    ),
    "addAnnotations": Call(_MARKS, _marks, {"annotations": []}),
    "updateAnnotations": Call(f"updated {_MARKS}", _marks_to_change, {"annotations": []}),
    "deleteAnnotations": Call(f"deleted {_VERSION}", _marks_to_delete, {"ids": []}),
    "cloneDataset": Call(_JOB, _about("dataset", name="c"), {"withMetadata": False}),
    "tagVersion": Call(
        "tag { id name createdAt creator { name } } dataset { tags { id } }",
        _about("dataset", name="v1", golden=True, message="why", at={"number": 1}),
        {"at": {"number": 2}},
    ),
    "deleteTag": Call("tagId dataset { id tags { id } }", _tag, {"name": "v2"}),
    "declareMetadataIndex": Call(
        "dataset { metadataIndexes { path ready createdAt creator { name } } }",
        _about("dataset", path=["a", "b"]),
        {"path": ["a"]},
    ),
    "dropMetadataIndex": Call("dataset { metadataIndexes { path } }", _index, {"path": ["b"]}),
    "lockDataset": Call(_LOCK, _about("dataset", reason="frozen"), {"reason": "thawed"}),
    "unlockDataset": Call(_LOCK, _locked_dataset, {"datasetId": "ds_9"}),
    "mergeDatasets": Call(_JOB, _two_datasets, {"policy": "THREE_WAY"}),
    "resolveConflicts": Call(
        f"resolved open skipped {{ position reason }} {_VERSION}",
        _conflict,
        {"resolutions": [{"position": 0, "choose": "RIGHT"}]},
    ),
    "revertDataset": Call(
        f"report {{ recipeChanged to {{ id }} counts {{ itemsModified }} }} {_VERSION}",
        _spoilt,
        {"to": {"number": 1}},
    ),
    "restoreItems": Call(f"items {{ id path }} {_VERSION}", _removed, {"from": {"number": 1}}),
}


def refusal(answer: Any) -> tuple[str, list[str] | None]:
    return answer["code"], answer["path"]


def at_once(work: Any, count: int = 4) -> list[Any]:
    barrier = Barrier(count)

    def run() -> Any:
        barrier.wait(20)
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(run) for _ in range(count)]]
