"""Arguments that several fields take, each described once."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gql_service.api.inputs.dataset_filters import DatasetWhere
from gql_service.api.inputs.filters import AnnotationWhere, ItemWhere
from gql_service.api.inputs.orders import AnnotationOrder, DatasetOrder, ItemOrder
from gql_service.api.inputs.selectors import DatasetRef, VersionRef
from gql_service.api.inputs.version_filters import VersionWhere

PageArguments = tuple[int | None, str | None, int | None, str | None]
"""first, after, last, before."""

_ORDER = "The most significant step first; ties are broken by"

At = Annotated[
    VersionRef | None, strawberry.argument(description="At this version; by default the head.")
]
DatasetsWhere = Annotated[
    DatasetWhere | None, strawberry.argument(description="Only datasets that match.")
]
DatasetOrderBy = Annotated[
    list[DatasetOrder] | None, strawberry.argument(description=f"{_ORDER} age. By default, name.")
]
ItemsWhere = Annotated[ItemWhere | None, strawberry.argument(description="Only items that match.")]
ItemOrderBy = Annotated[
    list[ItemOrder] | None, strawberry.argument(description=f"{_ORDER} key. By default, path.")
]
AnnotationsWhere = Annotated[
    AnnotationWhere | None, strawberry.argument(description="Only annotations that match.")
]
AnnotationOrderBy = Annotated[
    list[AnnotationOrder] | None, strawberry.argument(description=f"{_ORDER} key. By default, key.")
]
VersionsWhere = Annotated[
    VersionWhere | None, strawberry.argument(description="Only versions that match.")
]
IncludeSources = Annotated[
    bool, strawberry.argument(description="Also the versions that it comes from.")
]
DiffFrom = Annotated[
    DatasetRef,
    strawberry.argument(name="from", description="What is compared: a dataset at a version."),
]
DiffTo = Annotated[
    DatasetRef, strawberry.argument(description="What it is compared with, as it became.")
]
