"""What is said of arguments that there are not: the one that was meant, or where what they say belongs.

An unknown option's value is never repeated, nor what stands behind an account: it may be a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sendkit._spelling import meant

# Whose empty value means something: no subject, the null reverse path, a picture that only decorates, the usual lane.
_MAY_BE_EMPTY = frozenset(
    {"subject", "text", "title", "envelope_from", "alt", "footer", "preheader", "lane", "reply", "letters"}
)


def empty(name: str, flags: Sequence[str]) -> str | None:
    """What is wrong with an empty value of this argument; None where it has a meaning."""
    if name in _MAY_BE_EMPTY:
        return None
    called = flags[-1] if flags else "it"
    return f"it is empty, usually because a variable of the shell is not set; give a value, or leave {called} out"


def unknown(arguments: list[str], flags: list[str], *, hidden: bool) -> str:
    """What is wrong with arguments that no option of a command takes; `hidden`: a further one may be a password."""
    names = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
    if not names:
        if hidden:
            return "an argument that was not expected (not shown: it may be a password, which is asked for)"
        return f"unexpected argument {arguments[0]!r}; a text with spaces needs quotes around it"
    told = f"unknown option {', '.join(names)}"
    if any(name.startswith(("--po", "-P")) for name in names):
        return f"{told}; the port belongs to the host: --host HOST:PORT"
    if any(name.startswith(("-p", "--p")) for name in names):
        return f"{told}; a password is not an argument: see `sendkit login`"
    near = meant(names[0].lstrip("-"), [flag.lstrip("-") for flag in flags if flag.startswith("--")])
    return told + (f"; did you mean --{near}?" if near else "")


def unknown_choice(value: object, choices: Iterable[object]) -> str | None:
    """What is wrong with a word that is none of these, where one of them is near."""
    near = meant(str(value), map(str, choices))
    return f"invalid choice: {str(value)!r}; did you mean {near!r}?" if near else None
