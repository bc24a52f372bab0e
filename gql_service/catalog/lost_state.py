"""What retention remembers of states that it took away: which write it was, and when it ended.

Only of the last state of a thing that was then removed. A merge asks who has removed what, and
which value two sides last had in common; without a trace, an older value would pass for that one.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.database.columns import table_of


class LostState(SQLModel, table=True):
    """A state of an item or of an annotation that its dataset had removed in version `until`.

    `write` and the origin are as in the state. Of an item, `root` and `item` are its key.
    """

    __tablename__ = "lost_states"
    __table_args__ = (
        sa.Index("lost_states_line", "line"),
        sa.Index(
            "lost_states_sibling",
            "root",
            sqlite_where=sa.text("root <> key"),
            postgresql_where=sa.text("root <> key"),
        ),
    )

    key: int = Field(sa_type=sa.BigInteger, primary_key=True)
    line: int = Field(
        sa_type=sa.BigInteger, foreign_key="lines.id", primary_key=True, ondelete="CASCADE"
    )
    until: int = Field(sa_type=sa.BigInteger, primary_key=True)
    of_item: bool
    root: int = Field(sa_type=sa.BigInteger)
    item: int = Field(sa_type=sa.BigInteger)
    write: int = Field(sa_type=sa.BigInteger)
    origin_dataset: int = Field(sa_type=sa.BigInteger)
    origin_version: int = Field(sa_type=sa.BigInteger)


LOST = table_of(LostState)
