"""Tokens: what their scopes and projects leave of what their user may do, and for how long."""

from __future__ import annotations

from datetime import timedelta

from tests.api.client import Client
from tests.api.conftest import Census
from tests.api.shelf import CAT, Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

TOKEN = "token { id name scopes projectIds expiresAt }"


def narrowed(client: Client, **input: object) -> Client:
    """Another token of the same user."""
    return Client(client.http, client.change("createToken", "text", name="narrow", **input)["text"])


@ON_SQLITE
def test_a_token_is_as_wide_as_the_one_that_made_it_and_lasts_90_days(ada: Client) -> None:
    made = ada.change("createToken", TOKEN, name="CI")["token"]
    assert made["scopes"] == ["READ", "ANNOTATE", "WRITE", "ADMIN"]
    assert (made["projectIds"], made["expiresAt"]) == (None, "2026-04-01T12:00:00Z")
    small = narrowed(ada, scopes=["ADMIN"])
    inherited = small.change("createToken", TOKEN, name="as small")["token"]
    assert inherited["scopes"] == ["ADMIN"]
    first = "{ viewer { token { name scopes projectIds expiresAt } } }"
    assert ada.run(first)["viewer"]["token"]["expiresAt"] is None


@ON_SQLITE
def test_a_token_never_makes_a_wider_one(ada: Client, shelf: Shelf, census: Census) -> None:
    small = narrowed(ada, scopes=["READ", "ADMIN"])
    bound = narrowed(ada, projectIds=[shelf.project])
    before = census()
    wider = {"name": "wider", "scopes": ["READ", "WRITE"]}
    assert small.refused("createToken", **wider) == ("FORBIDDEN", ["scopes", "1"])
    for scope in ("READ", "ANNOTATE", "WRITE"):
        one = narrowed(ada, scopes=[scope])
        assert one.refused("createToken", name="again", scopes=[scope])[0] == "FORBIDDEN"
    for refused in (
        bound.refused("createToken", name="for all"),
        bound.refused("createToken", name="for one", projectIds=[shelf.project]),
        bound.refused("createProject", name="new"),
        bound.refused("createUser", name="new", email="new@example.org"),
    ):
        assert refused[0] == "FORBIDDEN"
    after = census()
    assert {**after, "tokens": 0} == {**before, "tokens": 0}
    assert after["tokens"] == before["tokens"] + 3


@ON_SQLITE
def test_wrong_scopes_and_projects_are_refused(ada: Client, bob: Client, census: Census) -> None:
    project = bob.change("createProject", "project { id }", name="Bobs")["project"]["id"]
    before = census()
    new = {"name": "new"}
    assert ada.refused("createToken", **new, scopes=[]) == ("INVALID", ["scopes"])
    assert ada.refused("createToken", **new, projectIds=[]) == ("INVALID", ["projectIds"])
    for stranger in (project, "pr_999"):
        refused = ada.attempt("createToken", **new, projectIds=[stranger])
        assert (refused["code"], refused["path"]) == ("NOT_FOUND", ["projectIds", "0"])
    many = [project] * 101
    assert bob.refused("createToken", **new, projectIds=many) == ("LIMIT_EXCEEDED", ["projectIds"])
    assert ada.refused("createToken", **new, projectIds=["us_1"])[1] == ["projectIds", "0"]
    assert census() == before


@ON_SQLITE
def test_a_token_bound_to_projects_sees_no_other(ada: Client, shelf: Shelf) -> None:
    other = ada.change("createProject", "project { id }", name="other")["project"]["id"]
    bound = narrowed(ada, projectIds=[other])
    query = """query ($shelf: ID!, $other: ID!, $dataset: ID!) {
      projects { nodes { id } totalCount } datasets { totalCount }
      viewer { admin token { projectIds } here: roleIn(projectId: $other)
        there: roleIn(projectId: $shelf) tokens { name } }
      project(by: {id: $shelf}) { id } named: project(by: {name: "shelf"}) { id }
      dataset(by: {id: $dataset}) { id } node(id: $dataset) { id }
      items(datasetId: $dataset) { totalCount } recipes(projectId: $shelf) { totalCount } }"""
    given = {"shelf": shelf.project, "other": other, "dataset": shelf.dataset}
    assert bound.run(query, **given) == {
        "projects": {"nodes": [{"id": other}], "totalCount": 1},
        "datasets": {"totalCount": 0},
        "viewer": {
            "admin": False,
            "token": {"projectIds": [other]},
            "here": "OWNER",
            "there": None,
            "tokens": [{"name": "narrow"}],
        },
        **dict.fromkeys(("project", "named", "dataset", "node", "items", "recipes")),
    }
    assert bound.refused("updateProject", projectId=shelf.project, name="x")[0] == "NOT_FOUND"
    assert bound.change("updateProject", projectId=other, name="renamed")


@ON_SQLITE
def test_a_token_for_annotating_annotates_and_cannot_do_more(
    ada: Client, bob: Client, shelf: Shelf
) -> None:
    hand = narrowed(ada, scopes=["ANNOTATE"])
    mark = {"datasetId": shelf.dataset, "annotations": [{"itemId": shelf.items[1], **CAT}]}
    done = hand.change("addAnnotations", "dataset { viewerCan project { viewerCan } }", **mark)
    can = ["READ", "ANNOTATE"]
    assert done["dataset"] == {"viewerCan": can, "project": {"viewerCan": can}}
    named = {"datasetId": shelf.dataset, "name": "new"}
    refused = hand.attempt("updateDataset", **named)
    assert refused["code"] == "FORBIDDEN" and "scopes" in refused["message"]
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    refused = narrowed(bob, scopes=["ANNOTATE"]).attempt("addAnnotations", **mark)
    assert refused["code"] == "FORBIDDEN" and "VIEWER" in refused["message"]


@ON_SQLITE
def test_leaving_a_project_takes_the_scope_for_it(bob: Client, ada: Client, shelf: Shelf) -> None:
    ada.change("addMember", projectId=shelf.project, email="bob@example.org", role="VIEWER")
    me = bob.run("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    leaving = {"projectId": shelf.project, "userId": me}
    for scope in ("READ", "ANNOTATE", "WRITE"):
        assert narrowed(bob, scopes=[scope]).refused("removeMember", **leaving)[0] == "FORBIDDEN"
    assert narrowed(bob, scopes=["ADMIN"]).change("removeMember", **leaving)


@ON_SQLITE
def test_every_token_can_end_itself_and_few_can_end_others(ada: Client, clock: SetClock) -> None:
    small, other = narrowed(ada, scopes=["READ"]), narrowed(ada, scopes=["READ"])
    mine = small.run("{ viewer { token { id } tokens { id } } }")["viewer"]
    assert mine["tokens"] == [mine["token"]]
    theirs = other.run("{ viewer { token { id } } }")["viewer"]["token"]["id"]
    for id in (theirs, "to_999"):
        assert small.refused("revokeToken", tokenId=id)[0] == "FORBIDDEN"
    assert small.change("revokeToken", "token { revokedAt }", tokenId=mine["token"]["id"])
    assert small.refusal("{ viewer { admin } }")[0] == "UNAUTHENTICATED"
    assert other.run("{ viewer { token { id } } }")
    clock.advance(timedelta(days=90))
    assert other.refusal("{ viewer { admin } }")[0] == "UNAUTHENTICATED"


@ON_SQLITE
def test_the_first_token_of_a_user_ends_and_allows_everything(ada: Client) -> None:
    made = ada.change("createUser", "text", name="Cleo", email="cleo@example.org")["text"]
    cleo = Client(ada.http, made)
    token = cleo.run("{ viewer { token { scopes expiresAt } } }")["viewer"]["token"]
    assert token["scopes"] == ["READ", "ANNOTATE", "WRITE", "ADMIN"]
    assert token["expiresAt"] == "2026-04-01T12:00:00Z"
    assert cleo.change("createProject", name="mine")
