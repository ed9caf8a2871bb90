"""The web app's files, one page for all its addresses, and the headers that every answer carries."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from apiflask import APIBlueprint, APIFlask
from flask import Response, g, request, send_from_directory
from werkzeug.exceptions import NotFound

from alongside import errors
from alongside.config import Config

PACKAGED = Path(__file__).parents[2] / "web"
#: Vite names what lies here by its contents
HASHED = "assets/"
#: addresses that are never the web app's, so that a mistyped one is an error and not a page
NOT_PAGES = ("api/", "live/", "open/", "healthz", "metrics")
YEAR_S = 365 * 24 * 3600
NONCE_MARK = "__CSP_NONCE__"


def install(app: APIFlask, config: Config) -> None:
    """Serve the built web app at every address that nothing else answers, and add the headers."""
    folder = Path(config.hub.web_dir).absolute() if config.hub.web_dir else PACKAGED
    # Not enough for a module-level blueprint: the folder is configuration.
    doors = APIBlueprint("web", __name__, enable_openapi=False)

    @doors.get("/")
    @doors.get("/<path:path>")
    def get_page(path: str = "") -> Response:
        if path.startswith(NOT_PAGES):
            raise errors.NotFound("there is nothing at this address")
        if path and path != "index.html":
            try:
                response = send_from_directory(folder, path)
            except NotFound:
                if path.startswith(HASHED):
                    raise errors.NotFound("there is no such file") from None
            else:
                if path.startswith(HASHED):
                    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
                return response
        return _page(folder / "index.html")

    app.register_blueprint(doors)
    app.after_request(_Headers(config))


def _page(index: Path) -> Response:
    try:
        text = index.read_text()
    except FileNotFoundError:
        raise errors.Unavailable(
            "The web app is not built; `make web` builds it. The API is at /api/v1/docs."
        ) from None
    g.nonce = secrets.token_urlsafe(16)
    response = Response(text.replace(NONCE_MARK, g.nonce), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


class _Headers:
    """Adds what protects browsers. Answers that are not our own pages may run nothing at all."""

    def __init__(self, config: Config) -> None:
        origin = urlsplit(config.edge.url.replace("{run}", "*"))
        self._tools = f"{origin.scheme}://{origin.netloc}"
        self._shells = self._tools.replace("http", "ws", 1)
        self._tls = config.hub.url.startswith("https:")

    def __call__(self, response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if self._tls:
            headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
        if request.path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        ours = "nonce" in g or request.path == "/api/v1/docs"
        headers.setdefault("Content-Security-Policy", self._page_policy() if ours else _NOTHING)
        return response

    def _page_policy(self) -> str:
        nonce = f" 'nonce-{g.nonce}'" if "nonce" in g else ""
        return "; ".join(
            (
                "default-src 'self'",
                "script-src 'self'",
                f"style-src 'self'{nonce}",
                # a shell's screen colours its letters one by one
                *(("style-src-attr 'unsafe-inline'",) if nonce else ()),
                # Previews of what runs made come from the site's file server.
                f"img-src 'self' data: blob: {self._tools}",
                f"connect-src 'self' {self._tools} {self._shells}",
                "object-src 'none'",
                "base-uri 'none'",
                # Downloads begin with a form: what they are granted by never stands in an address.
                f"form-action 'self' {self._tools}",
                "frame-ancestors 'none'",
            )
        )


#: also for artifacts: a page that a run made must not act as one of ours
_NOTHING = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
