"""The scopes of tokens, with what each of them means."""

from __future__ import annotations

from gql_service.api.described import describe
from gql_service.catalog.permission import TokenScope

__all__ = ["TokenScope"]

describe(
    TokenScope,
    "What a token may be used for at most; the role in each project is the other bound. Every "
    "token may read what its user may read.",
    {
        "READ": "Read.",
        "ANNOTATE": "Read; add, change and remove annotations and their statuses.",
        "WRITE": "Read, annotate; write items, datasets and recipes; clone, merge, tag and lock.",
        "ADMIN": "Read; manage projects and their members. Unless the token is bound to projects, "
        "also create projects, make and end tokens, and make users where the user may.",
    },
)
