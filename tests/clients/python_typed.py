# /// script
# requires-python = ">=3.11"
# dependencies = ["ariadne-codegen==0.19.0"]
# ///
"""ariadne-codegen: a typed client is made of schema.graphql and the operations, and used. It wants
an older graphql-core than the service, so it lives in an environment of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATASET = os.environ["DATASET"]


@contextmanager
def generated() -> Iterator[Any]:
    """The package of the client, made in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schema.graphql").symlink_to(ROOT / "schema.graphql")
        (folder / "operations").symlink_to(HERE / "operations")
        generator = Path(sys.executable).with_name("ariadne-codegen")
        command = [str(generator), "--config", str(HERE / "ariadne-codegen.toml")]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        sys.path.insert(0, name)
        yield import_module("typed_client")


def main(typed: Any) -> None:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "GraphQL-Require-Preflight": "1"}
    with typed.Client(url=os.environ["GRAPHQL_URL"], headers=headers) as client:
        assert client.whoami().viewer.admin

        file = typed.Upload(
            filename="typed.txt", content=BytesIO(b"typed"), content_type="text/plain"
        )
        given = [typed.UploadItem(file=file, metadata={"client": "typed"})]
        done = client.upload_items(typed.UploadItemsInput(datasetId=DATASET, files=given))
        item = done.upload_items.items[0]
        assert (item.path, item.binary.size, item.metadata) == (
            "/typed.txt",
            5,
            {"client": "typed"},
        )
        assert item.created_at.tzinfo is not None

        where = typed.ItemWhere(size=typed.BigIntFilter(eq=5))
        page = client.item_page(DATASET, where=where, first=1).items
        assert page.total_count == 1 and page.edges[0].node.path == "/typed.txt"

        head = client.dataset_at(DATASET).dataset
        first = client.dataset_at(DATASET, at=typed.VersionRef(number=1)).dataset
        assert head.version.number > first.version.number and head.items_count > first.items_count
        assert client.any_node(item.id).node.path == "/typed.txt"

        clone = typed.CloneDatasetInput(datasetId=DATASET, name=head.name)
        refused = client.clone_dataset(clone).clone_dataset
        assert (refused.typename__, refused.code) == ("ConflictError", typed.ErrorCode.NAME_TAKEN)

        try:
            client.item_page(DATASET, first=-1)
        except typed.GraphQLClientGraphQLMultiError as error:
            assert error.errors[0].extensions["code"] == "INVALID"
        else:
            raise AssertionError("A page of -1 items")
    print(f"a union, scalars and version {first.version.number} of {head.version.number}, typed")


if __name__ == "__main__":
    with generated() as package:
        main(package)
