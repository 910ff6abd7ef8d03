"""A hint of the library names the options of the command line, wherever a command shows it."""

from __future__ import annotations

from sendkit._cli import parser
from sendkit._cli.in_flags import FLAGS, in_flags
from sendkit._cli.sendmail_input import draft
from tests.each import each

from .shell import Shell


@each(FLAGS.items())
def test_a_keyword_without_a_value_becomes_its_option(name: str, option: str) -> None:
    assert in_flags(f"give {name}=, or {name}=… too") == f"give {option}, or {option} too"
    assert in_flags(f"give {name}=") == f"give {option}"


@each(FLAGS.values())
def test_every_option_that_is_named_is_one(option: str) -> None:
    assert option in parser._parsers("send")[1]["send"].flags


@each(
    [
        'Server("smtp.example.com", security="implicit_tls")',
        'write Mailer("smtp.example.com", username=…)',
        "write p=none, or ?ca_file=FILE",
        "set SENDKIT_FROM",
    ]
)
def test_what_is_no_keyword_of_its_own_stays(hint: str) -> None:
    assert in_flags(hint) == hint


def test_a_command_says_options(shell: Shell) -> None:
    answer = shell("send", "--message", "-", "-t", "b@example.com", "--dry-run", stdin=b"Subject: x\n\nx\n")
    assert answer.code == 65
    assert answer.err.endswith("hint: give one From address, a Sender field, or --envelope-from\n")


@each([b"", b"\xef\xbb\xbf", b"From ana Mon Nov 30\r\n", b"\xef\xbb\xbfFrom ana Mon Nov 30\r\n"])
def test_what_programs_put_in_front_of_a_head_is_no_part_of_it(before: bytes) -> None:
    assert [field.key for field in draft(before + b"Subject: x\r\n\r\nHola\r\n").fields] == ["subject"]
