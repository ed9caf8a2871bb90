"""The HAProxy configuration of an edge, as text; it changes with the settings, never with the runs.

Runs come and go in the map file `routes.map` and in the symbolic links `slots/NNNN.sock`, over the
runtime socket. All paths are relative to the edge's folder, in which HAProxy is started: the path of a
unix socket may have 107 characters only, and a data folder may lie deep.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alongside.edge.origin import RUN_LABEL, Origins
from alongside.spec.shells import PATH as SHELL_PATH

MAP = "routes.map"
RUNTIME = "haproxy.sock"
#: our own cookies, the hub's included, with the browsers' two prefixes; `,` is a separator for HAProxy too
OUR_COOKIES = r"(^|[;,])[ \t]*(__(Host|Secure)-)?alongside_[^;,]*"
#: responses whose host-wide effects would reach beyond a run's own origin, or around the edge
REMOVED_FROM_TOOLS = ("Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc")


@dataclass(frozen=True)
class Settings:
    """Everything the text depends on."""

    #: `address:port` of each listening socket
    binds: tuple[str, ...]
    origins: Origins
    slots: int
    hub_upstream: str
    live_upstream: str
    certificate: str
    maxconn: int
    threads: int


def render(settings: Settings) -> str:
    parts = [_head(settings), _front(settings), _upstreams(settings), _slots(settings.slots)]
    return "\n".join(parts)


def slot_name(slot: int) -> str:
    return f"slot{slot:04}"


def slot_socket(slot: int) -> str:
    return f"slots/{slot:04}.sock"


def _head(settings: Settings) -> str:
    # noreuseport: with it, a second HAProxy of the same user would share the port without a word.
    # tune.bufsize: a download moves in steps of this size; 16 KiB, the default, halves its speed.
    # max-session-srv-conns: connections to tools are kept open and belong to the slot, which lets go
    # of them when it is pointed elsewhere. What asks for NTLM would belong to the visitor instead.
    return f"""\
global
    stats socket unix@{RUNTIME} mode 600 level admin
    maxconn {settings.maxconn}
    nbthread {settings.threads}
    noreuseport
    tune.bufsize 65536
    hard-stop-after 5s
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults base
    mode http
    option contstats
    max-session-srv-conns 0
    timeout connect 5s
    timeout http-request 15s
    timeout http-keep-alive 60s
    timeout client 10m
    timeout client-fin 30s
    timeout server 24h
    timeout tunnel 24h
    retries 3

defaults tools from base
    default-server pool-purge-delay 1s
{_pages((502, 503, 504), _TOOL_SILENT.format(hub=settings.origins.hub_url))}
"""


def _front(settings: Settings) -> str:
    origins = settings.origins
    tls = f" ssl crt '{settings.certificate}' alpn h2,http/1.1" if settings.certificate else ""
    binds = "\n".join(f"    bind {bind}{tls}" for bind in settings.binds)
    run_host = rf"^{RUN_LABEL}\.{origins.domain.replace('.', chr(92) + '.')}$"
    hub = f"var(txn.host) -m str '{origins.hub_host}'" if origins.hub_host else "always_false"
    lines = f"""
    acl is_hub {hub}
    acl is_files var(txn.host) -m str '{origins.files_host}'
    acl is_bare var(txn.host) -m str '{origins.domain}'
    acl is_run var(txn.run) -m found
    acl is_ours path_beg /.alongside/
    acl has_key var(txn.to) -m found

    http-request del-header X-Forwarded- -m beg
    http-request del-header X-Alongside- -m beg
    http-request del-header X-Real-IP
    http-request del-header Forwarded
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto {origins.scheme}
    http-request set-header X-Forwarded-Host %[req.fhdr(host)]
    http-request set-header X-Forwarded-Port {origins.external_port}

    http-request set-var(txn.host) 'req.fhdr(host),regsub(":[0-9]*$",""),lower'
    http-request set-var(txn.run) var(txn.host),field(1,.) if {{ var(txn.host) -m reg '{run_host}' }}
    http-request redirect code 302 location '{origins.hub_url}%[capture.req.uri]' if is_bare
    http-request return status 421 {_problem(421, "misdirected", "This edge serves no such host.")} \
unless is_hub || is_files || is_run

{_foreign(origins)}
{_keys(origins.cookie)}
{_drives(origins)}    use_backend live if is_hub {{ path_beg /live/ }}
    use_backend api if is_hub {{ path_beg /api/ }}
    use_backend hub if is_hub
    use_backend files if is_files
    use_backend gate if is_ours || !has_key
    use_backend %[var(txn.to),field(1,@)]

    acl from_tool var(txn.slot) -m found
{_answers()}"""
    return f"frontend front from base\n{binds}\n{lines}"


def _drives(origins: Origins) -> str:
    """Few programs know that `files.localhost` is this machine: there, drives are at the hub's name."""
    return "    use_backend files if is_hub { path_beg /dav/ }\n" if origins.is_local else ""


def _foreign(origins: Origins) -> str:
    """Refuses what another site's page sends: by Origin, and by Sec-Fetch-* where there is no Origin.

    A page of one run may be of the same *site* as another run (`*.tools.example.org`), so SameSite
    cookies alone do not stop its images, scripts and frames. The door to shells looks for itself: the
    hub's pages come to it, with a ticket instead of a cookie.
    """
    refusal = _problem(403, "forbidden", "Requests from another origin are refused.")
    return f"""\
    http-request set-var(txn.hostport) req.fhdr(host),lower
    http-request set-var(txn.origin) req.fhdr(origin),lower
    http-request set-var(txn.own) 'str({origins.scheme}://),concat("",txn.hostport,"")'
    acl names_origin req.fhdr(origin) -m found
    acl own_origin var(txn.origin),strcmp(txn.own) eq 0
    acl from_elsewhere req.fhdr(sec-fetch-site) -m str same-site cross-site
    acl goes_there req.fhdr(sec-fetch-mode) -m str navigate
    acl as_page req.fhdr(sec-fetch-dest) -m str document
    http-request return status 403 {refusal} if is_run {{ req.fhdr_cnt(origin) gt 1 }}
    acl is_shell path {SHELL_PATH}
    http-request return status 403 {refusal} if is_run names_origin !own_origin !is_shell
    http-request return status 403 {refusal} if is_run from_elsewhere !goes_there !is_shell
    http-request return status 403 {refusal} if is_run from_elsewhere !as_page !is_shell
"""


def _keys(cookie: str) -> str:
    """Looks the secret up, whoever carries it: cookie, `Authorization: Bearer|token`, `?token=`.

    The last two are how Jupyter clients of a desktop speak. What opened the door is taken away
    before the tool sees the request; what did not is the tool's own business and stays.
    """
    sources = (
        ("cookie", f"req.cook({cookie})"),
        ("bearer", 'req.fhdr(authorization),regsub("^[A-Za-z]+ +","")'),
        ("query", "url_param(token)"),
    )
    lines: list[str] = []
    for name, sample in sources:
        lines += [
            f"http-request set-var(txn.{name}) '{sample},sha2(256),hex,lower' if is_run",
            f"http-request set-var(txn.{name}_key) 'var(txn.run),concat(:,txn.{name},)' "
            f"if {{ var(txn.{name}) -m found }}",
            f"http-request set-var(txn.{name}_to) var(txn.{name}_key),map_str({MAP}) "
            f"if {{ var(txn.{name}_key) -m found }}",
            f"http-request set-var(txn.to) var(txn.{name}_to) if {{ var(txn.{name}_to) -m found }} !has_key",
        ]
    lines += [
        "http-request del-header Authorization if { var(txn.bearer_to) -m found }",
        """http-request set-query '%[query,regsub("(^|&)token=[^&]*","",g),regsub("^&","")]' """
        "if { var(txn.query_to) -m found }",
        "http-request set-var(txn.slot) var(txn.to),field(1,@) if has_key !is_ours",
        "http-request set-var(txn.tcp) var(txn.to),field(3,@) if has_key { var(txn.to) -m sub @tcp@ }",
        "http-request set-dst var(txn.to),field(4,@) if { var(txn.tcp) -m found }",
        "http-request set-dst-port var(txn.tcp) if { var(txn.tcp) -m found }",
        f"""http-request set-header Cookie '%[req.fhdr(cookie),regsub("{OUR_COOKIES}","",g),"""
        """regsub("^[;, \\t]+","")]' if { var(txn.slot) -m found } { req.fhdr(cookie) -m found }""",
        "http-request del-header Cookie if { var(txn.slot) -m found } { req.fhdr(cookie) -m len 0 }",
    ]
    return "".join(f"    {line}\n" for line in lines)


def _answers() -> str:
    """Keeps a tool's answers inside its own origin."""
    lines = [f"http-response del-header {name} if from_tool" for name in REMOVED_FROM_TOOLS]
    lines += [
        # a tool must not overwrite the key with which its visitor came
        r"http-response replace-header Set-Cookie '^[ \t]*(__(Host|Secure)-)?alongside_.*' "
        "'alongside_refused=; Max-Age=0' if from_tool",
        r"http-response replace-header Set-Cookie '(?i)^(.*?);[ \t]*domain[^;]*(.*)$' '\1\2' if from_tool",
        # only a second Domain can be left, which no honest cookie has: its attributes go altogether
        r"http-response replace-header Set-Cookie '(?i)^([^;]*);.*;?[ \t]*domain.*$' '\1' "
        "if from_tool",
    ]
    return "".join(f"    {line}\n" for line in lines)


def _upstreams(settings: Settings) -> str:
    starting = _pages((502, 503, 504), _HUB_SILENT)
    silent = "".join(
        f"    http-error status {status} "
        f"{_problem(status, 'unavailable', 'This part of Alongside does not answer now.')}\n"
        for status in (502, 503, 504)
    )
    return f"""\
backend hub from base
    timeout server 2m
{starting}    server hub {settings.hub_upstream}

backend api from base
    timeout server 5m
{silent}    server hub {settings.hub_upstream}

backend live from base
{silent}    server dispatcher {settings.live_upstream}

backend gate from base
    timeout server 30s
{silent}    server gate unix@gate.sock

backend files from base
    http-request del-header Cookie
{silent}    server files unix@files.sock
"""


def _slots(count: int) -> str:
    """`tcp` goes where set-dst said; weight 0 keeps everything else from it."""
    return "".join(
        f"backend {slot_name(slot)} from tools\n"
        f"    use-server tcp if {{ var(txn.tcp) -m found }}\n"
        f"    server unix unix@{slot_socket(slot)}\n"
        f"    server tcp 0.0.0.0:0 weight 0\n"
        for slot in range(1, count + 1)
    )


def _problem(status: int, code: str, detail: str) -> str:
    body = (
        f'{{"type":"about:blank","title":"{detail}","status":{status},"code":"{code}","detail":"{detail}"}}'
    )
    return f"content-type application/problem+json string '{body}'"


def _pages(statuses: Iterable[int], html: str) -> str:
    return "".join(
        f"    http-error status {status} content-type 'text/html; charset=utf-8' lf-string '{html}'\n"
        for status in statuses
    )


_TOOL_SILENT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Not answering</title>"
    "<body style=font:1rem/1.5_system-ui><h1>This tool does not answer</h1><p>It may be starting, or it has "
    'ended. <a href="{hub}/open/%[var(txn.run)]">Look at the run</a></body></html>'
)
_HUB_SILENT = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2><title>Alongside"
    "</title><body><h1>Alongside is starting</h1><p>This page tries again by itself.</body></html>"
)
