"""What most tests of the edge begin with: a project, a recipe, a dataset with annotated items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.client import Client

LABELS = [
    {"name": "dog", "children": [{"name": "poodle"}]},
    {"name": "cat", "attributes": ["mood"]},
]
ATTRIBUTES = [{"key": "mood", "type": "SINGLE_CHOICE", "values": ["calm", "wild"]}]
BOX = {
    "type": "BOX",
    "label": "dog",
    "coordinates": [{"x": 1, "y": 2}, {"x": 11, "y": 22}],
    "status": "APPROVED",
}
CAT = {"type": "CLASSIFICATION", "label": "cat", "attributes": {"mood": "calm"}}


@dataclass(frozen=True, slots=True)
class Shelf:
    """Ids of what is there. `items` and `annotations` in the order of their paths."""

    project: str
    recipe: str
    dataset: str
    items: tuple[str, ...]
    annotations: tuple[str, ...]

    @staticmethod
    def fill(client: Client, *, name: str = "shelf", count: int = 4) -> Shelf:
        """Items /file0.txt …, the even ones with a dog's box, every fourth with a cat as well."""
        project = client.change("createProject", "project { id }", name=name)["project"]["id"]
        recipe = client.change(
            "createRecipe",
            "recipe { id }",
            projectId=project,
            title="Pets",
            labels=LABELS,
            attributes=ATTRIBUTES,
        )["recipe"]["id"]
        dataset = client.change(
            "createDataset", "dataset { id }", projectId=project, name="pets", recipeId=recipe
        )["dataset"]["id"]
        items: list[str] = []
        for start in range(0, count, 5):
            numbers = range(start, min(start + 5, count))
            done = client.upload(dataset, [_file(name, number) for number in numbers])
            assert done["__typename"] == "UploadItemsSuccess", done
            items += [item["id"] for item in done["items"]]
        data = client.run(
            "query ($id: ID!) { items(datasetId: $id, first: 500)"
            " { nodes { annotations { nodes { id } } } } }",
            id=dataset,
        )
        annotations = [
            one["id"] for item in data["items"]["nodes"] for one in item["annotations"]["nodes"]
        ]
        return Shelf(project, recipe, dataset, tuple(items), tuple(annotations))


def _file(name: str, number: int) -> dict[str, Any]:
    annotations = [BOX] * (number % 2 == 0) + [CAT] * (number % 4 == 0)
    return {
        "name": f"file{number}.txt",
        "content": f"{name} {number}".encode(),
        "metadata": {"number": number, "camera": "north" if number % 2 else "south"},
        "annotations": annotations,
    }
