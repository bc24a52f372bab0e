"""Libraries that only some formats need, loaded when one of them is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from gql_service.errors import Invalid


def needed(module: str, what: str) -> ModuleType:
    """The module. Raises Invalid, naming what to install, when it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise Invalid(f"{what} needs: pip install 'gql-service[formats]'") from missing
