"""What a wrong request is, and how it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

QUERY = "{ viewer { user { name } } }"
CREATE = 'mutation { createProject(input: {name: "made"}) { __typename } }'
GOOD = json.dumps({"query": QUERY}).encode()
JSON = "application/json"
FORM = "multipart/form-data; boundary=x"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One request by HTTP. `token` is put into `authorization` unless that is among `headers`."""

    name: str
    status: int
    body: bytes = b""
    code: str = "INVALID"
    method: str = "POST"
    target: str = "/graphql"
    headers: Mapping[str, str] = field(default_factory=dict)
    token: bool = True


def posted(name: str, status: int, body: bytes, code: str = "INVALID", **headers: str) -> Wrong:
    """A JSON body, unless the headers say something else."""
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return Wrong(name, status, body, code, headers={"content-type": JSON, **given})
