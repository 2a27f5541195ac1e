"""Who asks: by key, by session, by share link, or from this machine. What each may: `permits.py`."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eventmill.registry.base import Key, RegistryError, Share
from eventmill.registry.database import Database
from eventmill.registry.domains import list_domains
from eventmill.registry.door import publish_keys
from eventmill.registry.keys import list_keys
from eventmill.registry.password import password_hash
from eventmill.registry.sessions import open_sessions
from eventmill.registry.shares import list_shares
from eventmill.registry.tokens import hash_of, same
from eventmill.settings import LOOPBACK, is_loopback
from eventmill.web.origins import EVERY, split_host
from eventmill.web.services import Services

log = logging.getLogger(__name__)
Role = Literal["admin", "read", "share", "write", "local", "", "unknown"]
POLL_S = 0.5
"""A change that another process makes is in force after this time."""
SESSION_COOKIE, SHARE_COOKIE = "eventmill_session", "eventmill_share"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(slots=True, frozen=True)
class Caller:
    """`role` empty: nobody; `unknown`: a key that is none. `site` empty: all sites.

    `by_key`: the request carries its proof itself, so no foreign page can have made the browser send it."""

    role: Role = ""
    site: str = ""
    by_key: bool = False
    view: str = ""


@dataclass(slots=True, frozen=True)
class Rules:
    """What the settings database said at `revision`. Keys, shares and sessions by the hash of their token."""

    revision: int = -1
    keys: Mapping[str, Key] = field(default_factory=dict)
    shares: Mapping[str, Share] = field(default_factory=dict)
    sessions: Mapping[str, int] = field(default_factory=dict)
    password: str = ""
    domains: frozenset[str] = frozenset()


class Access:
    """Tells who a caller is, by the rules in memory; `follow` keeps them as new as the settings database."""

    def __init__(self, services: Services) -> None:
        self._registry = services.registry
        self._clock = services.clock
        self._data = services.settings.data_dir
        self._loopback = is_loopback(services.settings.web.listen)
        self._local_key = hash_of(services.local_key) if services.local_key else ""
        self._away = False
        self._reloading = threading.Lock()
        self.rules = Rules()
        if self._registry is not None:
            self._reload(self._registry)
            self._registry.after_change(self.reload)

    def caller(self, headers: Mapping[str, str], secure: bool) -> Caller:
        """Who sent a request with these headers (names in lower case). A key wins over a session."""
        rules, given = self.rules, headers.get("authorization", "")
        scheme, _, text = given.partition(" ")
        if scheme.lower() == "bearer":
            return self._by_token(hash_of(text.strip()), rules)
        cookies = headers.get("cookie", "")
        for token in cookie_values(cookies, cookie_name(SESSION_COOKIE, secure)):
            # A dict finds by hash; the comparison of the whole hash does not tell how near a guess was.
            if rules.sessions.get(hash_of(token), 0) > self._clock():
                return Caller("admin")
        if self._is_local(headers):
            return Caller("local")  # before the share: who follows a link loses nothing by it
        for token in cookie_values(cookies, cookie_name(SHARE_COOKIE, secure)):
            share = rules.shares.get(hash_of(token))
            if share is not None:
                return Caller("share", share.site, view=share.view)
        return Caller()

    def share(self, token: str) -> Share | None:
        """The share with this token."""
        return self.rules.shares.get(hash_of(token))

    def reload(self) -> None:
        """Takes over what has changed. Where the database does not answer, the rules stay as they are."""
        assert self._registry is not None
        with self._reloading:
            self._reload(self._registry)

    def _reload(self, registry: Database) -> None:
        try:
            if registry.revision() != self.rules.revision:
                before, self.rules = self.rules, load_rules(registry)
                if before.keys != self.rules.keys:
                    publish_keys(registry, self._data)  # the change may have been made on another machine
                if EVERY in self.rules.domains - before.domains:
                    log.warning("domains has *: pages of every site may read the API; `eventmill domains remove '*'`")
            self._away = False
        except (RegistryError, OSError) as error:
            if not self._away:
                log.warning("%s: keys, password and domains stay as they were", error)
            self._away = True

    async def follow(self) -> None:
        """Looks for changes of other processes, for ever."""
        while self._registry is not None:
            await asyncio.sleep(POLL_S)
            await asyncio.to_thread(self.reload)

    def _by_token(self, hashed: str, rules: Rules) -> Caller:
        key = rules.keys.get(hashed)
        if key is not None and same(key.hash, hashed):
            return Caller(key.scope, key.site, by_key=True)
        share = rules.shares.get(hashed)
        if share is not None and same(share.hash, hashed):
            return Caller("share", share.site, by_key=True, view=share.view)
        if self._local_key and same(self._local_key, hashed):
            return Caller("admin", by_key=True)
        return Caller("unknown")

    def _is_local(self, headers: Mapping[str, str]) -> bool:
        """Whether the request comes from this machine. Once there is a password, what comes through a proxy does
        not: it has a name of the outside, or says for whom it asks."""
        if not self._loopback or not self.rules.password:
            return self._loopback
        host = split_host(headers.get("host", ""))
        return host is not None and host[0] in LOOPBACK and not any(name in headers for name in _FORWARDED)


def load_rules(registry: Database) -> Rules:
    """Reads them. Raises RegistryError."""
    revision = registry.revision()  # first: a change meanwhile makes them old, and they are read again
    return Rules(
        revision,
        {key.hash: key for key in list_keys(registry)},
        {share.hash: share for share in list_shares(registry)},
        open_sessions(registry),
        password_hash(registry),
        frozenset(domain.host for domain in list_domains(registry)),
    )


def cookie_name(name: str, secure: bool) -> str:
    """Over https with the prefix that keeps other hosts and plain http from setting it (RFC 6265bis)."""
    return f"__Host-{name}" if secure else name


def cookie_values(header: str, name: str) -> list[str]:
    """All values of that name: another path or host may have set one more."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return [value for key, _, value in pairs if key == name and value]
