"""The playground over HTTP: one page, its files, and what is said where it was not built.

    /playground, /datasets/<dataset id>        /playground/assets/<name>

Everything comes from here and asks nobody else. The page itself needs no token and holds nothing:
the token is given in the browser, and sent with each request as from any other client.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

BUNDLE = Path(__file__).with_name("bundle")
MAKE_IT = "uv sync --reinstall-package gql-service"
"""Builds the package again, and the playground with it."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "worker-src": "'self'",
    "connect-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # the editor measures and colours with styles
    "font-src": "data:",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
GUARDS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}
_NAME = re.compile(r"[A-Za-z][\w.-]*")

_MISSING = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Playground · gql-service</title>
<body style="max-width: 40em; margin: 4em auto; font: 16px/1.5 system-ui, sans-serif">
<h1 style="font-size: 24px">The playground is not in this installation</h1>
<p>It is made with npm while the package is built, and npm could not be reached then, or there was
no Node.js for this machine. With a connection, build it again in the project's folder, then load
this page anew:</p>
<pre>{MAKE_IT}</pre>
<p>The API is not affected: <code>POST /graphql</code> with
<code>Authorization: Bearer &lt;token&gt;</code>.</p>
</body>
</html>
"""


def is_built(bundle: Path = BUNDLE) -> bool:
    """Whether there is a playground to be shown."""
    return (bundle / "page.html").is_file()


def wants_page(request: Request) -> bool:
    """Whether a browser asks on behalf of somebody who reads."""
    return "text/html" in request.headers.get("accept", "")


def page(bundle: Path = BUNDLE) -> Response:
    """The playground; it looks at its address for what to open. 503 where it was not built."""
    headers = {**GUARDS, "cache-control": "no-cache", "vary": "Accept"}
    if not is_built(bundle):
        return HTMLResponse(_MISSING, status_code=503, headers=headers)
    return FileResponse(bundle / "page.html", headers=headers)


def playground_routes(bundle: Path = BUNDLE) -> list[Route]:
    """The playground's own addresses."""

    def asset(request: Request) -> Response:
        return _asset(bundle, request)

    return [
        Route("/", lambda _request: RedirectResponse("/playground", 307), methods=["GET"]),
        Route("/playground", lambda _request: page(bundle), methods=["GET"]),
        Route("/playground/assets/{name}", asset, methods=["GET"]),
    ]


def _asset(bundle: Path, request: Request) -> Response:
    """A file as it was compressed when it was made. Raises HTTPException for what is none."""
    name = request.path_params["name"]
    file = bundle / "assets" / f"{name}.gz"
    if _NAME.fullmatch(name) is None or not file.is_file():
        raise HTTPException(404, "There is no such file")
    media_type = MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream")
    headers = {**GUARDS, **FOR_EVER, "vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(file.read_bytes()), headers=headers, media_type=media_type)
    headers["content-encoding"] = "gzip"
    return FileResponse(file, headers=headers, media_type=media_type)
