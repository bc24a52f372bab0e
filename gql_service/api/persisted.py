"""Documents that are named instead of sent: automatic persisted queries, and trusted documents.

A request names a document by `documentId`, or by `extensions.persistedQuery.sha256Hash` as Apollo's
and urql's clients do. Without trusted documents, a name is the SHA-256 of a text that some client
has sent together with it before; who asks for one that is not known here (any more) is told so and
sends it again. With trusted documents, a name is looked up among them, and nothing else runs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gql_service.api.remembered import Remembered
from gql_service.errors import Forbidden, Invalid, PersistedQueryNotFound

REMEMBERED = 1_000
"""Documents that clients have sent with their name; each is as long as a document may be."""
_SHA256 = re.compile("[0-9a-f]{64}")


class PersistedDocuments:
    """The documents that are known by name."""

    def __init__(self, trusted: Mapping[str, str] | None = None) -> None:
        self._trusted = trusted
        self._texts = frozenset(trusted.values()) if trusted is not None else frozenset()
        self._sent: Remembered[str, str] = Remembered(REMEMBERED)

    def text(self, query: str | None, name: str | None, *, remember: bool) -> str:
        """The document to run: the one that was sent, or the one that is named.

        With `remember`, one that was sent with its name will be found by it. Raises
        PersistedQueryNotFound for a name that is not known, Forbidden for a document that is not
        trusted where only trusted ones run, Invalid for a name that does not fit.
        """
        if self._trusted is not None:
            return self._trusted_text(query, name)
        if name is None:
            assert query is not None, "a request without a document or its name"
            return query
        if query is None:
            sent = self._sent.get(name)
            if sent is None:
                raise PersistedQueryNotFound
            return sent
        if hashlib.sha256(query.encode(errors="surrogatepass")).hexdigest() != name:
            raise Invalid(
                "The name of the document is not the SHA-256 of its text",
                path=("extensions", "persistedQuery", "sha256Hash"),
            )
        if remember:
            self._sent.put(name, query)
        return query

    def _trusted_text(self, query: str | None, name: str | None) -> str:
        trusted = self._trusted or {}
        if query is None:
            found = None if name is None else trusted.get(name)
            if found is None:
                raise PersistedQueryNotFound
            return found
        if query not in self._texts:
            raise Forbidden("Only trusted documents run here, and this is none", path=("query",))
        return query


def read_trusted(path: Path) -> dict[str, str]:
    """The documents of a file, by name.

    Either an object of texts by name, as relay-compiler and graphql-codegen write it, or Apollo's
    manifest of operations. Raises Invalid for anything else, and for a file that cannot be read.
    """
    try:
        given: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as trouble:
        raise Invalid(f"The trusted documents cannot be read from {path}: {trouble}") from None
    if isinstance(given, dict) and isinstance(given.get("operations"), list):
        given = {
            one.get("id"): one.get("body") for one in given["operations"] if isinstance(one, dict)
        }
    if not isinstance(given, dict) or not all(
        isinstance(text, str) for pair in given.items() for text in pair
    ):
        raise Invalid(f"{path} is not an object of documents by name")
    return given


def document_name(given: Mapping[str, Any]) -> str | None:
    """The name that a request gives its document, if it does. Raises Invalid for a wrong form."""
    name = given.get("documentId")
    if name is not None:
        if not isinstance(name, str) or not name:
            raise Invalid("`documentId` is a string", path=("documentId",))
        return name.removeprefix("sha256:")
    asked = (given.get("extensions") or {}).get("persistedQuery")
    if asked is None:
        return None
    path = ("extensions", "persistedQuery")
    if not isinstance(asked, dict) or asked.get("version") != 1:
        raise Invalid("`persistedQuery` is an object of version 1", path=path)
    digest = asked.get("sha256Hash")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest.lower()):
        raise Invalid("`sha256Hash` is a SHA-256 in hexadecimal digits", path=(*path, "sha256Hash"))
    return digest.lower()
