"""A server's echo of the secret is not shown: from the first octet of every connection, whatever the line looks like.

In no log, transcript, result or error. The class is CWE-532; what a server in debug mode, or a malicious one, does with
what it was told on an earlier connection. The whole fault matrix is played with such a server too (tests/faults).
"""

from __future__ import annotations

import base64
import threading
import traceback
from collections.abc import Iterable
from urllib.parse import quote

import pytest

from sendkit import RetryPolicy, errors
from sendkit._credentials.secret import Secret
from sendkit._redaction import Redactor, redacted
from sendkit._smtp.reply import MalformedReply, ReplyReader
from sendkit._wire.mask import Mask
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import ANA, message
from tests.sampling import one_in
from tests.waiting import LIMIT
from tests.wire.conftest import Account, Start

# Constants of this module, and in no local variable: tracebacks are searched for them.
SECRET = "pa55 wörd: {x} %s"
WORD = "hippopotamus"
LIKE_A_REPLY = "554 hunter-two!"
LIKE_A_CODE = "354go-ahead!"
SECRETS = {"secret": SECRET, "word": WORD, "reply": LIKE_A_REPLY, "code": LIKE_A_CODE}


def _spelt(name: str, how: str) -> str:
    secret = SECRETS[name]
    if how == "plain":
        return secret
    if how == "base64":
        return base64.b64encode(secret.encode()).decode()
    if how == "PLAIN":
        return base64.b64encode(f"\0{ANA}\0{secret}".encode()).decode()
    if how == "PLAIN of another name":
        return base64.b64encode(f"x\0an\0{secret}".encode()).decode()
    return quote(secret, safe="")


HOW = ["plain", "base64", "PLAIN", "PLAIN of another name", "percent"]
SHAPES = {
    "behind a code": "{code} 5.7.1 you said {echo}",
    "as the whole text": "{code} {echo}",
    "as the first of several lines": "{code}-{echo}\r\n{code} 5.7.1 no",
    "as the last of several lines": "{code}-5.7.1 no\r\n{code} {echo}",
    "as a line without a code": "{echo}",
    "as a line without a blank": "{code}{echo}",
    "cut off at the begin": "{code}{echo} {echo}",
}
PLACES = [
    "on_connect", "on_ehlo", "on_ehlo_in_tls", "on_starttls", "on_auth", "on_mail", "on_rcpt", "on_data", "after_data",
    "on_rset", "on_quit",
]  # fmt: skip
SHOWN_AT = ["on_connect", "on_ehlo", "on_auth", "on_rcpt"]


@pytest.mark.parametrize(("place", "shape", "how"), one_in(4, PLACES, SHAPES, HOW))
async def test_an_echoed_secret_is_not_shown_on_any_connection_at_any_place(
    start: Start, account: Account, place: str, shape: str, how: str
) -> None:
    """First on a connection with a login, and then in front of the login of the next one."""
    await _echoed(start, account, "secret", place, shape, how)


@pytest.mark.parametrize(("place", "shape", "name"), one_in(5, SHOWN_AT, SHAPES, ["word", "reply", "code"]))
async def test_an_echoed_secret_that_looks_like_something_else_is_not_shown_either(
    start: Start, account: Account, place: str, shape: str, name: str
) -> None:
    await _echoed(start, account, name, place, shape, "plain")


async def _echoed(start: Start, account: Account, name: str, place: str, shape: str, how: str) -> None:
    server = start(capabilities_in_tls=["ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN"], users={ANA: SECRETS[name]})
    line = SHAPES[shape].format(code=554, echo=_spelt(name, how)).encode() + b"\r\n"
    with assert_no_secret_leaks(SECRETS[name]) as watch:
        async with account(server, password=SECRETS[name], transcript=True, messages_per_connection=1) as mailer:
            results = [await mailer.send(message(), check=False)]
            getattr(server, place)().raw(line)
            results += [await mailer.send(message(), check=False) for _ in range(2)]
        for result in results:
            watch.look_at(result, result.model_dump_json(), [str(each) for each in result.attempts[0].transcript or ()])
            try:
                result.raise_for_failure()
            except errors.DeliveryError as error:
                watch.look_at(error, traceback.format_exception(error))
        del line


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("place", ["on_connect", "on_ehlo", "on_ehlo_in_tls", "on_mail", "on_quit"])
async def test_a_mailer_without_a_login_shows_no_secret_of_the_process_either(
    start: Start, account: Account, place: str, how: str
) -> None:
    """Another mailer told it to the server, and is gone."""
    server = start(capabilities_in_tls=["AUTH PLAIN"], users={ANA: SECRET})
    async with account(server, password=SECRET) as mailer:
        await mailer.send(message())
    getattr(server, place)().raw(f"554 5.7.1 {_spelt('secret', how)}\r\n".encode())
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, username=None, transcript=True) as mailer:
            watch.look_at(await mailer.send(message(), check=False))


@pytest.mark.parametrize("word", ["STARTTLS", "PIPELINING", "AUTH PLAIN", "ENHANCEDSTATUSCODES", "250 AUTH PLAIN"])
async def test_a_password_that_is_a_capability_changes_nothing_but_what_is_shown(
    start: Start, account: Account, word: str
) -> None:
    server = start(capabilities_in_tls=["ENHANCEDSTATUSCODES", "PIPELINING", "AUTH PLAIN"], users={ANA: word})
    async with account(server, password=word, retry=RetryPolicy(max_attempts=1), messages_per_connection=1) as mailer:
        assert [(await mailer.send(message(), check=False)).ok for _ in range(2)] == [True, True]


async def test_a_mechanism_that_is_the_secret_is_not_shown_where_none_of_ours_is_offered(
    start: Start, account: Account
) -> None:
    server = start(capabilities_in_tls=[f"AUTH {LIKE_A_CODE} X-{LIKE_A_CODE}"], users={ANA: LIKE_A_CODE})
    with assert_no_secret_leaks(LIKE_A_CODE) as watch:
        async with account(server, password=LIKE_A_CODE, transcript=True) as mailer:
            result = await mailer.send(message(), check=False)
        watch.look_at(result, result.model_dump_json())
    assert result.deferred


async def test_the_doctor_shows_no_echo_either(start: Start, account: Account) -> None:
    server = start(capabilities_in_tls=["AUTH PLAIN", f"X {SECRET}"], users={ANA: SECRET}, echoes=[SECRET])
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(server, password=SECRET) as mailer:
            watch.look_at(diagnosis := await mailer.diagnose(sender=ANA), diagnosis.model_dump_json())
        async with account(server, password=f"{SECRET}!") as mailer:
            watch.look_at(diagnosis := await mailer.diagnose(sender=ANA), diagnosis.model_dump_json())


async def test_an_error_has_no_cause_that_quotes_the_server(start: Start, account: Account) -> None:
    """What the layers below raise holds the line as it came, so it is nobody's cause."""
    server = start(users={ANA: SECRET})
    server.on_connect().raw(f"{SECRET}\r\n".encode())
    async with account(server, password=SECRET) as mailer:
        with pytest.raises(errors.DeliveryError) as refused:
            await mailer.send(message())
    assert refused.value.__cause__ is None


# What is taken out, and what is left.


@pytest.mark.parametrize("around", ["{}", "x{}y", "<{}>", "{}{}", " {} "])
@pytest.mark.parametrize("how", HOW)
def test_a_secret_of_the_process_is_taken_out_of_a_text_however_it_is_written(around: str, how: str) -> None:
    Secret(SECRET)
    text = redacted(around.replace("{}", _spelt("secret", how)))
    with assert_no_secret_leaks(SECRET) as watch:
        watch.look_at(text)
    assert "***" in text


@pytest.mark.parametrize("password", ["password", "secret", "ok", "the password", "587", "2", "user name", "12345"])
def test_a_word_is_taken_out_of_no_sentence_of_ours(password: str) -> None:
    """It would be found in honest sentences, and say more by being missing than by standing there."""
    Secret(password)
    sentence = "the password of the user name was refused: ok, a secret 587 2 12345"
    assert str(errors.ConfigurationError(sentence)) == sentence


def test_the_text_of_every_error_passes_the_redactor() -> None:
    Secret(SECRET)
    error = errors.ConfigurationError(f"not {SECRET}", hint=f"write {quote(SECRET)}")
    with assert_no_secret_leaks(SECRET) as watch:
        watch.look_at(error.message, error.hint, str(error), error.args)


def test_a_long_lived_process_remembers_the_last_secrets_and_searches_them_fast() -> None:
    for number in range(600):
        Secret(f"s3cret-{number}-of-many")
    assert redacted("s3cret-0-of-many s3cret-599-of-many") == "s3cret-0-of-many ***"


def test_a_finalizer_that_brings_a_secret_while_another_is_noted_loses_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection may come in the middle, and a mailer be made there: it waits for nothing that this thread holds."""
    joined, came = Redactor.joined, list[str]()

    def interrupted(redactors: Iterable[Redactor]) -> Redactor:
        if not came:
            came.append("s3cret-in-between")
            Secret(*came)
        return joined(redactors)

    monkeypatch.setattr(Redactor, "joined", interrupted)
    noting = threading.Thread(target=Secret, args=("s3cret-that-is-noted",), daemon=True)
    noting.start()
    noting.join(LIMIT)
    assert redacted("s3cret-in-between s3cret-that-is-noted") == "*** ***"


@pytest.mark.parametrize("line", ["554 5.7.1 {}", "554-{}\r\n554 no", "554 {}", "{}", "55{}", "554x{}"])
def test_the_reply_reader_masks_a_whole_line_and_keeps_its_code(line: str) -> None:
    reader = ReplyReader(Mask(Redactor.of(LIKE_A_REPLY)))
    reader.feed(line.format(LIKE_A_REPLY).encode() + b"\r\n")
    shown = ""
    try:
        shown = str(reader.next_reply())
    except MalformedReply as malformed:
        shown = str(malformed)
    assert "hunter" not in shown
    assert shown.startswith(("554", "not an SMTP reply line"))
