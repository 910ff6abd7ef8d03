"""On a staging machine nothing leaves to anybody else, whatever way it is sent; and the result says who got what."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import AsyncMailer, DeliveryResult, Mailer, MemoryTransport, Message, Outcome, errors
from sendkit._delivery.audience import Audience
from sendkit._message.compose import compose
from sendkit._smtp.address import parse_address
from sendkit._smtp.capabilities import Capabilities
from tests.accounts import ANA, EVA, LUIS, ONCE, OPS, message, outcomes

DEV = "dev@example.com"
ACCEPTED, REJECTED, DEFERRED, _ = Outcome


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


def went_to(transport: MemoryTransport) -> list[tuple[str, ...]]:
    """The recipients of each message that left."""
    return [sent.envelope.recipients for sent in transport.sent]


def allows(pattern: str, address: str) -> bool:
    """Whether a list of this one pattern lets mail for that address out."""
    _, withheld, _ = Audience.of(None, [pattern]).admit(compose(message(), recipients=address))
    return not withheld


class TestRedirection:
    """One mailbox gets all mail."""

    def test_it_stands_in_place_of_every_recipient(self, transport: MemoryTransport) -> None:
        with Mailer(transport=transport, redirect_all_to=f"Dev <{DEV}>") as mailer:
            result = mailer.send(Message(sender=ANA, to=LUIS, cc=OPS, bcc=EVA, text="Hola"))
        assert went_to(transport) == [(DEV,)]
        assert outcomes(result) == {DEV: ACCEPTED}

    async def test_no_way_to_send_goes_round_it(self, transport: MemoryTransport) -> None:
        stdlib = EmailMessage()
        stdlib["From"], stdlib["To"] = ANA, LUIS
        async with AsyncMailer(transport=transport, redirect_all_to=DEV) as mailer:
            await mailer.send(message(), recipients=[EVA])
            await mailer.send(stdlib)
            await mailer.send(Message.from_bytes(b"From: a@example.com\r\n\r\n", recipients=[LUIS]))
            assert [result.ok async for result in mailer.send_many([message(), stdlib])] == [True, True]
        assert set(went_to(transport)) == {(DEV,)}

    def test_the_message_says_whom_it_was_for_and_is_otherwise_the_same(self, transport: MemoryTransport) -> None:
        letter = Message(sender=ANA, to=[LUIS, "ñandú@example.com"], bcc=EVA, text="Hola")
        with Mailer(transport=transport, redirect_all_to=DEV) as mailer:
            mailer.send(letter)
        head = f"X-Original-To: {LUIS},\r\n \\xf1and\\xfa@example.com,\r\n {EVA}\r\n".encode()
        assert transport.sent[0].content == head + b"".join(compose(letter).content.blocks())

    def test_it_may_be_several_and_each_gets_one_copy(self, transport: MemoryTransport) -> None:
        with Mailer(transport=transport, redirect_all_to=[DEV, OPS, DEV]) as mailer:
            mailer.send(message(LUIS, OPS))
        assert went_to(transport) == [(DEV, OPS)]

    @pytest.mark.parametrize("server", [Capabilities(esmtp=True), Capabilities(esmtp=True, eight_bit_mime=True)])
    def test_a_server_that_needs_another_encoding_gets_it(self, server: Capabilities) -> None:
        transport = MemoryTransport(capabilities=server)
        raw = (
            "From: ana@example.com\r\nTo: luis@example.com\r\nSubject: ñ\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n¡Hola!\r\n"
        )
        with Mailer(transport=transport, redirect_all_to=DEV) as mailer:
            mailer.send(Message.from_bytes(raw.encode()))
        (sent,) = transport.sent
        assert sent.content.startswith(b"X-Original-To: luis@example.com\r\n")
        assert sent.message.get_content().strip() == "¡Hola!"

    def test_a_retry_has_the_same_octets(self, transport: MemoryTransport) -> None:
        transport.on_rcpt(OPS).reply("450 4.2.0 later", times=1)
        with Mailer(transport=transport, redirect_all_to=[DEV, OPS]) as mailer:
            mailer.send(message())
        first, second = transport.sent
        assert first.content == second.content

    @pytest.mark.parametrize("wrong", ["nobody", [], "dev@example.com\r\nBcc: x@example.com"])
    def test_what_is_no_mailbox_is_refused(self, wrong: str | list[str]) -> None:
        with pytest.raises(errors.ConfigurationError, match="redirect_all_to"):
            Mailer(transport=MemoryTransport(), redirect_all_to=wrong)


class TestAllowList:
    """Only those named get mail."""

    def test_nothing_is_sent_to_anybody_else_and_the_result_says_so(self, transport: MemoryTransport) -> None:
        with Mailer(transport=transport, allow_only=["*@example.com"]) as mailer:
            result = mailer.send(message(LUIS, OPS), check=False)
        assert went_to(transport) == [(LUIS,)]
        assert outcomes(result) == {LUIS: ACCEPTED, OPS: REJECTED}
        withheld = result.recipients[OPS]
        assert (withheld.attempts, withheld.server, withheld.reply, withheld.retryable) == (0, None, None, False)
        assert "allow_only" in (withheld.reason or "")
        assert "SENDKIT_ALLOW_ONLY" in (withheld.hint or "")

    def test_who_is_left_out_is_an_error_unless_asked_otherwise(self, transport: MemoryTransport) -> None:
        with Mailer(transport=transport, allow_only=DEV) as mailer:
            with pytest.raises(errors.RejectedError, match="may not write"):
                mailer.send(message())
            with pytest.raises(errors.PartialDelivery):
                mailer.send(message(DEV, LUIS))

    def test_where_nobody_is_left_no_server_is_asked(self, transport: MemoryTransport) -> None:
        transport.on_connect().refuse()
        with Mailer(transport=transport, allow_only=[], retry=ONCE) as mailer:
            result = mailer.send(message(LUIS, OPS), check=False)
        assert (result.attempts, outcomes(result)) == ((), {LUIS: REJECTED, OPS: REJECTED})
        assert DeliveryResult.model_validate_json(result.model_dump_json()) == result

    def test_with_a_redirection_the_others_go_there(self, transport: MemoryTransport) -> None:
        with Mailer(transport=transport, redirect_all_to=DEV, allow_only="*@example.net") as mailer:
            result = mailer.send(Message(sender=ANA, to=[LUIS, OPS], bcc=EVA, text="Hola"))
        assert outcomes(result) == {OPS: ACCEPTED, DEV: ACCEPTED}
        assert EVA.encode() not in transport.sent[0].content, "whoever gets their own must not read the Bcc"

    @pytest.mark.parametrize(
        ("pattern", "address", "allowed"),
        [
            ("*@example.com", "ana@EXAMPLE.com", True),
            ("*@example.com", "ana@sub.example.com", False),
            ("*@example.com", "ana@evilexample.com", False),
            ("*@example.com", '"x@example.com"@evil.org', False),
            ("*@example.com", "x@example.com.evil.org", False),
            ("*@*.example.com", "ana@sub.example.com", True),
            ("*@*.example.com", "ana@example.com", False),
            ("ana+*@example.com", "ana+news@example.com", True),
            ("ana+*@example.com", "anna@example.com", False),
            ("a.a@example.com", "axa@example.com", False),
            ("[ab]@example.com", "a@example.com", False),
            ("*@bücher.example", "ana@xn--bcher-kva.example", True),
            ("*@[192.0.2.1]", "ana@[192.0.2.1]", True),
            ("*@*", '"x@y"@anywhere.org', True),
        ],
    )
    def test_a_star_stands_for_anything_on_its_side_of_the_at(self, pattern: str, address: str, allowed: bool) -> None:
        assert allows(pattern, address) is allowed

    @given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8})?@[a-z]{1,8}\.(com|org)", fullmatch=True))
    def test_an_address_allows_itself_and_no_other(self, address: str) -> None:
        assert allows(address, address)
        assert not allows(address, f"x{address}")
        assert not allows(address, f"{address}.org")

    @pytest.mark.parametrize("wrong", ["", "example.com", "@example.com", "ana@", "*", "*@b\u200d\u200d.example"])
    def test_what_is_no_pattern_is_refused(self, wrong: str) -> None:
        with pytest.raises(errors.ConfigurationError, match="allow_only") as caught:
            Mailer(transport=MemoryTransport(), allow_only=wrong)
        assert "*@example.com" in (caught.value.hint or "")


class TestEnvironment:
    """Every mailer obeys the machine that it runs on."""

    def test_both_may_stand_there(self, transport: MemoryTransport, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDKIT_REDIRECT_ALL_TO", DEV)
        monkeypatch.setenv("SENDKIT_ALLOW_ONLY", "*@example.net, eva@example.org")
        with Mailer.from_env(transport=transport) as mailer:
            result = mailer.send(message(LUIS, OPS, EVA))
        assert outcomes(result) == {OPS: ACCEPTED, EVA: ACCEPTED, DEV: ACCEPTED}

    @pytest.mark.parametrize(
        ("program", "machine", "got_mail"),
        [
            ({"allow_only": "*@example.com"}, {"ALLOW_ONLY": LUIS}, [LUIS]),
            ({"allow_only": LUIS}, {"ALLOW_ONLY": "*@example.com"}, [LUIS]),
            ({"allow_only": "*@example.com"}, {"ALLOW_ONLY": "*@example.net"}, []),
            ({"allow_only": "*@example.com"}, {"REDIRECT_ALL_TO": DEV}, [DEV]),
            ({"redirect_all_to": DEV}, {"ALLOW_ONLY": "*@example.com"}, [DEV]),
            ({"redirect_all_to": DEV}, {"ALLOW_ONLY": "*@example.net"}, []),
            ({"redirect_all_to": OPS}, {"REDIRECT_ALL_TO": DEV}, [DEV]),
            ({"redirect_all_to": DEV, "allow_only": EVA}, {"ALLOW_ONLY": LUIS}, []),
        ],
    )
    def test_limits_of_the_program_and_of_the_machine_hold_together(
        self,
        program: dict[str, str],
        machine: dict[str, str],
        got_mail: list[str],
        transport: MemoryTransport,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Those of the machine hold behind those of the program, so that neither can widen the other."""
        for name, value in machine.items():
            monkeypatch.setenv(f"SENDKIT_{name}", value)
        with Mailer(transport=transport, **program) as mailer:  # type: ignore[arg-type]
            result = mailer.send(message(LUIS, OPS), check=False)
        assert [address for sent in went_to(transport) for address in sent] == got_mail
        assert [address for address, outcome in outcomes(result).items() if outcome is ACCEPTED] == got_mail

    def test_a_result_says_that_others_got_the_mail(
        self, transport: MemoryTransport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SENDKIT_REDIRECT_ALL_TO", DEV)
        monkeypatch.setenv("SENDKIT_ALLOW_ONLY", LUIS)
        with Mailer(transport=transport) as mailer:
            assert [mailer.send(message(address)).diverted for address in (LUIS, OPS)] == [False, True]

    @pytest.mark.parametrize("name", ["SENDKIT_REDIRECT_ALL_TO", "SENDKIT_ALLOW_ONLY"])
    def test_one_that_is_set_and_empty_lets_nothing_out(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """`SENDKIT_REDIRECT_ALL_TO=$DEV_MAIL` without a DEV_MAIL was meant to keep mail in."""
        monkeypatch.setenv(name, " ")
        with pytest.raises(errors.ConfigurationError, match=f"{name} is set, and empty"):
            Mailer.from_env(transport=MemoryTransport())


def test_without_either_a_letter_is_not_touched() -> None:
    letter = compose(message(LUIS, OPS))
    admitted, withheld, diverted = Audience().admit(letter)
    assert (admitted is letter, withheld, diverted) == (True, (), False)
    assert parse_address(LUIS) in admitted.recipients
