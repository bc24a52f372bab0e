"""Names for types that speak of one another, so that no file has to be read before the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from gql_service.api.types.annotation import Annotation
    from gql_service.api.types.annotation_list import AnnotationConnection
    from gql_service.api.types.binary import Binary
    from gql_service.api.types.dataset import Dataset
    from gql_service.api.types.dataset_source import DatasetSource
    from gql_service.api.types.diff import (
        AnnotationChangeConnection,
        DatasetDiff,
        ItemChangeConnection,
    )
    from gql_service.api.types.history import FieldBlame
    from gql_service.api.types.item import Item
    from gql_service.api.types.item_list import ItemConnection
    from gql_service.api.types.merge import MergeReport
    from gql_service.api.types.project import Project
    from gql_service.api.types.recipe import Recipe, RecipeComparison
    from gql_service.api.types.tag import Tag
    from gql_service.api.types.version import Version
    from gql_service.api.types.version_list import VersionConnection

_TYPES = "gql_service.api.types"

LazyAnnotation = Annotated["Annotation", strawberry.lazy(f"{_TYPES}.annotation")]
LazyAnnotationChangeConnection = Annotated[
    "AnnotationChangeConnection", strawberry.lazy(f"{_TYPES}.diff")
]
LazyAnnotationConnection = Annotated[
    "AnnotationConnection", strawberry.lazy(f"{_TYPES}.annotation_list")
]
LazyBinary = Annotated["Binary", strawberry.lazy(f"{_TYPES}.binary")]
LazyDataset = Annotated["Dataset", strawberry.lazy(f"{_TYPES}.dataset")]
LazyDatasetSource = Annotated["DatasetSource", strawberry.lazy(f"{_TYPES}.dataset_source")]
LazyDatasetDiff = Annotated["DatasetDiff", strawberry.lazy(f"{_TYPES}.diff")]
LazyFieldBlame = Annotated["FieldBlame", strawberry.lazy(f"{_TYPES}.history")]
LazyItem = Annotated["Item", strawberry.lazy(f"{_TYPES}.item")]
LazyItemChangeConnection = Annotated["ItemChangeConnection", strawberry.lazy(f"{_TYPES}.diff")]
LazyItemConnection = Annotated["ItemConnection", strawberry.lazy(f"{_TYPES}.item_list")]
LazyMergeReport = Annotated["MergeReport", strawberry.lazy(f"{_TYPES}.merge")]
LazyProject = Annotated["Project", strawberry.lazy(f"{_TYPES}.project")]
LazyRecipe = Annotated["Recipe", strawberry.lazy(f"{_TYPES}.recipe")]
LazyRecipeComparison = Annotated["RecipeComparison", strawberry.lazy(f"{_TYPES}.recipe")]
LazyTag = Annotated["Tag", strawberry.lazy(f"{_TYPES}.tag")]
LazyVersion = Annotated["Version", strawberry.lazy(f"{_TYPES}.version")]
LazyVersionConnection = Annotated["VersionConnection", strawberry.lazy(f"{_TYPES}.version_list")]
