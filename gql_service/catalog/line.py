"""Lines and layers: the sheets that datasets write on, and what each sheet lies over.

Every dataset writes on a line of its own. A clone lays an empty line over the source's, frozen at
one version: a layer. The layers of a line are fixed when it is made and flattened (the parent's
layers and the parent itself, masks combined), so that no read walks a chain.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import BigKey


class Line(SQLModel, table=True):
    """A sheet. A dataset reads version v through its line with the greatest `born` up to v."""

    __tablename__ = "lines"
    __table_args__ = (sa.Index("lines_dataset", "dataset", "born"),)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id")
    born: int = Field(sa_type=sa.BigInteger)


class Layer(SQLModel, table=True):
    """What a line sees of another: `below` as it was at version `at`, through three masks."""

    __tablename__ = "layers"

    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id", primary_key=True)
    below: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id", primary_key=True, index=True)
    depth: int
    """1 for the sheet directly underneath, rising downwards."""
    at: int = Field(sa_type=sa.BigInteger)
    with_annotations: bool
    with_metadata: bool
    with_status: bool
