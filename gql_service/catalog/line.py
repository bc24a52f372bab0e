"""Lines and layers: the sheets that datasets write on, and what each sheet lies over.

Every dataset writes on a line of its own. A clone lays an empty line over the source's, frozen at
one version: a layer. The layers of a line are fixed when it is made and flattened (the parent's
layers and the parent itself, masks combined), so that no read walks a chain.

A dataset whose pile has become high, or hides more than it shows, goes on with another line, which
holds copies of all that the old one shows and lies on nothing. That is no version: what is read of
older versions is read on the old line.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import FOREVER, BigKey, Timestamp, table_of

UNBORN = FOREVER
"""`born` of a line that is still being filled: no version is read through it."""
WITH_THE_LINE = 0
"""`since` of the copies that a line begins with: they were written elsewhere, in no version of
this line, and are shown by all of them."""


class Line(SQLModel, table=True):
    """A sheet. A dataset reads version v through its line with the greatest `born` up to v.

    `flat_of` is the line of the same dataset whose view at `born` this one began with, as long as
    that one still shows what it showed then; layers are expanded through it where two piles are
    compared. `current` is true for the line that the head is read through and written on.
    """

    __tablename__ = "lines"
    __table_args__ = (sa.Index("lines_dataset", "dataset", "born"),)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id")
    born: int = Field(sa_type=sa.BigInteger)
    flat_of: int | None = Field(default=None, sa_type=sa.BigInteger, foreign_key="lines.id")
    current: bool = Field(
        default=True, sa_column=sa.Column(sa.Boolean(), nullable=False, server_default=sa.true())
    )


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


class Flattening(SQLModel, table=True):
    """A line that is being filled, one per dataset at most. Whoever fills it prolongs the lease;
    when that is over, anybody may throw the line away."""

    __tablename__ = "flattenings"

    dataset: int = Field(sa_type=sa.BigInteger, foreign_key="datasets.id", primary_key=True)
    line: int = Field(sa_type=sa.BigInteger, foreign_key="lines.id")
    lease_until: datetime = Field(sa_type=Timestamp)


FLATTENINGS = table_of(Flattening)
