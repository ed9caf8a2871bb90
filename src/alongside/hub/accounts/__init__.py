"""The room of people: accounts, what proves them, groups, access tags, and what each may hold."""

from alongside.hub.accounts.credentials import (
    Authenticated,
    NewSession,
    NewToken,
    by_session,
    by_token,
    change_password,
    create_link,
    create_token,
    csrf_matches,
    list_tokens,
    note_use,
    open_session,
    password_of,
    revoke_token,
    sign_out,
    use_is_worth_noting,
    use_link,
)
from alongside.hub.accounts.limiter import Limiter
from alongside.hub.accounts.passwords import Passwords
from alongside.hub.accounts.people import NAME_PATTERN, by_name, create, edit, get, page, remove
from alongside.hub.accounts.quotas import Quota, Share, check_quota, usage

__all__ = [
    "NAME_PATTERN",
    "Authenticated",
    "Limiter",
    "NewSession",
    "NewToken",
    "Passwords",
    "Quota",
    "Share",
    "by_name",
    "by_session",
    "by_token",
    "change_password",
    "check_quota",
    "create",
    "create_link",
    "create_token",
    "csrf_matches",
    "edit",
    "get",
    "list_tokens",
    "note_use",
    "open_session",
    "page",
    "password_of",
    "remove",
    "revoke_token",
    "sign_out",
    "usage",
    "use_is_worth_noting",
    "use_link",
]
