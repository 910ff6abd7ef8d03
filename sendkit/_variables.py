"""The variables of the environment that sendkit reads, by name, and which of them a misspelt one was meant to be.

A name that is nearly one of ours would otherwise be passed over in silence. Must not know: what a variable means, or
its value.
"""

from __future__ import annotations

from collections.abc import Mapping

VARIABLES = (
    "SENDKIT_ALLOW_ONLY",
    "SENDKIT_CA_FILE",
    "SENDKIT_CLIENT_CERT",
    "SENDKIT_CLIENT_KEY",
    "SENDKIT_DKIM_KEY",
    "SENDKIT_DKIM_KEY_FILE",
    "SENDKIT_FROM",
    "SENDKIT_HOST",
    "SENDKIT_KNOWN_HOSTS",
    "SENDKIT_LOCAL_ADDRESS",
    "SENDKIT_LOCAL_HOSTNAME",
    "SENDKIT_MINIMUM_TLS",
    "SENDKIT_OAUTH_CLIENT_ID",
    "SENDKIT_OAUTH_CLIENT_SECRET",
    "SENDKIT_OUTBOX",
    "SENDKIT_PASSWORD",
    "SENDKIT_PASSWORD_COMMAND",
    "SENDKIT_PASSWORD_FILE",
    "SENDKIT_PINS",
    "SENDKIT_PORT",
    "SENDKIT_PROTOCOL",
    "SENDKIT_PROXY",
    "SENDKIT_REDIRECT_ALL_TO",
    "SENDKIT_SECURITY",
    "SENDKIT_TIMEOUT",
    "SENDKIT_TRANSPORT",
    "SENDKIT_URL",
    "SENDKIT_USERNAME",
)
# Other words for the same; what is spelt nearly alike needs no entry.
_OTHER_WORDS = {
    "ADDRESS": "FROM",
    "CA": "CA_FILE",
    "CA_CERT": "CA_FILE",
    "DATABASE": "OUTBOX",
    "EMAIL_FROM": "FROM",
    "ENCRYPTION": "SECURITY",
    "FROM_ADDRESS": "FROM",
    "FROM_EMAIL": "FROM",
    "HOSTNAME": "HOST",
    "LOGIN": "USERNAME",
    "MAIL_FROM": "FROM",
    "PASS": "PASSWORD",
    "PASSWD": "PASSWORD",
    "PWD": "PASSWORD",
    "REDIRECT": "REDIRECT_ALL_TO",
    "REDIRECT_ALL": "REDIRECT_ALL_TO",
    "REDIRECT_TO": "REDIRECT_ALL_TO",
    "RUL": "URL",
    "SENDER": "FROM",
    "SERVER": "HOST",
    "SSL": "SECURITY",
    "STARTTLS": "SECURITY",
    "TLS": "SECURITY",
    "ULR": "URL",
    "URI": "URL",
    "USER": "USERNAME",
}
_PREFIX = "SENDKIT"
_ALIKE = 0.75
_PREFIX_LENGTHS = range(len(_PREFIX) - 1, len(_PREFIX) + 3)


def misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are nearly one of ours, each with the one that was meant and is not set itself."""
    found = {name: meant for name in environ if name not in VARIABLES and (meant := _meant(name))}
    return {name: meant for name, meant in found.items() if meant not in environ}


def told(environ: Mapping[str, str], *about: str) -> str | None:
    """The misspelt variables as a sentence; `about`: those alone that were meant to be one of these."""
    found = {name: meant for name, meant in misspelt(environ).items() if not about or meant in about}
    return "; ".join(f"{name} is not known: did you mean {meant}?" for name, meant in found.items()) or None


def unset(name: str, environ: Mapping[str, str]) -> str:
    """That this variable is not set, and which misspelt one is."""
    others = [other for other, meant in misspelt(environ).items() if meant == name]
    return f"is not set, but {others[0]} is" if others else "is not set"


def _meant(name: str) -> str | None:
    if name[:1] not in "sS":
        return None
    words = name.upper().replace("SEND_KIT", _PREFIX, 1)
    prefix, rest = words[: len(_PREFIX)], words[len(_PREFIX) :].lstrip("_")
    if prefix != _PREFIX:
        prefix, _, rest = words.partition("_")
    if not rest or (prefix != _PREFIX and not _is_prefix(prefix)):
        return None
    rest = rest.removeprefix("SMTP_").removeprefix("MAIL_") if f"{_PREFIX}_{rest}" not in VARIABLES else rest
    rest = _OTHER_WORDS.get(rest, rest)
    if (right := f"{_PREFIX}_{rest}") in VARIABLES:
        return right
    near = _nearest(rest, [one.removeprefix(f"{_PREFIX}_") for one in VARIABLES])
    return near and f"{_PREFIX}_{near}"


def _is_prefix(prefix: str) -> bool:
    return len(prefix) in _PREFIX_LENGTHS and _nearest(prefix, [_PREFIX]) is not None


def _nearest(word: str, words: list[str]) -> str | None:
    import difflib  # noqa: PLC0415 - seldom is a name wrong

    near = difflib.get_close_matches(word, words, n=1, cutoff=_ALIKE)
    return near[0] if near else None
