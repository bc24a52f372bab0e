"""A small world for questions of rights: two projects with one of everything, and who asks.

`home` is the project in which callers have roles, `away` one that none of them knows of. Both are
filled alike, so that an id in the one can stand for the same in the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gql_service.catalog.permission import TokenScope
from gql_service.catalog.user import create_token, create_user, tokens_of, user_by_email
from gql_service.database.engine import Database, Tx
from tests.api.client import Client, Http
from tests.api.shelf import BOX

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c494441"
    "54789c63606060000000040001f61738550000000049454e44ae426082"
)
"""One pixel; with words behind it, it is another picture, of which there are thumbnails as well."""

ROLES = ("OWNER", "DEVELOPER", "ANNOTATION_MANAGER", "ANNOTATOR", "VIEWER")
STRANGER, ADMIN = "STRANGER", "ADMIN"
CALLERS = (*ROLES, STRANGER, ADMIN)
"""Members of `home` by their roles, a user who is none, and an admin who is none either."""

SCOPES: Mapping[str, frozenset[str]] = {
    "WHOLE": frozenset({"READ", "ANNOTATE", "WRITE", "ADMIN"}),
    "HERE": frozenset({"READ", "ANNOTATE", "WRITE", "ADMIN"}),
    "ELSEWHERE": frozenset({"READ", "ANNOTATE", "WRITE", "ADMIN"}),
    **{f"ONLY {scope.value}": frozenset({scope.value}) for scope in TokenScope},
}
"""Tokens that work. HERE is bound to `home`, ELSEWHERE to another project of the caller."""

DEAD = ("NONE", "UNKNOWN", "EXPIRED", "REVOKED")
"""Tokens that do not."""

LABELS = [{"name": "dog"}, {"name": "cat"}]
SHA_OF_NOTHING = "0" * 64
ABSENT = {
    "project": "pr_999",
    "user": "us_999",
    "token": "to_999",
    "job": "jo_999",
    "sha256": SHA_OF_NOTHING,
    "binary": f"bi_{SHA_OF_NOTHING}",
    "recipe": "re_999",
    "dataset": "ds_999",
    "item": "it_999_1",
    "item key": "1",
    "annotation": "an_999_1",
    "version": "ve_999_1",
    "tag": "ta_999",
    "upload": "up_" + "0" * 32,
}
"""Ids of every kind that nothing has."""

_FIELDS = "{ id items { nodes { id annotations { nodes { id } } binary { id sha256 } } } }"


@dataclass(frozen=True)
class World:
    """What there is, by name: see `_fill`. `tokens` are texts, by caller and name."""

    home: dict[str, str]
    away: dict[str, str]
    tokens: dict[tuple[str, str], str]
    spare: dict[str, str]
    """The id of a token that each caller has besides."""
    uploads: dict[str, str]
    """The id of a complete upload of each caller."""

    def thing(self, name: str, whose: str, caller: str) -> str:
        """The id of a thing: `own`, `foreign` or `absent`. Names are a kind, or end in one."""
        if whose == "absent":
            return ABSENT[name.rpartition("/")[2]]
        if name == "token":
            return self.spare[caller] if whose == "own" else self.spare["EVE"]
        if name == "upload":
            return self.uploads[caller if whose == "own" else "EVE"]
        return (self.home if whose == "own" else self.away)[name]

    def client(self, http: Http, caller: str, token: str = "WHOLE") -> Client:
        return Client(http, self.tokens.get((caller, token)))


def build_world(http: Http, database: Database) -> World:
    """Fills an empty service; the first user is the admin."""
    people = (ADMIN, *ROLES, STRANGER, "COLLEAGUE", "EVE")
    tokens = {(name, "WHOLE"): database.write(_signing_up(name)) for name in people}
    clients = {name: Client(http, tokens[name, "WHOLE"]) for name in people}
    home, away = _fill(clients["OWNER"], "home"), _fill(clients["EVE"], "away")
    third = _project(clients[STRANGER], "third")
    for caller in CALLERS:
        email = f"{caller}@example.org"
        if caller in ROLES[1:]:
            for project in (home["project"], home["bare/project"]):
                clients["OWNER"].change("addMember", projectId=project, email=email, role=caller)
        if caller != STRANGER:
            clients[STRANGER].change("addMember", projectId=third, email=email, role="OWNER")
    mine = {"projectId": home["project"], "email": "COLLEAGUE@example.org"}
    clients["OWNER"].change("addMember", **mine, role="VIEWER")
    home["user"], away["user"] = (_user_id(clients[name]) for name in ("COLLEAGUE", "EVE"))
    reaches = {
        "HERE": [int(home[name][3:]) for name in ("project", "bare/project")],
        "ELSEWHERE": [int(third[3:])],
    }
    for caller in CALLERS:
        for name, scopes in SCOPES.items():
            if name != "WHOLE":
                making = _making(caller, name, scopes, reaches.get(name))
                tokens[caller, name] = database.write(making)
    for name in ("EXPIRED", "REVOKED"):
        tokens["OWNER", name] = database.write(_dying(name))
    tokens["OWNER", "UNKNOWN"] = "gqls_" + "x" * 43
    spare = {
        caller: clients[caller].change("createToken", "token { id }", name="spare")["token"]["id"]
        for caller in (*CALLERS, "EVE")
    }
    uploads = {caller: _uploaded(clients[caller]) for caller in (*CALLERS, "EVE")}
    return World(home, away, tokens, spare, uploads)


def _signing_up(name: str):  # type: ignore[no-untyped-def]
    def work(tx: Tx) -> str:
        return create_token(tx, create_user(tx, name, f"{name}@example.org"), "test")

    return work


def _making(caller: str, name: str, scopes: frozenset[str], reach: list[int] | None):  # type: ignore[no-untyped-def]
    def work(tx: Tx) -> str:
        user = user_by_email(tx, f"{caller}@example.org")
        assert user is not None
        return create_token(
            tx, user.id, name, scopes=[TokenScope(scope) for scope in scopes], projects=reach
        )

    return work


def _dying(name: str):  # type: ignore[no-untyped-def]
    """A token of the owner's that has ended, or will have in a minute."""

    def work(tx: Tx) -> str:
        user = user_by_email(tx, "OWNER@example.org")
        assert user is not None
        text = create_token(tx, user.id, name, tx.now + timedelta(seconds=30))
        if name == "REVOKED":
            from_now = tokens_of(tx, user.id)[-1]
            tx.connection.exec_driver_sql(
                f"UPDATE tokens SET revoked_at = created_at, expires_at = NULL"
                f" WHERE id = {from_now.id}"
            )
        return text

    return work


def _uploaded(client: Client) -> str:
    path = "/uploads/file.txt"
    answer = client.http.request("PUT", path, content=b"uploaded", headers=client.headers)
    id: str = answer.json()["id"]
    return id


def _user_id(client: Client) -> str:
    found: str = client.run("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    return found


def _project(client: Client, name: str) -> str:
    made: str = client.change("createProject", "project { id }", name=name)["project"]["id"]
    return made


def _fill(client: Client, name: str) -> dict[str, str]:
    """One of everything. Things are called by their kind; `locked/dataset` is another one."""
    things = {"project": _project(client, name), "bare/project": _project(client, f"{name} bare")}
    project = {"projectId": things["project"]}
    for title in ("", "spare/"):
        recipe = client.change(
            "createRecipe", "recipe { id }", **project, title=f"{title}pets", labels=LABELS
        )
        things[f"{title}recipe"] = recipe["recipe"]["id"]
    for what in ("", "other/", "locked/", "deleted/"):
        made = client.change(
            "createDataset",
            "dataset { id }",
            **project,
            name=f"{what}{name}",
            recipeId=things["recipe"],
        )
        things[f"{what}dataset"] = made["dataset"]["id"]
        _put_items(client, made["dataset"]["id"], f"{name} {what}")
    _look_up(client, things)
    things |= _disputed(client, things, name)
    tag = client.change("tagVersion", "tag { id }", datasetId=things["dataset"], name="first")
    client.change("declareMetadataIndex", datasetId=things["dataset"], path=["first"])
    things["tag"] = tag["tag"]["id"]
    client.change("deleteItems", datasetId=things["dataset"], selection=_one(things["gone/item"]))
    client.change("lockDataset", datasetId=things["locked/dataset"])
    client.change("deleteDataset", datasetId=things["deleted/dataset"])
    return things


def _put_items(client: Client, dataset: str, words: str) -> None:
    files = [
        {
            "name": f"{number}.txt",
            "content": PICTURE + f"{words} {number}".encode(),
            "annotations": [BOX],
        }
        for number in range(3)
    ]
    done = client.upload(dataset, files)
    assert done["__typename"] == "UploadItemsSuccess", done


def _look_up(client: Client, things: dict[str, str]) -> None:
    query = "query ($id: ID!) { dataset(by: {id: $id}) " + _FIELDS + " }"
    items = client.run(query, id=things["dataset"])["dataset"]["items"]["nodes"]
    things["item"], things["gone/item"] = items[0]["id"], items[2]["id"]
    things["item key"] = things["item"].rpartition("_")[2]
    things["annotation"] = items[0]["annotations"]["nodes"][0]["id"]
    things["binary"], things["sha256"] = items[0]["binary"]["id"], items[0]["binary"]["sha256"]
    things["version"] = things["dataset"].replace("ds", "ve") + "_2"


def _disputed(client: Client, things: dict[str, str], name: str) -> dict[str, str]:
    """A merge of two that changed the same, and its job."""
    copy = client.change(
        "cloneDataset", "dataset { id }", datasetId=things["dataset"], name=f"copy of {name}"
    )["dataset"]["id"]
    for dataset, word in ((things["dataset"], "left"), (copy, "right")):
        client.change(
            "updateItems",
            datasetId=dataset,
            selection={"where": {"name": {"eq": "0.txt"}}},
            description=f"{word} of {name}",
        )
    merged = client.change(
        "mergeDatasets",
        "job { id } dataset { id } report { conflicts { totalCount } }",
        name=f"merge of {name}",
        datasetIds=[things["dataset"], copy],
    )
    assert merged["report"]["conflicts"]["totalCount"] == 1
    return {
        "copy/dataset": copy,
        "disputed/dataset": merged["dataset"]["id"],
        "job": merged["job"]["id"],
    }


def _one(item: str) -> dict[str, list[str]]:
    return {"ids": [item]}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
