"""A grant in the keyring is written and read back whole, shows nothing, and what cannot be read says so."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from sendkit._credentials import Secret, default_chain
from sendkit._credentials.grants import OAuthClient
from sendkit._credentials.source import Found
from sendkit._credentials.stored_grant import StoredGrant, open_grant
from sendkit.errors import CredentialsError
from sendkit.testing import assert_no_secret_leaks
from tests.credentials.conftest import Choose
from tests.credentials.helpers import HOST, USER, Shelf
from tests.servers.token_server import CLIENT, CLIENT_SECRET, TokenServer

REFRESH = "refresh-token-of-ana"


def entry(server: TokenServer, **changes: str | None) -> Secret:
    fields = {"provider": server.issuer, "client_id": CLIENT, "refresh_token": REFRESH, **changes}
    return Secret("oauth2:" + json.dumps({key: value for key, value in fields.items() if value is not None}))


def test_it_is_one_line_that_is_told_from_a_password() -> None:
    written = StoredGrant("google", OAuthClient.of(CLIENT, CLIENT_SECRET), Secret(REFRESH), "mail").written()
    assert Found("there", written).is_grant
    assert not Found("there", Secret("oauth2: not a grant")).is_grant
    assert json.loads(written.reveal().removeprefix("oauth2:")) == {
        "provider": "google",
        "client_id": CLIENT,
        "client_secret": CLIENT_SECRET,
        "scope": "mail",
        "refresh_token": REFRESH,
    }


def test_it_shows_neither_the_refresh_token_nor_the_secret_of_the_application() -> None:
    grant = StoredGrant("google", OAuthClient.of(CLIENT, CLIENT_SECRET), Secret(REFRESH))
    tokens = open_grant(grant.written(), "there", HOST, USER)
    for secret in (REFRESH, CLIENT_SECRET):
        assert_no_secret_leaks(secret, grant, repr(grant), tokens, repr(tokens), vars(tokens))


@pytest.mark.parametrize(
    "text", ['oauth2:{"provider": 7}', "oauth2:{", 'oauth2:{"provider": "google", "client_id": "x"}', "oauth2:{}"]
)
async def test_an_entry_that_cannot_be_read_says_what_to_do(choose: Choose, text: str) -> None:
    choose(Shelf({(f"sendkit:{HOST}", USER): text}))
    with pytest.raises(CredentialsError, match="cannot be read") as caught:
        await default_chain(environ={}).secret(host=HOST, username=USER)
    assert "sendkit login" in (caught.value.hint or "")


async def test_a_mailer_that_finds_it_gets_tokens_and_the_new_refresh_token_is_stored(choose: Choose) -> None:
    with TokenServer() as server:
        server.one_use = True
        shelf = Shelf({(f"sendkit:{HOST}", USER): entry(server).reveal()})
        choose(shelf)
        chain = default_chain(environ={})
        first = await chain.secret(host=HOST, username=USER)
        again = await chain.secret(host=HOST, username=USER)
        fresh = await chain.renewed(first, host=HOST, username=USER)
        assert [first.bearer, again == first, fresh == first] == [True, True, False]
        (new,) = server.refresh_tokens
        assert new in (shelf.get_password(f"sendkit:{HOST}", USER) or "")
        assert chain.source == f"keyring service sendkit:{HOST}"


async def test_a_keyring_that_does_not_take_the_new_refresh_token_is_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The null backend of these tests keeps nothing; the program itself goes on with the new one."""
    with TokenServer() as server:
        server.one_use = True
        tokens = open_grant(entry(server), "there", HOST, USER)
        assert tokens is not None
        with caplog.at_level(logging.WARNING, "sendkit.credentials"):
            first = await tokens.secret(host=HOST, username=USER)
            assert await tokens.renewed(first, host=HOST, username=USER) != first
    assert "was not stored" in caplog.text
    assert_no_secret_leaks("refresh-token-2", caplog.text)


async def test_a_revoked_grant_is_forgotten_so_that_a_new_one_is_found(choose: Choose) -> None:
    with TokenServer() as server:
        shelf = Shelf({(f"sendkit:{HOST}", USER): entry(server, refresh_token="revoked").reveal()})
        choose(shelf)
        chain = default_chain(environ={})
        with pytest.raises(CredentialsError, match="invalid_grant"):
            await chain.secret(host=HOST, username=USER)
        shelf.set_password(f"sendkit:{HOST}", USER, entry(server).reveal())
        assert (await chain.secret(host=HOST, username=USER)).bearer
        answers = await asyncio.gather(*(chain.secret(host=HOST, username=USER) for _ in range(4)))
        assert len({answer.reveal() for answer in answers}) == 1


async def test_a_refresh_token_that_another_process_has_used_is_read_again(choose: Choose) -> None:
    """Its next one stands in the keyring by then."""
    with TokenServer() as server:
        server.one_use = True
        choose(Shelf({(f"sendkit:{HOST}", USER): entry(server).reveal()}))
        mine, theirs = default_chain(environ={}), default_chain(environ={})
        first = await mine.secret(host=HOST, username=USER)
        other = await theirs.secret(host=HOST, username=USER)
        assert await mine.renewed(first, host=HOST, username=USER) not in (first, other)
        assert [form["refresh_token"] for form in server.grants("refresh_token")] == [
            REFRESH,
            "refresh-token-2",
            "refresh-token-2",
            "refresh-token-4",
        ]
