"""A GraphQL client of one function, on the standard library: the demo talks as any client would."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import orjson

from gql_service.errors import ServiceError


class Client:
    """Sends operations to one address, as the user that the token stands for."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def run(self, query: str, **variables: Any) -> Any:
        """The `data` of an operation. Raises ServiceError when the answer has errors."""
        request = urllib.request.Request(
            f"{self.url}/graphql",
            data=orjson.dumps({"query": query, "variables": variables}),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request) as response:
                answer = orjson.loads(response.read())
        except urllib.error.HTTPError as refusal:
            answer = orjson.loads(refusal.read())
        if answer.get("errors"):
            raise ServiceError(answer["errors"][0]["message"])
        return answer["data"]

    def change(self, query: str, **variables: Any) -> Any:
        """The success of the one mutation in `query`. Raises ServiceError when it was refused."""
        (result,) = self.run(query, **variables).values()
        if result["__typename"].endswith("Success"):
            return result
        raise ServiceError(f"{result['__typename']}: {result['message']}")
