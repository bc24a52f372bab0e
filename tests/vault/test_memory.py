"""The vault in memory keeps the contract."""

from __future__ import annotations

import pytest

from gql_service.vault.memory import MemoryVault
from tests.vault.contract import VaultContract


class TestMemoryVault(VaultContract):
    @pytest.fixture
    def vault(self) -> MemoryVault:
        return MemoryVault()
