"""Settings: command-line flag, then environment, then file, then default.

The file is TOML (`alongside.toml` in the data folder, or `--config`); `[hub] port = 8471` is the
environment variable `ALONGSIDE_HUB_PORT`. `docs/reference/settings.md` is generated from this module.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from alongside.errors import Fault, Invalid, Misconfigured


def setting(default: Any, about: str) -> Any:
    """A dataclass field with the sentence that documents it."""
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class HubSettings:
    host: str = setting("127.0.0.1", "Address that the hub listens on (behind its edge).")
    port: int = setting(8471, "Port of the hub's request/response process.")
    workers: int = setting(1, "Hub worker processes.")
    database: str = setting("", "SQLAlchemy URL; empty means SQLite in the data folder.")
    url: str = setting("http://127.0.0.1:8470", "Address at which people reach the hub.")
    web_dir: str = setting("", "Folder of the built web app; empty means the one in the package.")
    session_days: int = setting(14, "Days until a browser session ends.")
    link_minutes: int = setting(60, "Minutes until an unused one-time sign-in link ends.")
    identifier_prefix: str = setting(
        "",
        "What identifiers of datasets that people save begin with, such as ark:/99999/fk4; empty: urn:uuid:.",
    )
    body_max_bytes: int = setting(5_000_000, "Largest request body that the API reads.")


@dataclass(frozen=True)
class DispatcherSettings:
    host: str = setting("127.0.0.1", "Address that the dispatcher listens on (behind the edge).")
    port: int = setting(8472, "Port of the dispatcher, which serves /live.")
    tick_ms: int = setting(10, "Milliseconds between looks for changes in the database.")
    lease_ttl_s: float = setting(15.0, "Seconds that a runner's lease lasts without a sync.")
    sync_every_s: float = setting(5.0, "Seconds between a runner's syncs when nothing happens.")
    wait_s: float = setting(4.0, "Longest time that a runner's wait is parked, in seconds.")
    unreachable_grace_s: float = setting(
        600.0, "Seconds without contact after which an interactive run is started elsewhere."
    )
    retries: int = setting(2, "New attempts for a task whose runner was lost.")
    action_ttl_s: float = setting(86_400.0, "Seconds that an action waits for its runner.")
    stage_max_bytes: int = setting(10_000_000_000, "Largest dataset copied to a site that does not hold it.")


@dataclass(frozen=True)
class RunnerSettings:
    hub_url: str = setting("http://127.0.0.1:8470", "Address of the hub, as the runner reaches it.")
    name: str = setting("", "Name of this runner; empty means the host name.")
    registration_token: str = setting("", "Token of the site, needed once.")
    work_dir: str = setting("", "Folder for homes, cache, attempts and spool; empty: data folder.")
    labels: tuple[str, ...] = setting((), "Labels that tools may require.")
    executors: tuple[str, ...] = setting(
        ("alongside.runner.executors.process", "alongside.runner.executors.docker"),
        "Executor modules, as dotted names.",
    )
    cpus: float = setting(0.0, "Cores to offer; 0 means all.")
    memory_gb: float = setting(0.0, "Memory to offer in GB; 0 means all.")
    starts_max: int = setting(
        0, "Interactive tools that may be starting at once; 0 means four for each core of this machine."
    )
    data_roots: tuple[str, ...] = setting(
        (), "Folders whose contents may be mounted as datasets; empty means none."
    )
    environments: tuple[str, ...] = setting(
        (), "Environments of the process executor, as name=folder (a Python or conda prefix)."
    )
    share_network: bool = setting(
        False,
        "Let the process executor run tools that need the network: they share this machine's, "
        "and reach whatever listens on its loopback addresses.",
    )
    edge_control: str = setting("", "Unix socket of this site's edge; empty: edge.sock in the data folder.")
    tool_uid: int = setting(64_000, "First uid for tools when the runner is root; one per account.")
    tool_gid: int = setting(60_000, "First gid for groups that have a folder, while identity is assigned.")
    identity: str = setting(
        "assigned",
        "Who an account is here: assigned (a uid each), table, nss (as this machine says) or single.",
    )
    identity_table: tuple[str, ...] = setting(
        (), "For identity=table: entries name:uid:gid:group=gid group=gid, or files of such lines."
    )
    identity_book: str = setting(
        "", "For identity=assigned: file of the uids given; runners that share homes share it. Empty: own."
    )
    homes_dir: str = setting(
        "", "Homes on a file system of the site, as /nfs/home/{name}; empty: in the work folder."
    )
    group_folders: tuple[str, ...] = setting(
        (), "Folders of groups, as group=/folder (writable) or group=/folder:ro; empty means none."
    )
    docker_socket: str = setting("/var/run/docker.sock", "Socket of the Docker Engine.")
    tool_subnet: str = setting(
        "172.30.0.0/16", "Addresses for the networks of tools on Docker, cut into /28 pieces."
    )
    egress: str = setting("registered", "Hosts datasets are fetched from: registered or public.")
    egress_hosts: tuple[str, ...] = setting(
        (), "Hosts that datasets may be fetched from while egress is registered; empty means none."
    )
    spool_max_bytes: int = setting(1_000_000_000, "Largest spool of unsent reports and logs.")


@dataclass(frozen=True)
class EdgeSettings:
    host: str = setting("127.0.0.1", "Address that people's browsers reach the edge at.")
    port: int = setting(8470, "Port that people's browsers reach the edge at.")
    url: str = setting("http://{run}.localhost:8470", "Origin of a run; {run} is its id.")
    control: str = setting("", "Unix socket for the site's runners; empty: edge.sock in the data folder.")
    proxy: str = setting("auto", "Proxy to use: auto, haproxy or traefik.")
    hub_host: str = setting(
        "127.0.0.1", "Host name under which this edge also serves the hub; empty means not at all."
    )
    hub_upstream: str = setting("127.0.0.1:8471", "Address of the hub behind this edge.")
    live_upstream: str = setting("127.0.0.1:8472", "Address of the dispatcher behind this edge.")
    files_host: str = setting("files", "First label of the host that serves this site's files.")
    slots: int = setting(2048, "Interactive runs that the proxy can route at once.")
    secret_hours: float = setting(24.0, "Hours until an unused capability cookie ends.")
    tls_certificate: str = setting("", "PEM file with certificate and key; empty means plain http.")


@dataclass(frozen=True)
class AccountSettings:
    running_max: int = setting(10, "Runs an account may have at once, unless it has limits of its own.")
    cpus_max: float = setting(0.0, "Cores an account may hold at once; 0 means no limit.")
    memory_gb_max: float = setting(0.0, "Memory in GB an account may hold at once; 0: no limit.")
    gpus_max: int = setting(-1, "GPUs an account may hold at once; -1 means no limit.")
    lifetime_max_s: float = setting(
        0.0, "Seconds after which an interactive run pauses by itself; 0 means no limit."
    )
    token_days: int = setting(90, "Days until an API token ends, unless asked for less.")
    registration: str = setting(
        "closed",
        "Who may register: open, domain, invitation, approval or closed (administrators add people).",
    )
    email_domains: tuple[str, ...] = setting((), "Domains of e-mail addresses that may register (domain).")
    sign_in: tuple[str, ...] = setting(
        ("password",),
        "Ways to sign in: password, link (by e-mail), email (only asked for), oidc, open (guests).",
    )
    invitation_days: int = setting(14, "Days until an unused invitation ends, unless asked for less.")
    look_minutes: int = setting(60, "Minutes until an administrator's look as somebody else ends.")


@dataclass(frozen=True)
class HomeSettings:
    quota_gb: float = setting(0.0, "Size in GB of a home, unless the account has another; 0: no limit.")
    when_full: str = setting("warn", "What a full home does: warn, or refuse new tools as well.")
    measure_minutes: float = setting(15.0, "Minutes between two looks at the size of a home in use.")
    snapshots_max: int = setting(10, "Snapshots that an account may keep of one home.")
    auto: bool = setting(False, "Make homes with the account, before anything is launched.")
    sites: tuple[str, ...] = setting((), "Sites where homes are made with the account; empty: all.")
    hierarchy: str = setting(
        "", 'Folders that a home begins with, as JSON like {"work": {"@@": {}}}; @@ is the name.'
    )


@dataclass(frozen=True)
class GuestSettings:
    hours: float = setting(72.0, "Hours that a guest's account and work are kept after the last arrival.")
    running_max: int = setting(1, "Runs that a guest may have at once.")
    cpus_max: float = setting(2.0, "Cores that a guest may hold at once; 0 means no limit.")
    memory_gb_max: float = setting(4.0, "Memory in GB that a guest may hold at once; 0: no limit.")
    per_hour: int = setting(300, "New guests from one address within an hour.")


@dataclass(frozen=True)
class OidcSettings:
    issuer: str = setting("", "Issuer of the OpenID Connect provider, as https://id.example.org.")
    client_id: str = setting("", "The hub's name at the provider.")
    client_secret: str = setting("", "The hub's secret at the provider; empty for a public client.")
    title: str = setting("", "What the button for it says; empty: the provider's host.")
    scopes: tuple[str, ...] = setting(("openid", "profile", "email"), "Scopes asked for.")
    trusted_domains: tuple[str, ...] = setting(
        (), "E-mail domains of which the provider is believed who an existing account belongs to."
    )
    admits_all: bool = setting(
        True, "Whoever the provider knows gets an account; false: accounts.registration decides."
    )


@dataclass(frozen=True)
class MailSettings:
    host: str = setting("", "SMTP server; empty means that no mail is sent.")
    port: int = setting(587, "Port of the SMTP server.")
    security: str = setting("starttls", "starttls, tls (from the first byte, usually port 465) or none.")
    user: str = setting("", "Name to sign in to the SMTP server with; empty means not at all.")
    password: str = setting("", "Password for the SMTP server.")
    sender: str = setting("", "Address that letters come from; empty: alongside@ the hub's host.")


@dataclass(frozen=True)
class NoticeSettings:
    keep_days: int = setting(90, "Days that notices stay in an inbox.")
    webhooks_private: bool = setting(
        False, "Let webhooks call addresses of private networks and of this machine."
    )
    webhooks_max: int = setting(10, "Webhooks that an account may have.")


@dataclass(frozen=True)
class CullingSettings:
    idle_s: float = setting(
        14_400.0, "Seconds without any use after which an interactive run is paused; 0 means never."
    )
    warn_s: float = setting(900.0, "Seconds before that, and before a lifetime ends, to warn the owner.")
    look_s: float = setting(15.0, "Seconds between a runner's looks at what its tools do.")


@dataclass(frozen=True)
class LogSettings:
    level: str = setting("info", "Least severe level that is written: debug, info, warning, error.")
    format: str = setting("auto", "json, text, or auto (text on a terminal).")


@dataclass(frozen=True)
class Config:
    """All settings of one installation; every process reads the same ones."""

    data_dir: Path = field(
        default=Path("alongside-data"),
        metadata={"about": "Folder for the database, logs, keys and homes; never on a network file system."},
    )
    hub: HubSettings = HubSettings()
    dispatcher: DispatcherSettings = DispatcherSettings()
    runner: RunnerSettings = RunnerSettings()
    edge: EdgeSettings = EdgeSettings()
    accounts: AccountSettings = AccountSettings()
    culling: CullingSettings = CullingSettings()
    guests: GuestSettings = GuestSettings()
    homes: HomeSettings = HomeSettings()
    oidc: OidcSettings = OidcSettings()
    mail: MailSettings = MailSettings()
    notices: NoticeSettings = NoticeSettings()
    log: LogSettings = LogSettings()

    @property
    def database_url(self) -> str:
        return self.hub.database or f"sqlite:///{self.data_dir.absolute() / 'hub.sqlite'}"

    @property
    def control_socket(self) -> Path:
        return Path(self.edge.control or self.data_dir / "edge.sock").absolute()


def read(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration of this process.

    `flags` maps `section.name` (or `data_dir`) to a value; None values are ignored.

    Raises:
        Misconfigured: the file cannot be read.
        Invalid: naming every unknown or malformed setting.
    """
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    data_dir = Path(given.pop("data_dir", None) or environ.get("ALONGSIDE_DATA_DIR") or "alongside-data")
    faults: list[Fault] = []
    wanted: dict[str, Any] = {}
    wanted.update(_from_file(file or data_dir / "alongside.toml", required=file is not None))
    wanted.update(_from_environment(environ))
    wanted.update(given)
    if "data_dir" in wanted:
        data_dir = Path(str(wanted.pop("data_dir")))
    config = Config(data_dir=data_dir)
    for key, value in wanted.items():
        config = _with(config, key, value, faults)
    faults += _contradictions(config)
    if faults:
        raise Invalid(faults)
    return config


REGISTRATIONS = ("open", "domain", "invitation", "approval", "closed")
SIGN_INS = ("password", "link", "email", "oidc", "open")


def _contradictions(config: Config) -> list[Fault]:
    """What is wrong with settings that are well formed each by itself."""
    accounts, faults = config.accounts, list[Fault]()
    if accounts.registration not in REGISTRATIONS:
        faults.append(Fault("accounts.registration", f"must be one of {', '.join(REGISTRATIONS)}"))
    if unknown := [name for name in accounts.sign_in if name not in SIGN_INS]:
        faults.append(Fault("accounts.sign_in", f"{', '.join(unknown)}: choose from {', '.join(SIGN_INS)}"))
    if not accounts.sign_in:
        faults.append(Fault("accounts.sign_in", "name at least one way, or nobody can come in"))
    if "link" in accounts.sign_in and not config.mail.host:
        faults.append(Fault("mail.host", "is needed for sign-in by e-mail link (accounts.sign_in)"))
    if accounts.registration == "domain":
        if not accounts.email_domains:
            faults.append(Fault("accounts.email_domains", "is needed for accounts.registration = domain"))
        if not config.mail.host:
            faults.append(Fault("mail.host", "is needed for accounts.registration = domain"))
    if "oidc" in accounts.sign_in:
        for name in ("issuer", "client_id"):
            if not getattr(config.oidc, name):
                faults.append(Fault(f"oidc.{name}", "is needed for sign-in by OpenID Connect"))
        # The hub's secret and people's identities travel there.
        if config.oidc.issuer and not _is_private_enough(config.oidc.issuer):
            faults.append(Fault("oidc.issuer", "must start with https:// (http:// only on this machine)"))
    if config.guests.hours <= 0:
        faults.append(Fault("guests.hours", "must be more than 0"))
    return faults


def _is_private_enough(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    )


def settings() -> list[tuple[str, Any, str]]:
    """Every setting as (section.name, default, what it is for)."""
    rows: list[tuple[str, Any, str]] = []
    for section in fields(Config):
        if section.name == "data_dir":
            rows.append((section.name, str(section.default), section.metadata["about"]))
            continue
        for item in fields(_section_type(section)):
            rows.append((f"{section.name}.{item.name}", item.default, item.metadata["about"]))
    return rows


def environment_name(key: str) -> str:
    """`hub.port` → `ALONGSIDE_HUB_PORT`."""
    return "ALONGSIDE_" + key.replace(".", "_").upper()


def _from_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text())
    except FileNotFoundError:
        if required:
            raise Misconfigured(f"there is no configuration file {path}") from None
        return {}
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path} is not valid TOML: {error}") from None
    values: dict[str, Any] = {}
    for section, content in tables.items():
        if isinstance(content, dict):
            values.update({f"{section}.{name}": value for name, value in content.items()})
        else:
            values[section] = content
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        key: environ[environment_name(key)]
        for key, _, _ in settings()
        if key != "data_dir" and environment_name(key) in environ
    }


def _with(config: Config, key: str, value: Any, faults: list[Fault]) -> Config:
    section_name, _, name = key.partition(".")
    section = next((item for item in fields(Config) if item.name == section_name), None)
    known = {item.name: item for item in fields(_section_type(section))} if section and name else {}
    if section is None or name not in known:
        faults.append(Fault(key, "there is no such setting"))
        return config
    try:
        converted = _convert(known[name], value)
    except (TypeError, ValueError) as error:
        faults.append(Fault(key, str(error)))
        return config
    return replace(config, **{section_name: replace(getattr(config, section_name), **{name: converted})})


def _section_type(section: Field[Any]) -> type[Any]:
    return get_type_hints(Config)[section.name]


def _number(value: Any, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(value)
    except (TypeError, ValueError):
        words = "a whole number" if kind is int else "a number"
        raise ValueError(f"expected {words}, got {value!r}") from None


def _convert(item: Field[Any], value: Any) -> Any:
    default = item.default
    if isinstance(default, bool):
        if str(value).lower() in {"1", "true", "yes", "on"}:
            return True
        if str(value).lower() in {"0", "false", "no", "off"}:
            return False
        raise ValueError(f"expected true or false, got {value!r}")
    if isinstance(default, (int, float)):
        return _number(value, type(default))
    if isinstance(default, tuple):
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(str(part).strip() for part in parts if str(part).strip())
    return str(value)
