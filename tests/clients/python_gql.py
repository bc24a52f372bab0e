"""gql: the schema is fetched and every document checked against it; a query, an upload, pages."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from gql import Client, FileVar, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, print_ast

HERE = Path(__file__).parent
TEXT = "\n".join(file.read_text() for file in sorted(HERE.glob("operations/*.graphql")))
DEFINITIONS = [
    node
    for node in parse(TEXT).definitions
    if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
]
DATASET = os.environ["DATASET"]


def request(name: str, **variables: Any) -> GraphQLRequest:
    """An operation of the folder, with the fragments that it uses."""
    by_name = {node.name.value: node for node in DEFINITIONS if node.name}
    chosen: dict[str, str] = {}
    wanted = [name]
    while wanted:
        current = wanted.pop()
        if current not in chosen:
            chosen[current] = print_ast(by_name[current])
            wanted += [other for other in by_name if f"...{other}\n" in chosen[current]]
    return GraphQLRequest("\n".join(chosen.values()), variable_values=variables)


def main() -> None:
    transport = HTTPXTransport(
        url=os.environ["GRAPHQL_URL"],
        headers={
            "Authorization": f"Bearer {os.environ['TOKEN']}",
            "GraphQL-Require-Preflight": "1",
        },
    )
    with Client(transport=transport, fetch_schema_from_transport=True) as session:
        assert session.execute(request("Whoami"))["viewer"]["admin"]

        files = [{"file": FileVar(BytesIO(b"from gql"), filename="gql.txt"), "path": "gql.txt"}]
        upload = request("UploadItems", input={"datasetId": DATASET, "files": files})
        item = session.execute(upload, upload_files=True)["uploadItems"]["items"][0]
        assert (item["path"], item["binary"]["size"]) == ("/gql.txt", "8")

        paths: list[str] = []
        after, more = None, True
        while more:
            asked = request("ItemPage", datasetId=DATASET, first=5, after=after)
            page = session.execute(asked)["items"]
            paths += [edge["node"]["path"] for edge in page["edges"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert "/gql.txt" in paths and len(paths) == page["totalCount"]

        try:
            session.execute(request("ItemPage", datasetId=DATASET, first=-1))
        except TransportQueryError as error:
            assert error.errors and error.errors[0]["extensions"]["code"] == "INVALID"
        else:
            raise AssertionError("A page of -1 items")
    print(f"{len(paths)} items in pages of 5")


if __name__ == "__main__":
    main()
