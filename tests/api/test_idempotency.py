"""Mutations under an idempotency key: a retry does nothing more, and is told what was done.

Seeded bugs that turned these red: the key claimed, the work done and the result stored in three
transactions; a look for the key before it is inserted, and a claim after the work (on PostgreSQL);
the digest not compared; fields digested in the order in which they came; the mutation or the user
left out of the key; a claim that never ends, that any retry renews, or that is renewed without its
moment or its digest; the work run again; the key stored as it is; the text of a token stored and
told again; a key checked only when the bytes are stored; 200 characters refused; a version or a
recipe told to one who has left.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from strawberry import ID, Some

from gql_service.api.inputs.filters import ItemWhere
from gql_service.api.inputs.items import DeleteItemsInput
from gql_service.api.inputs.operators import JsonFilter
from gql_service.api.inputs.selectors import ItemSelection
from gql_service.api.once import input_digest
from gql_service.api.schema import schema
from gql_service.database.engine import Database
from gql_service.vault.contract import Vault
from tests.api.client import Client, document
from tests.api.conftest import Census
from tests.api.retries import CALLS, CONFLICT, at_once, refusal
from tests.api.shelf import BOX, Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

DAY = timedelta(hours=24)
MOMENT = timedelta(microseconds=1)
KEYS = "idempotency_keys"


def test_every_mutation_of_the_schema_is_tried() -> None:
    mutation = schema._schema.mutation_type
    assert mutation is not None and set(CALLS) == set(mutation.fields)


@pytest.mark.exhaustive
@ON_SQLITE
@pytest.mark.parametrize("mutation", CALLS)
def test_a_mutation_is_done_once_under_a_key(
    ada: Client,
    bob: Client,
    shelf: Shelf,
    census: Census,
    vault: Vault,
    clock: SetClock,
    mutation: str,
) -> None:
    call = CALLS[mutation]
    input = call.prepare(ada, shelf) | {"idempotencyKey": "key"}
    first = call.send(ada, mutation, **input)
    assert first["__typename"].endswith("Success"), first
    rows, objects = census(), set(vault.keys())
    assert rows[KEYS] == 1
    clock.advance(DAY - MOMENT)

    again = call.send(ada, mutation, **input)
    other = call.send(ada, mutation, **{**input, **call.other})

    if call.repeatable:
        assert again == first
    else:
        assert refusal(again) == CONFLICT and "shown" in again["message"]
        assert first["text"] not in str(again)
    assert refusal(other) == CONFLICT
    assert without_journal(census()) == without_journal(rows)
    assert set(vault.keys()) == objects


def without_journal(rows: dict[str, int]) -> dict[str, int]:
    """The journal keeps what an upload was given up under, until a sweep."""
    return {table: count for table, count in rows.items() if table != "blob_keys"}


def test_after_a_day_the_key_is_free(
    ada: Client, shelf: Shelf, census: Census, clock: SetClock
) -> None:
    marks = {"datasetId": shelf.dataset, "annotations": [{"itemId": shelf.items[1], **BOX}]}
    number = "version { number }"
    first = ada.change("addAnnotations", number, **marks, idempotencyKey="key")
    clock.advance(DAY)
    other = {**marks, "message": "another input"}
    second = ada.change("addAnnotations", number, **other, idempotencyKey="key")
    again = ada.change("addAnnotations", number, **other, idempotencyKey="key")
    assert [done["version"]["number"] for done in (first, second, again)] == [3, 4, 4]
    clock.advance(DAY - MOMENT)  # counted anew
    assert ada.refused("addAnnotations", **marks, idempotencyKey="key") == CONFLICT
    assert census()[KEYS] == 1


@ON_SQLITE
def test_keys_of_other_users_and_other_mutations_are_others(
    ada: Client, bob: Client, census: Census
) -> None:
    def create(client: Client, name: str) -> Any:
        return client.change("createProject", "project { id }", name=name, idempotencyKey="key")

    adas, bobs = create(ada, "one"), create(bob, "two")
    assert (create(ada, "one"), create(bob, "two")) == (adas, bobs) and adas != bobs
    project = adas["project"]["id"]
    ada.change("createRecipe", projectId=project, title="t", idempotencyKey="key")
    ada.change("updateProject", projectId=project, name="three", idempotencyKey="key")
    ada.change("createProject", name="four", idempotencyKey="Key")
    ada.change("createProject", name="five", idempotencyKey="key ")
    rows = census()
    assert (rows["projects"], rows["recipes"], rows[KEYS]) == (4, 1, 6)


@ON_SQLITE
def test_without_a_key_nothing_is_remembered(ada: Client, shelf: Shelf, census: Census) -> None:
    marks = {"datasetId": shelf.dataset, "annotations": [{"itemId": shelf.items[1], **BOX}]}
    for key in ({}, {"idempotencyKey": None}):
        ada.change("addAnnotations", **marks, **key)
    rows = census()
    assert rows["annotation_states"] == 3 + 2 and rows[KEYS] == 0


def test_a_refused_attempt_leaves_the_key_free(ada: Client, shelf: Shelf, census: Census) -> None:
    clone = {"datasetId": shelf.dataset, "name": "copy", "idempotencyKey": "key"}
    before = census()
    assert ada.refused("cloneDataset", **clone, expectedVersion=1)[0] == "VERSION_MOVED"
    assert ada.refused("cloneDataset", **{**clone, "name": "pets"})[0] == "NAME_TAKEN"
    assert census() == before
    done = ada.change("cloneDataset", "dataset { id }", **clone)
    assert ada.change("cloneDataset", "dataset { id }", **clone) == done


@ON_SQLITE
@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "INVALID"),
        ("k" * 201, "LIMIT_EXCEEDED"),
        ("line\nbreak", "INVALID"),
        ("\x00", "INVALID"),
        ("\ud800", "INVALID"),
    ],
)
def test_a_key_that_is_none_is_refused(
    ada: Client, shelf: Shelf, census: Census, vault: Vault, key: str, code: str
) -> None:
    before, objects = census(), set(vault.keys())
    wrong = (code, ["idempotencyKey"])
    assert ada.refused("createProject", name="p", idempotencyKey=key) == wrong
    assert refusal(ada.upload(shelf.dataset, [("x", b"x")], idempotencyKey=key)) == wrong
    assert (census(), set(vault.keys())) == (before, objects)


@ON_SQLITE
def test_the_longest_key_is_taken_and_none_is_stored(ada: Client, database: Database) -> None:
    key = "🔑" * 200
    ada.change("createProject", name="secret name", idempotencyKey=key)
    with database.read() as tx:
        (row,) = tx.connection.exec_driver_sql(f"SELECT * FROM {KEYS}").all()
    assert "🔑" not in str(row) and "secret" not in str(row)


@ON_SQLITE
def test_the_same_input_may_be_spelt_otherwise(ada: Client, shelf: Shelf) -> None:
    given = {"datasetId": shelf.dataset, "idempotencyKey": "key"}
    select = {"selection": {"where": {"metadata": [{"path": ["number"], "eq": 1}]}}}
    first = ada.change(
        "updateItems", "version { number }", metadata={"a": 1, "b": None}, **given, **select
    )
    spelt = {"metadata": {"b": None, "a": 1}, "message": None, "hidden": None}
    assert ada.change("updateItems", "version { number }", **spelt, **given, **select) == first
    for wrong in ({"metadata": {"a": 1}}, {"metadata": {"a": "1", "b": None}}):
        assert ada.refused("updateItems", **{**spelt, **wrong}, **given, **select) == CONFLICT


def test_a_condition_on_null_is_not_one_that_is_left_out() -> None:
    def digest(condition: JsonFilter) -> str:
        where = ItemWhere(metadata=[condition])
        return input_digest(
            DeleteItemsInput(dataset_id=ID("ds_1"), selection=ItemSelection(where=Some(where)))
        )

    null, nothing = JsonFilter(path=["a"], eq=Some(None)), JsonFilter(path=["a"])
    assert len({digest(null), digest(nothing), digest(JsonFilter(path=[], eq=Some(None)))}) == 3


@ON_SQLITE
def test_a_default_may_be_given_or_left_out(ada: Client, shelf: Shelf) -> None:
    clone = {"datasetId": shelf.dataset, "name": "copy", "idempotencyKey": "key"}
    first = ada.change("cloneDataset", "dataset { id }", **clone)
    assert ada.change("cloneDataset", "dataset { id }", **clone, allowMany=False) == first
    assert ada.refused("cloneDataset", **clone, allowMany=True) == CONFLICT


@ON_SQLITE
def test_a_retry_may_select_other_fields_and_shows_what_is_there_now(
    ada: Client, shelf: Shelf
) -> None:
    marks = {
        "datasetId": shelf.dataset,
        "annotations": [{"itemId": shelf.items[1], **BOX}],
        "idempotencyKey": "key",
    }
    first = ada.change("addAnnotations", "annotations { id }", **marks)["annotations"][0]["id"]
    ada.change(
        "updateAnnotations", datasetId=shelf.dataset, annotations=[{"id": first, "label": "cat"}]
    )
    fields = "version { number } dataset { head { number } } annotations { id label }"
    again = ada.change("addAnnotations", fields, **marks)
    assert again["version"] == {"number": 3}
    assert again["dataset"] == {"head": {"number": 4}}
    assert again["annotations"] == [{"id": first, "label": "cat"}]


ABOUT_A_PROJECT = set(CALLS) - {"createProject", "deleteProject", "createUser", "createToken"}
ONLY_AN_ID = {"deleteDataset", "deleteRecipe", "deleteTag"}
HIDDEN = sorted(ABOUT_A_PROJECT - ONLY_AN_ID - {"revokeToken", "removeMember"})


@pytest.mark.exhaustive
@ON_SQLITE
@pytest.mark.parametrize("mutation", HIDDEN)
def test_a_retry_shows_nothing_that_the_caller_may_not_see_any_more(
    ada: Client, bob: Client, shelf: Shelf, mutation: str
) -> None:
    call = CALLS[mutation]
    input = call.prepare(ada, shelf) | {"idempotencyKey": "key"}
    owner = {"projectId": shelf.project, "userId": "us_2", "role": "OWNER"}
    if mutation != "addMember":
        ada.change("addMember", **owner)
    call.send(ada, mutation, **input)
    if mutation == "addMember":
        ada.change("updateMember", **owner)
    bob.change("removeMember", projectId=shelf.project, userId="us_1")

    if mutation == "uploadItems":
        assert call.send(ada, mutation, **input)["code"] == "NOT_FOUND"
        return
    answer = ada.answer(document(mutation, call.fields), input=input)
    assert codes(answer, mutation) == {"NOT_FOUND"}
    if "version" in call.fields:
        answer = ada.answer(document(mutation, "version { number }"), input=input)
        assert answer["data"][mutation]["version"] is None
        assert codes(answer, mutation) == {"NOT_FOUND"}


def codes(answer: Any, mutation: str) -> set[str]:
    """Why there is nothing to see: at the top, or as the answer of the mutation."""
    if "errors" in answer:
        return {error["extensions"]["code"] for error in answer["errors"]}
    return {answer["data"][mutation].get("code", answer["data"][mutation]["__typename"])}


def test_requests_at_once_under_one_key_are_one(ada: Client, shelf: Shelf, census: Census) -> None:
    marks = {"datasetId": shelf.dataset, "annotations": [{"itemId": shelf.items[1], **BOX}]}
    before = census()["annotation_states"]
    for turn in range(5):
        key = f"key {turn}"
        answers = at_once(
            lambda key=key: ada.attempt("addAnnotations", MADE, **marks, idempotencyKey=key)
        )
        assert answers[0]["__typename"] == "AddAnnotationsSuccess", answers
        assert all(answer == answers[0] for answer in answers)
        assert census()["annotation_states"] == before + turn + 1


MADE = "version { number } annotations { id }"


@ON_SQLITE
def test_a_document_may_use_one_key_for_mutations_of_several_names(
    ada: Client, census: Census
) -> None:
    made = "{ ... on CreateProjectSuccess { project { id } } ... on Error { code path } }"
    document = f"""mutation ($key: String!) {{
      a: createProject(input: {{name: "p", idempotencyKey: $key}}) {made}
      b: createProject(input: {{name: "p", idempotencyKey: $key}}) {made}
      c: createProject(input: {{name: "q", idempotencyKey: $key}}) {made} }}"""
    answer = ada.run(document, key="key")
    assert answer["a"] == answer["b"]
    assert refusal(answer["c"]) == CONFLICT
    assert census()["projects"] == 1
