"""The values of single arguments, read from their text; what is wrong with one is said in argparse's way."""

from __future__ import annotations

import argparse
import math


def port_of(text: str) -> int:
    """A port."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def column_format(text: str) -> tuple[str, str]:
    """A column, and how it is written."""
    column, sign, written = text.rpartition("=")
    if not (sign and column and written):
        raise argparse.ArgumentTypeError(f"{text!r} has no '='; write margin=percent")
    return column, written


def rows_of(text: str) -> int:
    """A number from 1 on."""
    if not (text.isascii() and text.isdigit() and int(text[:9])):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def security_of(text: str) -> str:
    """How the connection is secured, in the words of others too."""
    from sendkit._server.security import spelt  # noqa: PLC0415 - for this option alone

    return spelt(text)


def header_of(text: str) -> tuple[str, str]:
    """A header field: its name, and its text."""
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} has no colon; write 'X-Report: 42'")
    return name.strip(), value.strip()


def some(text: str) -> int:
    """A whole number from 1 on."""
    if (found := count(text)) == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return found


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


def seconds(text: str) -> float:
    """A time in seconds."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return found
