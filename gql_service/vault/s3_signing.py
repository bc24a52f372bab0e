"""What obstore cannot say to an S3-compatible store: addresses signed with parameters of their own.

Two things need them: a download whose response headers we choose, and the list of multipart
uploads that were begun and never ended. AWS Signature Version 4 in its query form, whose every
step is prescribed; the tests send it to a server that checks.
"""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from gql_service.errors import StorageUnavailable

SECONDS = 30
"""How long the store may take to answer a request of ours, and how long its signature is good."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_NOT_OFFERED = {405, 501}


@dataclass(frozen=True, slots=True)
class Account:
    """Where the store is, and whose keys open it. The secrets are no part of its repr."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    def signed(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        *,
        seconds: int,
        now: datetime | None = None,
    ) -> str:
        """An address below the bucket that anybody may use for `seconds`, with this method only."""
        stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        given = dict(parameters) | {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        if self.session_token is not None:
            given["X-Amz-Security-Token"] = self.session_token
        base = urlsplit(self.endpoint)
        parts = (base.path.strip("/"), self.bucket, path)
        where = quote("/" + "/".join(part for part in parts if part))
        pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in given.items())
        query = "&".join(sorted(pairs))
        request = f"{method}\n{where}\n{query}\nhost:{base.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        signature = self._sign(scope, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}")
        return f"{base.scheme}://{base.netloc}{where}?{query}&X-Amz-Signature={signature}"

    def _sign(self, scope: str, text: str) -> str:
        key = f"AWS4{self.secret_key}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        return key.hex()


def unfinished_uploads(account: Account, prefix: str) -> Iterator[tuple[str, str]]:
    """Path and id of every multipart upload below `prefix` that nobody has ended.

    None for a store that does not offer the list. Raises StorageUnavailable.
    """
    after: dict[str, str] = {}
    while True:
        page = _ask(account, "GET", "", {"uploads": "", "prefix": prefix, **after})
        if page is None:
            return
        answer = ElementTree.fromstring(page)
        for upload in answer.iterfind("{*}Upload"):
            yield upload.findtext("{*}Key", ""), upload.findtext("{*}UploadId", "")
        if answer.findtext("{*}IsTruncated") != "true":
            return
        after = {
            "key-marker": answer.findtext("{*}NextKeyMarker", ""),
            "upload-id-marker": answer.findtext("{*}NextUploadIdMarker", ""),
        }


def abort_upload(account: Account, path: str, upload: str) -> None:
    """Ends a multipart upload and frees its parts; one that is gone is fine."""
    _ask(account, "DELETE", path, {"uploadId": upload})


def _ask(account: Account, method: str, path: str, parameters: Mapping[str, str]) -> bytes | None:
    """The body of the answer; None when there is no such thing, or no such request."""
    url = account.signed(method, path, parameters, seconds=SECONDS)
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method), timeout=SECONDS
        ) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as refusal:
        with refusal:
            if refusal.code == 404 or refusal.code in _NOT_OFFERED:
                return None
        # Neither the address nor the cause: they carry a signature.
        raise StorageUnavailable(f"The storage refused with {refusal.code}") from None
    except OSError as trouble:
        raise StorageUnavailable("The storage cannot be reached") from trouble
