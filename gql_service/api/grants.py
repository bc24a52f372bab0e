"""Grants: what lets an address be followed without a header, as in the `src` of a picture.

A grant says that whoever has it may read the files of one dataset, or one binary, for an hour or
two. It names nobody and is the same for everybody who may read there within the hour: all rows of
an answer share one, and browsers find in their caches what they have seen before.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

HOUR = 3600
SECRET_BYTES = 32
_GRANT = re.compile(r"([1-9][0-9]{0,11})\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Grants:
    """Makes grants and knows its own again; `secret` is shared by all processes of a service."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(SECRET_BYTES), repr=False)

    def made(self, what: str, now: datetime) -> str:
        """Lets `what` be read for one hour at least, and two at most."""
        expires = (int(now.timestamp()) // HOUR + 2) * HOUR
        return f"{expires}.{self._mark(what, expires)}"

    def seconds_left(self, grant: str, what: str, now: datetime) -> int:
        """For how long a grant lets `what` be read; 0 when it does not, or does no longer."""
        match = _GRANT.fullmatch(grant)
        if match is None:
            return 0
        expires = int(match[1])
        if not hmac.compare_digest(match[2], self._mark(what, expires)):
            return 0
        return max(0, expires - int(now.timestamp()))

    def _mark(self, what: str, expires: int) -> str:
        text = f"read {what} until {expires}".encode()
        return hmac.new(self.secret, text, sha256).hexdigest()[:32]
