"""Projects, members, users and tokens: what is done, and what is refused."""

from __future__ import annotations

from datetime import timedelta

from tests.api.client import Client
from tests.api.conftest import Census, SignIn
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

MEMBERS = "project { id name members { user { name } role } }"


def roles(result: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {one["user"]["name"]: one["role"] for one in result["project"]["members"]}


def user_id(client: Client) -> str:
    found: str = client.run("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    return found


@ON_SQLITE
def test_whoever_creates_a_project_owns_it(bob: Client) -> None:
    made = bob.change("createProject", MEMBERS, name="  Pets  ")
    assert made["project"]["name"] == "Pets"
    assert roles(made) == {"Bob": "OWNER"}


@ON_SQLITE
def test_a_project_is_visible_to_its_members_only(ada: Client, bob: Client) -> None:
    project = ada.change("createProject", "project { id }", name="Pets")["project"]["id"]
    by_id = "query ($id: ID!) { project(by: {id: $id}) { id } node(id: $id) { id } }"
    by_name = '{ project(by: {name: "Pets"}) { id } projects { totalCount } }'
    lists = """query ($id: ID!) {
      datasets(projectId: $id) { totalCount } recipes(projectId: $id) { totalCount } }"""
    assert ada.run(by_id, id=project)["project"] == {"id": project}
    assert bob.run(by_id, id=project) == {"project": None, "node": None}
    assert bob.run(by_name) == {"project": None, "projects": {"totalCount": 0}}
    assert bob.run(lists, id=project) == {"datasets": None, "recipes": None}
    absent = bob.attempt("updateProject", projectId="pr_999", name="x")
    assert bob.attempt("updateProject", projectId=project, name="x") == absent
    assert absent["code"] == "NOT_FOUND"


@ON_SQLITE
def test_names_of_projects_are_unique(ada: Client, bob: Client, census: Census) -> None:
    ada.change("createProject", name="Pets")
    before = census()
    assert bob.refused("createProject", name="Pets") == ("NAME_TAKEN", ["name"])
    assert census() == before


@ON_SQLITE
def test_a_project_is_renamed_and_deleted_by_owners(ada: Client, bob: Client) -> None:
    project = ada.change("createProject", "project { id }", name="Pets")["project"]["id"]
    ada.change("addMember", projectId=project, email="BOB@example.org", role="DEVELOPER")
    assert bob.refused("updateProject", projectId=project, name="x")[0] == "FORBIDDEN"
    assert bob.refused("deleteProject", projectId=project)[0] == "FORBIDDEN"
    renamed = ada.change("updateProject", "project { name }", projectId=project, name="Animals")
    assert renamed["project"] == {"name": "Animals"}
    assert ada.change("deleteProject", "projectId", projectId=project)["projectId"] == project
    assert ada.run("{ projects { totalCount } }") == {"projects": {"totalCount": 0}}


@ON_SQLITE
def test_members_are_added_changed_and_removed(ada: Client, bob: Client) -> None:
    project = ada.change("createProject", "project { id }", name="Pets")["project"]["id"]
    bobs = user_id(bob)
    added = ada.change("addMember", MEMBERS, projectId=project, userId=bobs, role="VIEWER")
    assert roles(added) == {"Ada": "OWNER", "Bob": "VIEWER"}
    role = "query ($id: ID!) { viewer { roleIn(projectId: $id) } }"
    assert bob.run(role, id=project) == {"viewer": {"roleIn": "VIEWER"}}
    again = {"projectId": project, "userId": bobs, "role": "VIEWER"}
    assert ada.refused("addMember", **again) == ("CONFLICT", ["userId"])
    assert bob.refused("updateMember", **{**again, "role": "OWNER"})[0] == "FORBIDDEN"
    changed = ada.change("updateMember", MEMBERS, **{**again, "role": "ANNOTATOR"})
    assert roles(changed)["Bob"] == "ANNOTATOR"
    left = bob.change("removeMember", "project { id }", projectId=project, userId=bobs)
    assert left["project"] is None
    assert bob.run(role, id=project) == {"viewer": {"roleIn": None}}


@ON_SQLITE
def test_the_last_owner_stays(ada: Client) -> None:
    project = ada.change("createProject", "project { id }", name="Pets")["project"]["id"]
    ours = {"projectId": project, "userId": user_id(ada)}
    assert ada.refused("removeMember", **ours) == ("CONFLICT", ["userId"])
    assert ada.refused("updateMember", **ours, role="VIEWER") == ("CONFLICT", ["userId"])


@ON_SQLITE
def test_a_member_is_named_by_id_or_by_address(ada: Client) -> None:
    project = ada.change("createProject", "project { id }", name="Pets")["project"]["id"]
    given = {"projectId": project, "role": "VIEWER"}
    assert ada.refused("addMember", **given) == ("INVALID", ["userId"])
    both = {**given, "userId": "us_1", "email": "x@example.org"}
    assert ada.refused("addMember", **both) == ("INVALID", ["userId"])
    assert ada.refused("addMember", **given, email="no@example.org") == ("NOT_FOUND", ["email"])
    assert ada.refused("addMember", **given, email="nonsense") == ("INVALID", ["email"])
    assert ada.refused("addMember", **given, userId="us_999") == ("NOT_FOUND", ["userId"])


@ON_SQLITE
def test_admins_make_users_and_nobody_else(ada: Client, bob: Client) -> None:
    new = {"name": "Cleo", "email": "Cleo@Example.org"}
    assert bob.refused("createUser", **new)[0] == "FORBIDDEN"
    made = ada.change("createUser", "user { id name email } text", **new)
    assert made["user"]["email"] == "cleo@example.org"
    cleo = Client(ada.http, made["text"])
    assert cleo.run("{ viewer { admin user { name } } }") == {
        "viewer": {"admin": False, "user": {"name": "Cleo"}}
    }
    assert ada.refused("createUser", **new) == ("CONFLICT", ["email"])


@ON_SQLITE
def test_users_see_each_other_through_projects_only(ada: Client, bob: Client) -> None:
    node = "query ($id: ID!) { node(id: $id) { ... on User { name } } }"
    adas, bobs = user_id(ada), user_id(bob)
    assert bob.run(node, id=bobs) == {"node": {"name": "Bob"}}
    assert bob.run(node, id=adas) == {"node": None}
    assert ada.run(node, id=bobs) == {"node": {"name": "Bob"}}  # an admin
    project = ada.change("createProject", "project { id }", name="Pets")["project"]["id"]
    ada.change("addMember", projectId=project, userId=bobs, role="VIEWER")
    assert bob.run(node, id=adas) == {"node": {"name": "Ada"}}


@ON_SQLITE
def test_tokens_are_made_listed_and_revoked(ada: Client, bob: Client, clock: SetClock) -> None:
    ends = (clock() + timedelta(days=1)).isoformat()
    made = ada.change("createToken", "text token { id name expiresAt }", name="CI", expiresAt=ends)
    assert made["token"]["expiresAt"] == "2026-01-02T12:00:00Z"
    listed = ada.run("{ viewer { tokens { id name revokedAt } } }")["viewer"]["tokens"]
    assert [token["name"] for token in listed] == ["test", "CI"]
    token = made["token"]["id"]
    assert ada.run("query ($id: ID!) { node(id: $id) { id } }", id=token)["node"]["id"] == token
    assert bob.run("query ($id: ID!) { node(id: $id) { id } }", id=token) == {"node": None}
    assert bob.refused("revokeToken", tokenId=token) == ("NOT_FOUND", ["tokenId"])
    fields = "token { revokedAt }"
    revoked = ada.change("revokeToken", fields, tokenId=token)["token"]["revokedAt"]
    clock.advance(timedelta(hours=1))
    assert ada.change("revokeToken", fields, tokenId=token)["token"]["revokedAt"] == revoked


@ON_SQLITE
def test_a_token_ends_when_it_says(ada: Client, clock: SetClock) -> None:
    past = (clock() - timedelta(days=1)).isoformat()
    assert ada.refused("createToken", name="x", expiresAt=past) == ("INVALID", ["expiresAt"])
    ends = (clock() + timedelta(days=1)).isoformat()
    short = Client(ada.http, ada.change("createToken", "text", name="x", expiresAt=ends)["text"])
    assert short.run("{ __typename }")
    clock.advance(timedelta(days=1))
    assert short.refusal("{ __typename }")[0] == "UNAUTHENTICATED"


def test_projects_are_filtered_ordered_and_paged(ada: Client, clock: SetClock) -> None:
    for name in ("b", "c", "a", "other"):
        clock.advance(timedelta(seconds=1))
        ada.change("createProject", name=name)
    query = """query ($where: ProjectWhere, $by: [ProjectOrder!], $first: Int, $after: String,
        $last: Int, $before: String) {
      projects(where: $where, orderBy: $by, first: $first, after: $after, last: $last,
        before: $before) {
        nodes { name } totalCount
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
      } }"""

    def page(**given: object) -> tuple[list[str], dict[str, object]]:
        found = ada.run(query, **given)["projects"]
        return [one["name"] for one in found["nodes"]], found["pageInfo"]

    assert page()[0] == ["a", "b", "c", "other"]
    assert page(where={"name": {"in": ["a", "b"]}})[0] == ["a", "b"]
    assert page(by=[{"field": "NAME", "direction": "DESC"}])[0] == ["other", "c", "b", "a"]
    newest = {"by": [{"field": "CREATED_AT", "direction": "DESC"}]}
    assert page(**newest)[0] == ["other", "a", "c", "b"]
    names, info = page(**newest, first=3)
    assert (names, info["hasNextPage"], info["hasPreviousPage"]) == (
        ["other", "a", "c"],
        True,
        False,
    )
    names, info = page(**newest, first=3, after=info["endCursor"])
    assert (names, info["hasNextPage"], info["hasPreviousPage"]) == (["b"], False, True)
    names, info = page(**newest, last=2, before=info["startCursor"])
    assert (names, info["hasNextPage"], info["hasPreviousPage"]) == (["a", "c"], True, True)
    code = ada.refusal(query, first=1, after=info["endCursor"])
    assert code == ("INVALID", ["after"])


@ON_SQLITE
def test_a_visitor_of_no_project_can_make_one(sign_in: SignIn) -> None:
    sign_in("Ada")
    assert sign_in("Bob").change("createProject", name="mine")
