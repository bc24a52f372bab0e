"""The least that can send files over HTTP: those of a folder, by name.

python -m bench.peers.bare_files <port> <folder>
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route


def main(port: str, folder: str) -> None:
    async def send(request: Request) -> FileResponse:
        return FileResponse(Path(folder) / request.path_params["name"])

    app = Starlette(routes=[Route("/{name}", send)])
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
