"""Identifiers of datasets: any common form of a DOI, Handle, ARK, URN, URL… to one canonical form.

`parse` only reads text: it never asks a resolver, and says nothing about whether a dataset exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from alongside.errors import Fault, Invalid
from alongside.spec.ids import is_ulid

#: as many characters as the store's key holds
VALUE_MAX = 1024


@dataclass(frozen=True)
class Identifier:
    """A persistent identifier in canonical form.

    `value` is what is compared and stored, `scheme:`-prefixed (`doi:10.5072/abc`; a URL is its own
    prefix); `display` is the form its owner gave. Two identifiers are equal when scheme and value are.
    """

    scheme: str
    value: str
    display: str = field(compare=False)

    def __str__(self) -> str:
        return self.value


def parse(text: str, *, field: str = "identifier") -> Identifier:
    """The identifier that `text` is, in whatever form it was written.

    Raises:
        Invalid: saying what is wrong; `field` is the path of the fault.
    """
    display = text.strip()
    try:
        if not display:
            raise _Malformed("is empty")
        if not display.isprintable():
            raise _Malformed("contains a line break or another character that cannot be printed")
        scheme, value = _canonical(display)
        if len(value) > VALUE_MAX:
            raise _Malformed(f"is longer than {VALUE_MAX} characters")
    except _Malformed as error:
        shown = display if len(display) <= 80 else display[:79] + "…"
        raise Invalid([Fault(field, f"{shown!r} {error}" if display else str(error))]) from None
    return Identifier(scheme, value, display)


def link(identifier: Identifier) -> str | None:
    """The web address at which the world resolves this identifier, if there is one."""
    scheme, value = identifier.scheme, identifier.value
    rest = quote(value.partition(":")[2], safe="/:;().,-_~")
    match scheme:
        case "doi":
            return f"https://doi.org/{rest}"
        case "hdl":
            return f"https://hdl.handle.net/{rest}"
        case "ark":
            return f"https://n2t.net/ark:{rest}"
        case "swh":
            return f"https://archive.softwareheritage.org/{value}"
        case "url":
            return value if value.startswith(("http://", "https://")) else None
        case "urn":
            return f"https://nbn-resolving.org/{value}" if value.startswith("urn:nbn:") else None
        case "local" | "perma":
            return None
        case _:
            return f"https://identifiers.org/{scheme}:{rest}"


class _Malformed(Exception):
    """What is wrong, as the end of a sentence that begins with the text itself."""


def _canonical(text: str) -> tuple[str, str]:
    text = _with_visible_scheme(text)
    bare = _BARE_HOST.match(text)
    if bare:
        return _url("https://" + text)
    if re.match(r"10\.", text):
        return _doi(text)
    prefix, colon, rest = text.partition(":")
    if not colon:
        raise _Malformed(
            "is not an identifier of a known form; write for example doi:10.5072/abc, "
            "hdl:2142/123, ark:12345/x7, urn:nbn:de:…, a web address or prefix:accession"
        )
    read = _READERS.get(_lower(prefix))
    if read:
        return read(rest)
    if rest.startswith("//"):
        return _url(text)
    return _compact(prefix, rest)


def _with_visible_scheme(text: str) -> str:
    # A link's parameter often arrives encoded once more than it was meant to be.
    while not re.match(r"[A-Za-z][\w.+-]*:", text) and re.match(r"[\w.+-]+%(25)*3A", text, re.IGNORECASE):
        text = _decoded_once(text)
    return text


def _decoded_once(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _Malformed("holds percent-encoded bytes that are not UTF-8 text") from None


def _decoded(text: str) -> str:
    """Percent-decoded until nothing changes, so that the result reads back as itself.

    A name that truly holds `%41` is then the same as one that holds `A`; no registry issues such pairs.
    """
    while (once := _decoded_once(text)) != text:
        text = once
    if any(char.isspace() or not char.isprintable() for char in text):
        raise _Malformed("contains a space or a character that cannot be printed")
    return text


def _lower(text: str) -> str:
    # DOI letters are case-insensitive in ASCII only: str.lower would also merge other alphabets.
    return text.translate(_ASCII_LOWER)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _doi(rest: str) -> tuple[str, str]:
    rest = _decoded(rest.strip())
    inner = re.match(r"(?:doi:)+", rest, re.IGNORECASE)
    if inner:
        rest = rest[inner.end() :]
    if re.match(r"https?://", rest, re.IGNORECASE):
        return _url(rest)
    prefix, slash, suffix = rest.partition("/")
    if not rest:
        raise _Malformed("is not a DOI: nothing follows the prefix doi:")
    if not prefix.startswith("10."):
        raise _Malformed(f"is not a DOI: it must start with 10. but starts with {prefix[:12]!r}")
    if not re.fullmatch(r"10\.[0-9]{4,9}(\.[0-9]+)*", prefix):
        raise _Malformed(f"is not a DOI: after 10. come 4 to 9 digits, but the prefix is {prefix!r}")
    if not slash:
        raise _Malformed("is not a DOI: there is no slash between prefix and suffix (10.5072/abc)")
    if not suffix:
        raise _Malformed(f"is not a DOI: nothing follows {prefix}/")
    return "doi", f"doi:{prefix}/{_lower(suffix)}"


def _handle(rest: str) -> tuple[str, str]:
    rest = _decoded(rest.strip())
    prefix, slash, suffix = rest.partition("/")
    if not slash or not suffix:
        raise _Malformed("is not a Handle: it needs a prefix, a slash and a suffix (hdl:2142/123)")
    if not re.fullmatch(r"[0-9]+(\.[0-9A-Za-z_]+)*", prefix):
        raise _Malformed(f"is not a Handle: {prefix!r} is not a prefix like 2142 or 20.500.12345")
    if prefix.startswith("10."):
        return _doi(rest)
    return "hdl", f"hdl:{_lower(prefix)}/{suffix}"


def _ark(rest: str) -> tuple[str, str]:
    # ?info and ?? ask about an ARK; they are not part of it. Hyphens do not distinguish ARKs.
    rest = rest.partition("?")[0].strip()
    while (plain := _decoded(_HYPHENS.sub("", rest))) != rest:
        rest = plain
    naan, slash, name = rest.partition("?")[0].lstrip("/").partition("/")
    name = name.rstrip("/.")
    if not re.fullmatch(r"[0-9bcdfghjkmnpqrstvwxz]{5}([0-9bcdfghjkmnpqrstvwxz]{4})?", _lower(naan)):
        raise _Malformed(f"is not an ARK: {naan!r} is not a naming authority of 5 or 9 digits")
    if not slash or not name:
        raise _Malformed(f"is not an ARK: no name follows ark:{naan}/")
    return "ark", f"ark:{_lower(naan)}/{name}"


def _urn(rest: str) -> tuple[str, str]:
    name = re.split(r"\?[+=]|#", rest.strip(), maxsplit=1)[0]
    space, colon, specific = name.partition(":")
    space = _lower(space)
    if not colon or not specific:
        raise _Malformed("is not a URN: it needs a namespace and a name (urn:nbn:de:0001-123)")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}[a-z0-9]", space):
        raise _Malformed(f"is not a URN: {space!r} is not a namespace of 2 to 32 letters and digits")
    if any(char.isspace() for char in specific):
        raise _Malformed("is not a URN: it contains a space")
    if space == "doi":
        return _doi(specific)
    specific = _lower(specific) if space == "nbn" else _upper_escapes(specific)
    return "urn", f"urn:{space}:{specific}"


def _swhid(rest: str) -> tuple[str, str]:
    core = _lower(_decoded(rest.strip()).partition(";")[0])
    version, kind, digest = (*core.split(":", 2), "", "")[:3]
    if version != "1":
        raise _Malformed("is not a SWHID: it must start with swh:1:")
    if kind not in {"ori", "cnt", "rev", "dir", "snp", "rel"}:
        raise _Malformed(f"is not a SWHID: {kind!r} is none of cnt, dir, rev, rel, snp, ori")
    if not re.fullmatch(r"[0-9a-f]{40}", digest):
        raise _Malformed("is not a SWHID: it must end in 40 hexadecimal digits")
    return "swh", f"swh:{core}"


def _perma(rest: str) -> tuple[str, str]:
    rest = _decoded(rest.strip())
    if not rest:
        raise _Malformed("is not a PermaLink: nothing follows perma:")
    return "perma", f"perma:{rest}"


def _local(rest: str) -> tuple[str, str]:
    key = _lower(rest.strip())
    if not is_ulid(key):
        raise _Malformed("is not a local identifier: local: is followed by 26 letters and digits")
    return "local", f"local:{key}"


def _info(rest: str) -> tuple[str, str]:
    kind, _, name = rest.partition("/")
    read = {"doi": _doi, "hdl": _handle}.get(_lower(kind))
    if not read:
        raise _Malformed("is an info: URI of an unknown kind; info:doi/ and info:hdl/ are read")
    return read(name)


def _zenodo(rest: str) -> tuple[str, str]:
    number = rest.strip()
    if not re.fullmatch(r"[0-9]+", number):
        raise _Malformed("is not a Zenodo record: zenodo: is followed by its number")
    return _doi(f"10.5281/zenodo.{number}")


def _compact(prefix: str, rest: str) -> tuple[str, str]:
    """`prefix:accession`, as identifiers.org and repositories write it."""
    scheme = _lower(prefix)
    if scheme in _NOT_IDENTIFIERS:
        raise _Malformed(f"is not an identifier: {scheme}: addresses cannot name a dataset")
    if not re.fullmatch(r"[a-z][a-z0-9._-]{1,30}", scheme):
        raise _Malformed(f"is not an identifier: {prefix!r} is not a prefix like doi, pdb or clowder")
    accession = _decoded(rest.strip())
    if not accession or accession.startswith("//"):
        raise _Malformed(f"is not an identifier: nothing follows {scheme}:")
    return scheme, f"{scheme}:{accession}"


def _url(text: str) -> tuple[str, str]:
    if any(char.isspace() for char in text):
        raise _Malformed("is not a web address: it contains a space")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _Malformed(f"is not a web address: {error}") from None
    scheme, host = parts.scheme, _ascii_host(parts.hostname or "")
    if scheme not in _DEFAULT_PORTS:
        raise _Malformed(f"is not an identifier: {scheme}: addresses cannot name a dataset")
    if not host:
        raise _Malformed("is not a web address: it has no host name")
    if parts.username is not None or parts.password is not None:
        raise _Malformed("holds a user name or password, which an identifier must not")
    known = _of_provider(host, parts.path, parts.query)
    if known:
        return known
    netloc = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    path, query = _plain_escapes(parts.path or "/"), _plain_escapes(parts.query)
    return "url", urlunsplit((scheme, netloc, path, query, ""))


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _Malformed("is not a web address: its host name is not valid") from None
    if host and not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        raise _Malformed(f"is not a web address: {host!r} is not a host name")
    return _lower(host)


def _of_provider(host: str, path: str, query: str) -> tuple[str, str] | None:
    """The identifier behind a resolver's or repository's own address, if this is one."""
    held = re.match(r"/(?:browse/)?((?:ark|swh|urn(?::|%3a)nbn)(?::|%3a).+)", path, re.IGNORECASE)
    if held:
        return _canonical(held[1] + (f"?{query}" if query and held[1][:3].lower() == "urn" else ""))
    for name in parse_qs(query).get("persistentId", []):
        if re.match(r"(doi|hdl|ark|perma):", name, re.IGNORECASE):
            return _canonical(name)
    for hosts, pattern, read in _PROVIDERS:
        found = re.match(pattern, path, re.IGNORECASE) if re.fullmatch(hosts, host) else None
        if found:
            return read(found[1])
    return None


def _plain_escapes(text: str) -> str:
    """Escapes of letters, digits and -._~ undone, the others in capitals (RFC 3986, 6.2.2).

    Repeated until nothing changes, because undoing `%2541` makes an escape that was not there before.
    """
    while (once := re.sub(r"%([0-9A-Fa-f]{2})", _plain_escape, text)) != text:
        text = once
    return quote(text, safe="%/:?#[]@!$&'()*+,;=-._~|{}^`\"<>\\")


def _plain_escape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if re.fullmatch(r"[A-Za-z0-9._~-]", char) else match[0].upper()


def _upper_escapes(text: str) -> str:
    return re.sub(r"%[0-9A-Fa-f]{2}", lambda match: match[0].upper(), text)


def _sandbox(number: str) -> tuple[str, str]:
    return _doi(f"10.5072/zenodo.{number}")


def _listed(rest: str) -> tuple[str, str]:
    """`provider/prefix:accession` or the older `prefix/accession` of identifiers.org."""
    rest = _decoded(rest)
    found = re.match(r"(?:[A-Za-z0-9._-]+/)?([A-Za-z][A-Za-z0-9._-]*:.+)", rest)
    if found:
        return _canonical(found[1])
    prefix, _, accession = rest.partition("/")
    if not accession:
        raise _Malformed("is not a compact identifier: no accession follows the prefix")
    return _canonical(f"{prefix}:{accession}")


_READERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "doi": _doi,
    "hdl": _handle,
    "handle": _handle,
    "ark": _ark,
    "urn": _urn,
    "swh": _swhid,
    "perma": _perma,
    "local": _local,
    "info": _info,
    "zenodo": _zenodo,
}

_HYPHENS = re.compile("[-\N{HYPHEN}-\N{HORIZONTAL BAR}]")

_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "sftp": 22, "s3": None, "gs": None, "drs": None}

_NOT_IDENTIFIERS = {
    "javascript",
    "vbscript",
    "data",
    "file",
    "mailto",
    "blob",
    "about",
    "tel",
    "http",
    "https",
}

_BARE_HOST = re.compile(
    r"(?:(?:www\.|dx\.)?doi\.org|hdl\.handle\.net|n2t\.net|(?:www\.)?zenodo\.org|identifiers\.org)/",
    re.IGNORECASE,
)

_PROVIDERS: tuple[tuple[str, str, Callable[[str], tuple[str, str]]], ...] = (
    (r"(www\.|dx\.)?doi\.org|doi\.pangaea\.de|data\.datacite\.org", r"/+(?:api/handles/)?(.*)", _doi),
    (r"api\.datacite\.org", r"/dois/(.+)", _doi),
    (r"hdl\.handle\.net", r"/+(?:api/handles/)?(.*)", _handle),
    (r"(www\.)?zenodo\.org", r"/(?:api/)?records?/([0-9]+)(?=/|$)", _zenodo),
    (r"(www\.)?zenodo\.org", r"/doi/(10\..+)", _doi),
    (r"sandbox\.zenodo\.org", r"/(?:api/)?records?/([0-9]+)(?=/|$)", _sandbox),
    (r"(www\.)?datadryad\.org", r"/(?:stash/)?dataset/(doi(?::|%3a).+)", _doi),
    (r"identifiers\.org|n2t\.net", r"/(.+)", _listed),
)
