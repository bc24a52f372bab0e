"""What tests of imports are given: a lab on each kind of database."""

from __future__ import annotations

import pytest

from gql_service.database.engine import Database
from gql_service.vault.memory import MemoryVault
from tests.builders import Lab, make_lab


@pytest.fixture
def lab(database: Database, vault: MemoryVault, actor: int) -> Lab:
    return make_lab(database, vault, actor)
