"""TLS at the edge: the stricter cookie, and an origin that begins with https."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from support.edges import Site, passed, run_id
from support.web_tools import free_port


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A PEM file with a certificate for *.tools.localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.tools.localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "site.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.mark.parametrize("proxy", ["haproxy", "traefik"])
async def test_under_tls_the_cookie_is_bound_to_its_host(
    start_edge, echo, certificate: Path, proxy: str
) -> None:
    port = free_port()
    site: Site = await start_edge(
        port=port,
        proxy=proxy,
        url=f"https://{{run}}.tools.localhost:{port}",
        tls_certificate=str(certificate),
    )
    run = run_id()
    await site.publish(run, echo[1])
    trusting = ssl.create_default_context(cafile=str(certificate))
    connector = aiohttp.TCPConnector(ssl=trusting)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as browser:

        async def get(path: str, **headers: str) -> aiohttp.ClientResponse:
            given = {"Host": site.host(run), **headers}
            url = f"https://127.0.0.1:{port}{path}"
            answer = await browser.get(
                url, headers=given, allow_redirects=False, server_hostname=f"{run}.tools.localhost"
            )
            await answer.read()
            return answer

        entered = await get(f"/.alongside/ticket?t={site.hub.ticket(run)}")
        cookie = entered.headers["Set-Cookie"]
        assert cookie.startswith("__Host-alongside_run=")
        assert "Secure" in cookie.split("; ")
        pair = cookie.partition(";")[0]
        own = {"Cookie": pair, "Origin": f"https://{site.host(run)}"}
        seen = passed(await (await get("/", **own)).json())
        assert seen["X-Forwarded-Proto"] == "https"
        assert "Cookie" not in seen
        assert (await get("/", Cookie=pair.removeprefix("__Host-"))).status == 401
        assert (await get("/", Cookie=pair, Origin=f"http://{site.host(run)}")).status == 403
