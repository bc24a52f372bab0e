"""A GraphQL client for tests: operations in, plain dictionaries out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Http(Protocol):
    """What `httpx2.Client` and Starlette's test client have in common."""

    def request(self, method: str, url: str, **given: Any) -> Any: ...


class Client:
    """Speaks for one user."""

    def __init__(self, http: Http, token: str | None) -> None:
        self.http = http
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors included."""
        body = json.dumps({"query": query, "variables": variables})
        headers = {**self.headers, "content-type": "application/json"}
        response = self.http.request("POST", "/graphql", content=body, headers=headers)
        answer: dict[str, Any] = json.loads(response.content)
        return answer

    def run(self, query: str, **variables: Any) -> Any:
        """The data; there must be no errors."""
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refusal(self, query: str, **variables: Any) -> tuple[str, list[str] | None]:
        """The code and the argument's path of the only error at the top."""
        errors = self.answer(query, **variables)["errors"]
        assert len(errors) == 1, errors
        extensions = errors[0]["extensions"]
        return extensions["code"], extensions.get("path")

    def change(self, mutation: str, fields: str = "__typename", **input: Any) -> Any:
        """The success of a mutation, with these fields of it."""
        result = self.attempt(mutation, fields, **input)
        assert result["__typename"].endswith("Success"), result
        return result

    def attempt(self, mutation: str, fields: str = "__typename", **input: Any) -> Any:
        """What a mutation answers: its success, or the refusal with code, path and message."""
        return self.run(document(mutation, fields), input=input)[mutation]

    def refused(self, mutation: str, **input: Any) -> tuple[str, list[str] | None]:
        """The code and path of a mutation's refusal, wherever it stands."""
        answer = self.answer(document(mutation, "__typename"), input=input)
        if "errors" in answer:
            assert len(answer["errors"]) == 1, answer["errors"]
            extensions = answer["errors"][0]["extensions"]
            return extensions["code"], extensions.get("path")
        result = answer["data"][mutation]
        assert not result["__typename"].endswith("Success"), result
        return result["code"], result["path"]

    def upload(
        self,
        dataset: str,
        files: Sequence[tuple[str, bytes] | Mapping[str, Any]],
        fields: str = "added skipped updated version { number } items { id path }",
        **input: Any,
    ) -> Any:
        """Uploads files: (name, bytes), or the fields of UploadItem with `name` and `content`."""
        answer = self.upload_answer(dataset, files, fields, **input)
        assert "errors" not in answer, answer
        return answer["data"]["uploadItems"]

    def upload_answer(
        self,
        dataset: str,
        files: Sequence[tuple[str, bytes] | Mapping[str, Any]],
        fields: str = "added",
        **input: Any,
    ) -> dict[str, Any]:
        """The whole answer to the same, errors included."""
        given = [
            dict(one) if isinstance(one, Mapping) else {"name": one[0], "content": one[1]}
            for one in files
        ]
        parts = [(str(at), (one.pop("name"), one.pop("content"))) for at, one in enumerate(given)]
        operations = {
            "query": document("uploadItems", fields),
            "variables": {
                "input": {
                    "datasetId": dataset,
                    "files": [{**one, "file": None} for one in given],
                    **input,
                }
            },
        }
        places = {str(at): [f"variables.input.files.{at}.file"] for at in range(len(given))}
        response = self.http.request(
            "POST",
            "/graphql",
            data={"operations": json.dumps(operations), "map": json.dumps(places)},
            files=parts,
            headers={**self.headers, "graphql-require-preflight": "1"},
        )
        answer: dict[str, Any] = json.loads(response.content)
        return answer

    def get(self, url: str, **headers: str) -> Any:
        """Downloads from an address of this service."""
        path = url.removeprefix("http://127.0.0.1:8000")
        return self.http.request("GET", path, headers={**self.headers, **headers})


def document(mutation: str, fields: str) -> str:
    """The document of one mutation that selects these fields of its success."""
    kind = mutation[0].upper() + mutation[1:]
    return (
        f"mutation Change($input: {kind}Input!) {{ {mutation}(input: $input) {{ __typename "
        f"... on {kind}Success {{ {fields} }} ... on Error {{ code message path }} "
        "... on ValidationError { fields { path code message } } "
        f"{_MORE.get(mutation, '... on ConflictError { currentVersion }')} }} }}"
    )


_DIFFERENCES = (
    "... on ConflictError { currentVersion } "
    "... on RecipeMismatchError { differences { kind name detail } }"
)
_MORE = {
    "cloneDataset": _DIFFERENCES,
    "mergeDatasets": _DIFFERENCES,
}
