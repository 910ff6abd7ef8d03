"""The sources of a secret, asked one after the other, until one has it.

The order is: SENDKIT_PASSWORD, the file named by SENDKIT_PASSWORD_FILE, the systemd credential, the program named by
SENDKIT_PASSWORD_COMMAND, the keyring. A source that has none passes the question on. A source that fails (a file open
to all, a program that fails, a keyring that is locked or not usable) ends the search with its own error, which names
the sources asked before it: so a machine without a keyring raises KeyringUnavailable, and CredentialsNotFound always
means that every source was asked. Must not know: how any of the sources is read.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, TypeAlias

from sendkit._credentials.command import EnvironmentCommand
from sendkit._credentials.environment import EnvironmentVariable, PasswordFile, SystemdCredential
from sendkit._credentials.os_keyring import LOOKUP_LIMIT, Keyring, login_hint
from sendkit._credentials.source import Found, Missing, Source
from sendkit._lifetime.loops import PerLoop
from sendkit.errors import CredentialsError, CredentialsNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sendkit._credentials.oauth2 import OAuth2
    from sendkit._credentials.secret import Secret

LoginKey: TypeAlias = tuple[str, str]
Searched: TypeAlias = Found | tuple[Missing, ...]


class CredentialChain:
    """Credentials that look in several sources, only when they are asked, and remember what they found.

    Logins that ask at the same time share one search. A search without success is not remembered.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self.forget()

    def forget(self) -> None:
        """Forget every secret, so that the next login looks again."""
        # Also a search that still runs must not bring back what is forgotten now: it keeps writing to the old mapping.
        self._found: dict[LoginKey, Found] = {}
        self._searches: PerLoop[dict[LoginKey, asyncio.Task[Searched]]] = PerLoop()
        self._tokens: dict[LoginKey, OAuth2] = {}

    @property
    def source(self) -> str:
        """The sources that held what was found so far, or that nothing was looked for yet."""
        sources = dict.fromkeys(found.source for found in self._found.values())
        return ", ".join(sources) or "not looked up yet"

    async def secret(self, *, host: str, username: str) -> Secret:
        """Return the secret of this account.

        Raises CredentialsNotFound, KeyringUnavailable, KeyringLocked, or CredentialsError (a file that cannot be used).
        """
        account = (host.lower(), username)
        answer = self._found.get(account) or await self._search_once(account)
        if not isinstance(answer, Found):
            raise _error(host, username, answer)
        if not answer.is_grant:
            return answer.secret
        return await self._token(account, answer, None)

    async def renewed(self, refused: Secret, *, host: str, username: str) -> Secret | None:
        """Look again, unless somebody else has found another secret meanwhile; raises as `secret` does."""
        account = (host.lower(), username)
        found = self._found.get(account)
        if found is not None and refused.bearer:
            return await self._token(account, found, refused)
        if found is not None and found.secret == refused:
            del self._found[account]
        return await self.secret(host=host, username=username)

    async def _token(self, account: LoginKey, found: Found, refused: Secret | None) -> Secret:
        """What was found is not a password, but lets us ask for tokens."""
        # Most accounts have a password, and this takes 15 ms to load.
        from sendkit._credentials.stored_grant import open_grant  # noqa: PLC0415 - most secrets are passwords

        host, username = account
        tokens = self._tokens.get(account) or open_grant(found.secret, found.source, host, username)
        if tokens is None:
            hint = f"write it again: {login_hint(host, username)}"
            raise CredentialsError(f"{found.source}: holds an OAuth 2 grant that cannot be read", hint=hint)
        self._tokens[account] = tokens
        try:
            if refused is None:
                return await tokens.secret(host=host, username=username)
            return await tokens.renewed(refused, host=host, username=username) or refused
        except CredentialsError as error:
            if error.transient:
                raise
            # A refresh token may be good for one use: another process has used it then, and stored the next one.
            self._found.pop(account, None)
            self._tokens.pop(account, None)
            again = await self._search_once(account)
            if isinstance(again, Found) and again.is_grant and again.secret != found.secret:
                return await self._token(account, again, None)
            raise

    async def _search_once(self, account: LoginKey) -> Searched:
        searches = self._searches.here(dict)
        running = searches.get(account)
        if running is None or running.done():
            running = searches[account] = asyncio.get_running_loop().create_task(self._search(account, self._found))
        return await asyncio.shield(running)

    async def _search(self, account: LoginKey, memory: dict[LoginKey, Found]) -> Searched:
        missing: list[Missing] = []
        for source in self._sources:
            answer = await source.find(host=account[0], username=account[1])
            if isinstance(answer, Found):
                memory[account] = answer
                return answer
            missing.append(answer)
            if answer.error is not CredentialsNotFound:
                break
        return tuple(missing)


def default_chain(*, environ: Mapping[str, str] = os.environ, keyring_limit: float = LOOKUP_LIMIT) -> CredentialChain:
    """Build the chain that a mailer uses when it is given neither `password=` nor `credentials=`."""
    sources = (
        EnvironmentVariable(environ),
        PasswordFile(environ),
        SystemdCredential(environ),
        EnvironmentCommand(environ),
        Keyring(keyring_limit),
    )
    return CredentialChain(sources)


def _error(host: str, username: str, missing: tuple[Missing, ...]) -> CredentialsError:
    sources = "".join(f"\n  {one.source}: {one.why}" for one in missing)
    last = missing[-1] if missing else Missing("", "")
    return last.as_error(f"no password for {username} on {host}; looked in:{sources}", hint=login_hint(host, username))
