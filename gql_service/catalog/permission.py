"""The one table of who may do what: what roles allow in a project, and what tokens leave of it.

A role says what a member may do in a project. The scopes of the token that they show are an upper
bound on that, in every project alike: nothing is allowed by a scope alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gql_service.database.acting import Bounds
from gql_service.database.engine import Tx
from gql_service.errors import Forbidden


class Role(Enum):
    """What a member may do in a project, from most to least."""

    OWNER = "OWNER"
    DEVELOPER = "DEVELOPER"
    ANNOTATION_MANAGER = "ANNOTATION_MANAGER"
    ANNOTATOR = "ANNOTATOR"
    VIEWER = "VIEWER"


class Permission(Enum):
    """What can be done in a project."""

    READ = "READ"
    ANNOTATE = "ANNOTATE"
    WRITE = "WRITE"
    CURATE = "CURATE"
    MANAGE_MEMBERS = "MANAGE_MEMBERS"
    MANAGE_PROJECT = "MANAGE_PROJECT"


class TokenScope(Enum):
    """What a token may be used for, at most."""

    READ = "READ"
    ANNOTATE = "ANNOTATE"
    WRITE = "WRITE"
    ADMIN = "ADMIN"


_WRITERS = frozenset({Role.OWNER, Role.DEVELOPER})
ALLOWED: Mapping[Permission, frozenset[Role]] = {
    Permission.READ: frozenset(Role),
    Permission.ANNOTATE: _WRITERS | {Role.ANNOTATION_MANAGER, Role.ANNOTATOR},
    Permission.WRITE: _WRITERS,
    Permission.CURATE: _WRITERS,
    Permission.MANAGE_MEMBERS: frozenset({Role.OWNER}),
    Permission.MANAGE_PROJECT: frozenset({Role.OWNER}),
}
"""READ: everything in it. ANNOTATE: annotations and their statuses. WRITE: items, datasets,
recipes, clones, merges. CURATE: tags, locks. MANAGE_PROJECT: its name, and its end."""

_READ = frozenset({Permission.READ})
SCOPED: Mapping[TokenScope, frozenset[Permission]] = {
    TokenScope.READ: _READ,
    TokenScope.ANNOTATE: _READ | {Permission.ANNOTATE},
    TokenScope.WRITE: _READ | {Permission.ANNOTATE, Permission.WRITE, Permission.CURATE},
    TokenScope.ADMIN: _READ | {Permission.MANAGE_MEMBERS, Permission.MANAGE_PROJECT},
}
"""ADMIN is also what users, tokens and new projects are made with. Whatever may be changed may be
read, for every change answers with what there is then."""

CHANGES = frozenset({Permission.ANNOTATE, Permission.WRITE})
"""What a locked dataset refuses."""

OF_PROJECTS = frozenset({Permission.MANAGE_MEMBERS, Permission.MANAGE_PROJECT})
"""What is done with a project as a whole, and with no dataset."""


def permissions_of(role: Role) -> frozenset[Permission]:
    """All that a role allows."""
    return frozenset(permission for permission, roles in ALLOWED.items() if role in roles)


def left_by(bounds: Bounds) -> frozenset[Permission]:
    """What the scopes of a token leave of all permissions."""
    if bounds.scopes is None:
        return frozenset(Permission)
    return _READ.union(*(SCOPED[TokenScope(scope)] for scope in bounds.scopes))


def check_permission(
    tx: Tx, role: Role, permission: Permission, path: tuple[str | int, ...]
) -> None:
    """Raises Forbidden, saying which of the two is in the way: the role, or the token."""
    if role not in ALLOWED[permission]:
        raise Forbidden(f"The role {role.value} does not allow this", path=path)
    check_scope(tx, permission, path)


def check_scope(tx: Tx, permission: Permission, path: tuple[str | int, ...] = ()) -> None:
    """Raises Forbidden when the scopes of the token do not allow this in any project."""
    if permission not in left_by(tx.bounds):
        raise Forbidden("The scopes of this token do not allow this", path=path)


def is_whole(bounds: Bounds) -> bool:
    """Whether this may administer the service and the user's own account: scope ADMIN, and no
    bound on projects, because neither lies in a project."""
    scopes = bounds.scopes
    return bounds.projects is None and (scopes is None or TokenScope.ADMIN.value in scopes)


def require_whole(tx: Tx) -> None:
    """Raises Forbidden unless the token `is_whole`."""
    if not is_whole(tx.bounds):
        raise Forbidden("This needs a token of scope ADMIN that is good for every project")
