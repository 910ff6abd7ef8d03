"""The laws of the fault language: what a rule means, which of several holds, and what cannot be said."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._transport.rules import Action, ActionKind
from sendkit._transport.script import Script
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def script() -> Script:
    return Script()


def codes(script: Script, phase: str, count: int, *, recipient: str | None = None) -> list[int | None]:
    """The codes of so many actions in a row; None where nothing is scripted."""
    actions = [script.action(phase, recipient=recipient) for _ in range(count)]
    return [action.reply.code if action and action.reply else None for action in actions]


PLACES = [
    ("on_connect", Phase.CONNECT),
    ("on_ehlo", Phase.EHLO),
    ("on_starttls", Phase.STARTTLS),
    ("on_auth", Phase.AUTH),
    ("on_rset", Phase.RSET),
    ("on_mail", Phase.MAIL),
    ("on_rcpt", Phase.RCPT),
    ("on_data", Phase.DATA),
    ("after_data", Phase.END_OF_DATA),
    ("on_quit", Phase.QUIT),
]


@pytest.mark.parametrize(("name", "phase"), PLACES)
def test_each_place_answers_in_its_own_phase_and_in_no_other(script: Script, name: str, phase: Phase) -> None:
    getattr(script, name)().reply("450 4.7.1 slow down")
    answered = [other for other in Phase if script.action(other) is not None]
    assert answered == [phase]


@pytest.mark.parametrize("name", ["on_tls", "on_body"])
def test_where_nothing_is_answered_a_connection_can_still_be_lost(script: Script, name: str) -> None:
    getattr(script, name)().drop()
    assert script.action(name.removeprefix("on_")) == Action(ActionKind.DROP)
    with pytest.raises(ConfigurationError, match="hint:"):
        getattr(script, name)().reply("450 4.7.1 slow down")


def test_without_a_rule_the_usual_happens(script: Script) -> None:
    assert script.action(Phase.MAIL) is None


def test_a_reply_is_taken_apart_as_if_a_server_had_sent_it(script: Script) -> None:
    script.on_rcpt().reply("450 4.2.0 greylisted")
    assert script.action(Phase.RCPT, recipient="luis@example.com") == Action(
        ActionKind.REPLY, Reply(450, "4.2.0", "greylisted")
    )


def test_a_reply_may_have_several_lines(script: Script) -> None:
    script.after_data().reply("554-5.7.1 no\n554 5.7.1 never")
    action = script.action(Phase.END_OF_DATA)
    assert action is not None
    assert action.reply == Reply(554, "5.7.1", "no\nnever")


def test_the_other_actions_carry_no_reply(script: Script) -> None:
    script.on_connect().refuse()
    script.on_data().drop()
    script.after_data().silence()
    assert script.action(Phase.CONNECT) == Action(ActionKind.REFUSE)
    assert script.action(Phase.DATA) == Action(ActionKind.DROP)
    assert script.action(Phase.END_OF_DATA) == Action(ActionKind.SILENCE)


def test_a_rule_without_times_holds_always(script: Script) -> None:
    script.on_mail().reply("450 4.7.1 slow down")
    assert codes(script, Phase.MAIL, 3) == [450, 450, 450]


def test_a_rule_with_times_holds_so_often(script: Script) -> None:
    script.on_mail().reply("450 4.7.1 slow down", times=2)
    assert codes(script, Phase.MAIL, 3) == [450, 450, None]


def test_rules_with_times_go_in_the_order_in_which_they_were_written(script: Script) -> None:
    script.on_mail().reply("450 4.7.1 slow down", times=2).reply("421 4.7.0 too many", times=1)
    script.on_mail().reply("553 5.1.8 who", times=1)
    assert codes(script, Phase.MAIL, 5) == [450, 450, 421, 553, None]


def test_a_rule_with_times_goes_before_one_without_wherever_it_was_written(script: Script) -> None:
    script.on_mail().reply("550 5.7.1 no")
    script.on_mail().reply("450 4.7.1 slow down", times=1)
    assert codes(script, Phase.MAIL, 3) == [450, 550, 550]


def test_of_two_rules_without_times_the_newer_one_holds(script: Script) -> None:
    script.on_mail().reply("550 5.7.1 no")
    script.on_mail().reply("450 4.7.1 slow down")
    assert codes(script, Phase.MAIL, 2) == [450, 450]


def test_a_rule_for_one_recipient_leaves_the_others_alone(script: Script) -> None:
    script.on_rcpt("luis@example.com").reply("550 5.1.1 unknown")
    assert script.action(Phase.RCPT, recipient="ana@example.com") is None
    assert codes(script, Phase.RCPT, 1, recipient="luis@example.com") == [550]


def test_a_rule_for_one_recipient_goes_before_a_rule_for_any(script: Script) -> None:
    script.on_rcpt("luis@example.com").reply("550 5.1.1 unknown")
    script.on_rcpt().reply("450 4.2.0 greylisted", times=1)
    assert codes(script, Phase.RCPT, 1, recipient="luis@example.com") == [550]
    assert codes(script, Phase.RCPT, 2, recipient="ana@example.com") == [450, None]


def test_a_use_by_one_recipient_is_not_a_use_by_another(script: Script) -> None:
    script.on_rcpt("luis@example.com").reply("450 4.2.0 greylisted", times=1)
    script.on_rcpt("ana@example.com").reply("450 4.2.0 greylisted", times=1)
    assert codes(script, Phase.RCPT, 2, recipient="luis@example.com") == [450, None]
    assert codes(script, Phase.RCPT, 2, recipient="ana@example.com") == [450, None]


@pytest.mark.parametrize(
    ("scripted", "asked", "same"),
    [
        ("luis@Example.COM", "luis@example.com", True),
        ("Luis@example.com", "luis@example.com", False),
        ("luis@straße.example", "luis@xn--strae-oqa.example", True),
        ("luis@bad\u200e.example", "luis@bad\u200e.example", True),
        ("luis@example.com", "luis@example.net", False),
    ],
)
def test_domains_are_compared_as_the_wire_has_them_and_local_parts_exactly(
    script: Script, scripted: str, asked: str, same: bool
) -> None:
    script.on_rcpt(scripted).drop()
    assert (script.action(Phase.RCPT, recipient=asked) is not None) is same


def test_nth_is_that_time_and_no_other(script: Script) -> None:
    script.on_mail(nth=2).reply("450 4.7.1 slow down")
    assert codes(script, Phase.MAIL, 4) == [None, 450, None, None]


def test_nth_with_times_is_from_that_time_on(script: Script) -> None:
    script.on_mail(nth=2).reply("450 4.7.1 slow down", times=2)
    assert codes(script, Phase.MAIL, 4) == [None, 450, 450, None]


def test_nth_counts_what_other_rules_answered_too(script: Script) -> None:
    script.on_mail().reply("450 4.7.1 slow down", times=1)
    script.on_mail(nth=2).reply("553 5.1.8 who")
    assert codes(script, Phase.MAIL, 3) == [450, 553, None]


def test_nth_counts_only_the_recipient_that_it_names(script: Script) -> None:
    script.on_rcpt("luis@example.com", nth=2).reply("450 4.2.0 greylisted")
    assert codes(script, Phase.RCPT, 3, recipient="ana@example.com") == [None, None, None]
    assert codes(script, Phase.RCPT, 2, recipient="luis@example.com") == [None, 450]


def test_a_rule_for_one_connection_leaves_the_others_alone(script: Script) -> None:
    script.on_mail().on_connection(2).drop()
    assert script.action(Phase.MAIL, connection=1) is None
    assert script.action(Phase.MAIL) is None
    assert script.action(Phase.MAIL, connection=2) == Action(ActionKind.DROP)


@pytest.mark.parametrize(
    "text", ["", "hello", "99 too short", "650 too high", "450greylisted", "250-open", "250 a\n250 b"]
)
def test_what_is_not_one_reply_is_refused_with_a_hint(script: Script, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not one SMTP reply.*\n.*hint:"):
        script.on_mail().reply(text)


@pytest.mark.parametrize("name", [name for name, phase in PLACES if phase is not Phase.CONNECT])
def test_only_a_connection_can_be_refused(script: Script, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}\(\) cannot refuse(.|\n)*hint:"):
        getattr(script, name)().refuse()


def test_a_place_has_the_methods_that_can_happen_there_and_no_other(script: Script) -> None:
    """As the type checkers and editors see it: nothing is offered that is refused when it is called."""
    for name, phase in PLACES:
        place = getattr(script, name)()
        assert hasattr(place, "reply") is (phase not in (Phase.TLS, Phase.BODY))
        assert hasattr(place, "refuse") is (phase is Phase.CONNECT)
        assert not hasattr(place, "nothing_of_the_sort")
        assert copy.copy(place).drop()


@pytest.mark.parametrize("name", ["on_tls", "on_body"])
def test_where_nothing_is_answered_a_reply_is_refused_with_what_to_write_instead(script: Script, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}\(\) cannot reply(.|\n)*hint: .*use on_"):
        getattr(script, name)().reply("250 ok")


def test_what_never_happened_is_told_as_it_was_written(script: Script) -> None:
    script.on_mail().reply("450 4.7.1 slow down", times=2)
    script.on_rcpt("luis@example.com", nth=2).on_connection(3).drop()
    script.after_data().silence()
    assert script.action(Phase.MAIL) is not None
    with pytest.raises(AssertionError) as failed:
        script.check_faults()
    assert str(failed.value).splitlines()[1:3] == [
        "  on_rcpt('luis@example.com', nth=2).on_connection(3).drop()",
        "  after_data().silence()",
    ]
    script.allow_unused_faults()
    script.check_faults()


@pytest.mark.parametrize("count", [0, -1, True, "2", 1.5])
def test_counts_begin_with_one(script: Script, count: int) -> None:
    writes: list[Callable[[], object]] = [
        lambda: script.on_mail().drop(times=count),
        lambda: script.on_mail(nth=count),
        lambda: script.on_mail().on_connection(count),
    ]
    for write in writes:
        with pytest.raises(ConfigurationError, match="count from 1"):
            write()


@pytest.mark.parametrize("address", ["", "luis", "@example.com", "luis@", "Luis <luis@example.com>"])
def test_a_recipient_is_a_bare_address(script: Script, address: str) -> None:
    with pytest.raises(ConfigurationError, match="not an address"):
        script.on_rcpt(address)


def test_a_refused_rule_is_not_in_force(script: Script) -> None:
    with pytest.raises(ConfigurationError):
        script.on_mail().reply("450 4.7.1 slow down", times=0)
    assert script.action(Phase.MAIL) is None


def test_threads_never_use_a_rule_more_often_than_it_holds(script: Script) -> None:
    script.on_mail().reply("450 4.7.1 slow down", times=500)
    seen: Counter[bool] = Counter()

    def ask() -> None:
        answers = [script.action(Phase.MAIL) is not None for _ in range(250)]
        seen.update(answers)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {True: 500, False: 500}
