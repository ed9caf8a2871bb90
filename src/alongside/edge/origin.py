"""Which host names this edge answers under, read once from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from alongside.config import Config
from alongside.errors import Misconfigured
from alongside.spec.files import is_local

#: Crockford's alphabet in lower case, as in spec.ids
RUN_LABEL = "[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}"


@dataclass(frozen=True)
class Origins:
    """The names under which browsers reach the parts of a site."""

    scheme: str
    #: what follows `<run>.`, without port: `localhost`, `tools.example.org`
    domain: str
    #: with its leading colon, or empty for the scheme's own port
    port: str
    files_host: str
    hub_host: str
    hub_url: str

    @staticmethod
    def of(config: Config) -> Origins:
        """
        Raises:
            Misconfigured: `edge.url` does not give each run a host name of its own.
        """
        url = urlsplit(config.edge.url)
        label, _, domain = (url.hostname or "").partition(".")
        if url.scheme not in ("http", "https") or label != "{run}" or not domain or url.path.strip("/"):
            raise Misconfigured(
                f"edge.url is {config.edge.url!r}: it must look like http://{{run}}.tools.example.org,"
                " because every run needs an origin of its own"
            )
        if config.edge.tls_certificate and url.scheme != "https":
            raise Misconfigured("edge.tls_certificate is set, so edge.url must begin with https://")
        hub_host = config.edge.hub_host.lower()
        if hub_host == domain or hub_host.endswith("." + domain):
            raise Misconfigured(
                f"edge.hub_host {hub_host!r} lies below the tools' domain {domain!r};"
                " a tool could then set cookies for the hub"
            )
        return Origins(
            scheme=url.scheme,
            domain=domain,
            port=f":{url.port}" if url.port else "",
            files_host=f"{config.edge.files_host}.{domain}".lower(),
            hub_host=hub_host,
            hub_url=config.hub.url.rstrip("/"),
        )

    @property
    def is_local(self) -> bool:
        """Whether these are names that browsers alone take for this machine."""
        return is_local(self.domain)

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    @property
    def cookie(self) -> str:
        """`__Host-` cannot be set from a sibling host, but browsers take it over TLS only."""
        return "__Host-alongside_run" if self.secure else "alongside_run"

    @property
    def external_port(self) -> str:
        return self.port[1:] or ("443" if self.secure else "80")

    def open_link(self, run: str) -> str:
        """Where a person without a key goes: the hub, which knows whether to hand one out."""
        return f"{self.hub_url}/open/{run}"
