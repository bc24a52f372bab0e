"""What every setting is and where it comes from, with nothing secret in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from gql_service.settings import Settings

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Setting:
    """`value` is JSON; null where nothing is set. `source` is "environment" or "default"."""

    name: str
    value: Any
    source: str
    description: str

    def told(self) -> tuple[str, str, str]:
        """For people: its name, its value, where that comes from."""
        return self.name, "" if self.value is None else str(self.value), self.source


def settings_table(settings: Settings) -> list[Setting]:
    """Every setting, in the order of their definition."""
    prefix = str(Settings.model_config.get("env_prefix", "")).upper()
    return [
        Setting(
            f"{prefix}{name.upper()}",
            _shown(name, getattr(settings, name)),
            "environment" if name in settings.model_fields_set else "default",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _shown(name: str, value: Any) -> Any:
    if name == "database_url" and value is not None:
        return _without_password(value.get_secret_value())
    if isinstance(value, SecretStr):
        return HIDDEN
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _without_password(url: str) -> str:
    """The address without its password, in the query too; what is none is not shown at all."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        return HIDDEN
    query = {
        key: HIDDEN if "pass" in key.lower() or "secret" in key.lower() else given
        for key, given in parsed.query.items()
    }
    return parsed.set(query=query).render_as_string(hide_password=True)
