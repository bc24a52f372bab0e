"""Files that somebody would like a browser to run: by what they are, by what they are called, and
by being two things at once."""

from __future__ import annotations

_SCRIPT = b"<script>fetch('/graphql')</script>"
_SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>" + _SCRIPT + b"</svg>"
_HTML = b"<!doctype html><html><body>" + _SCRIPT
_XML = b"<?xml version='1.0'?><?xml-stylesheet href='x.xsl' type='text/xsl'?><x/>"
_XHTML = b"<html xmlns='http://www.w3.org/1999/xhtml'>" + _SCRIPT + b"</html>"

_PAYLOADS = {
    "html": _HTML,
    "svg": _SVG,
    "xml": _XML,
    "xhtml": _XHTML,
    "js": b"alert(document.domain)",
    "late": b" " * 600 + _HTML,
    "bom": b"\xef\xbb\xbf" + _HTML,
    "utf16": _HTML.decode().encode("utf-16"),
    "mhtml": b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n" + _HTML,
}
_NAMES = (
    *("x.html", "x.HTM", "x.svg", "x.svgz", "x.xml", "x.xhtml", "x.js", "x.mjs", "x.pdf"),
    *("x.swf", "x.hta", "x.mht", "x.xsl", "x.wasm", "x.png", "x.jpg", "x.txt", "x.mp4"),
    *("x.json", "x.css", "x.ico", "x.html.png", "x.png.html", "x.shtml", "x.rdf", "x"),
)
_HEADS = {
    "gif": b"GIF89a",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff\xe0",
    "bmp": b"BM\x00\x00\x00\x00\x00\x00\x00\x00",
    "pdf": b"%PDF-1.7\n",
    "zip": b"PK\x03\x04",
    "webp": b"RIFF\x00\x00\x00\x00WEBP",
    "mp4": b"\x00\x00\x00\x18ftypmp42",
    "tif": b"II*\x00",
}
"""Of files that begin as one thing and go on as another."""


def _all() -> list[tuple[str, bytes]]:
    found = [(f"by-name-{at}/{name}", _HTML) for at, name in enumerate(_NAMES)]
    found += [(f"by-content-{what}.bin", content) for what, content in _PAYLOADS.items()]
    found += [(f"named-{what}.{what}", content) for what, content in _PAYLOADS.items()]
    for kind, head in _HEADS.items():
        found.append((f"polyglot.{kind}", head + _HTML))
        found.append((f"polyglot-{kind}.svg", head + _SVG))
    # Each with bytes of its own: equal ones would share one kind, that of the first name.
    unlike = [(name, content + f"<!--{at}-->".encode()) for at, (name, content) in enumerate(found)]
    return [(name.replace("/", "-"), content) for name, content in unlike]


HOSTILE = _all()
