"""Libraries that only some formats need, loaded when one of them is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from gql_service.errors import ServiceError


def needed(module: str, what: str) -> ModuleType:
    """The module. Raises ServiceError, naming what to install, when it is not there: not Invalid,
    which readers take for a fault of what they read."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise ServiceError(f"{what} needs: pip install 'gql-service[formats]'") from missing
