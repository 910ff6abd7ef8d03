"""`sendkit providers` tells what the table of providers knows."""

from __future__ import annotations

from sendkit import Provider

from .shell import Shell

ALL = Provider.all()


def test_all_are_listed(shell: Shell) -> None:
    answer = shell("providers")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == [*(p.name for p in ALL), "ses-REGION"]


def test_one_is_told_of(shell: Shell) -> None:
    answer = shell("providers", "gmail")
    assert answer.code == 0
    assert all(word in answer.out for word in ("smtp.gmail.com:465", "app password", "2,000", "https://"))


def test_one_that_is_unknown_is_78(shell: Shell) -> None:
    answer = shell("providers", "gmial")
    assert answer.code == 78
    assert "gmail" in answer.err
