"""The reply codes themselves, for a reply that says no more (RFC 5321 sections 4.2.2 and 4.2.3, and its extensions)."""

from __future__ import annotations

from typing import Final

from sendkit._providers.explanations.entry import LATER, LOGIN, NOTHING

_CODES = "RFC 5321 section 4.2.3"
_AUTH = "RFC 4954 section 6"
_OURS: Final = "the two sides do not agree where they stand; try again, and report it with a transcript if it stays"

# code: title, cause, remedy, source
CODES: dict[int, tuple[str, str, str, str]] = {
    211: ("help", "the answer to HELP or a status", NOTHING, _CODES),
    214: ("help", "the answer to HELP", NOTHING, _CODES),
    220: ("the server is ready", "its greeting, or its yes to STARTTLS", NOTHING, _CODES),
    221: ("closing", "the server closes the connection, as it was asked to", NOTHING, _CODES),
    235: ("logged in", "username and password were taken", NOTHING, _AUTH),
    250: ("done", "the server did what it was asked to", NOTHING, _CODES),
    251: ("sent on", "the recipient is not at this server, which sends it on", NOTHING, "RFC 5321 section 3.4"),
    252: ("taken without a check", "the server does not say whether the address exists", NOTHING, _CODES),
    334: ("the login goes on", "the server waits for the next line of AUTH", NOTHING, "RFC 4954 section 4"),
    354: ("go on", "the server waits for the message", NOTHING, _CODES),
    421: ("the server closes the connection for now", "it is too busy, shuts down, or waited too long", LATER, _CODES),
    432: ("the password must be renewed", "the server wants another mechanism once", "log in at a browser once", _AUTH),
    450: ("not now", "the mailbox is busy, or the server defers unknown senders for some minutes", LATER, _CODES),
    451: ("the server has a problem of its own", "something failed on its side", LATER, _CODES),
    452: ("the server has no room, or too many recipients", "a limit is reached for the moment", LATER, _CODES),
    454: ("no login for now", "the server cannot check passwords or begin TLS at the moment", LATER, _AUTH),
    455: ("a parameter cannot be served now", "the server could not do what MAIL or RCPT asked for", LATER, _CODES),
    500: ("the server did not understand the command", "it is unknown there, or too long", _OURS, _CODES),
    501: (
        "the server did not understand an argument",
        "mostly an address that it cannot read, or the name given in EHLO",
        "check the addresses, and local_hostname= if it is set",
        _CODES,
    ),
    502: ("the server does not know the command", "it is not implemented there", _OURS, _CODES),
    503: ("the command came at the wrong time", "the server expected another one", _OURS, _CODES),
    504: ("the server does not know this parameter", "mostly a login mechanism that it lacks", _OURS, _CODES),
    521: (
        "this host takes no mail",
        "the server is there to say so",
        "use the submission server of your provider",
        "RFC 7504 section 3",
    ),
    523: ("the message is too large", "it is beyond what the server takes", "send less at a time", _CODES),
    525: ("this account may not log in from here", "the server's policy forbids it", "ask the provider", _CODES),
    530: ("the server wants a login first", "nobody logged in", "give username= and a password", _AUTH),
    534: ("the server wants a stronger login", "this mechanism is too weak for the account", LOGIN, _AUTH),
    535: ("the login was refused", "username or password are wrong, or not meant for mail clients", LOGIN, _AUTH),
    538: ("the server wants TLS for the login", "the connection was in the clear", "use TLS", _AUTH),
    550: (
        "refused for good",
        "there is no such mailbox, or a policy of the server is against it; its text says which",
        "check the address; if it is right, the text and the server's operator say what is missing",
        _CODES,
    ),
    551: ("the recipient is not here", "the server names another address", "write to that one", "RFC 5321 section 3.4"),
    552: ("too large, or the mailbox is full", "a limit on room is reached", "send less at a time", _CODES),
    553: (
        "the address is not allowed",
        "it cannot be read, or this account may not use it",
        "check both addresses",
        _CODES,
    ),
    554: (
        "the transaction failed",
        "a policy of the server is against it; its text says which",
        "read its text",
        _CODES,
    ),
    555: ("a parameter of MAIL or RCPT is unknown", "the server announced what it does not know", _OURS, _CODES),
    556: (
        "the recipient's domain takes no mail",
        "it says so in the DNS (null MX)",
        "check the spelling of the domain",
        "RFC 7504 section 4",
    ),
}

# The first digit alone.
CLASSES: dict[int, tuple[str, str, str, str]] = {
    2: ("done", "the server did what it was asked to", NOTHING, "RFC 5321 section 4.2.1"),
    3: ("go on", "the server waits for more", NOTHING, "RFC 5321 section 4.2.1"),
    4: ("refused for now", "the same may be taken later", LATER, "RFC 5321 section 4.2.1"),
    5: ("refused for good", "the same again will not help", "its text says why", "RFC 5321 section 4.2.1"),
}
