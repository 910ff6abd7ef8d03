"""The reply codes themselves, for a reply that says no more (RFC 5321 sections 4.2.2 and 4.2.3, and its extensions)."""

from __future__ import annotations

from typing import Final

from sendkit._providers.explanations.entry import LATER, LOGIN, NOTHING

_CODES = "RFC 5321 section 4.2.3"
_AUTH = "RFC 4954 section 6"
_OURS: Final = "client and server are out of step; try again, and report it with a transcript if it persists"

# code: title, cause, remedy, source
CODES: dict[int, tuple[str, str, str, str]] = {
    211: ("help", "the answer to HELP or a status", NOTHING, _CODES),
    214: ("help", "the answer to HELP", NOTHING, _CODES),
    220: ("the server is ready", "its greeting, or its confirmation of STARTTLS", NOTHING, _CODES),
    221: ("closing", "the server closes the connection on request", NOTHING, _CODES),
    235: ("logged in", "username and password were accepted", NOTHING, _AUTH),
    250: ("done", "the server completed the command", NOTHING, _CODES),
    251: ("sent on", "the recipient is not at this server, which sends it on", NOTHING, "RFC 5321 section 3.4"),
    252: ("accepted without a check", "the server does not say whether the address exists", NOTHING, _CODES),
    334: ("the login continues", "the server waits for the next line of AUTH", NOTHING, "RFC 4954 section 4"),
    354: ("continue", "the server waits for the message", NOTHING, _CODES),
    421: ("the server closes the connection temporarily", "it is busy, is shutting down, or timed out", LATER, _CODES),
    432: (
        "the password must be renewed",
        "the server requires another mechanism once",
        "log in with a browser once",
        _AUTH,
    ),
    450: ("not now", "the mailbox is busy, or the server defers unknown senders for some minutes", LATER, _CODES),
    451: ("the server has an internal problem", "something failed on its side", LATER, _CODES),
    452: ("the server has no space, or too many recipients", "a limit is temporarily reached", LATER, _CODES),
    454: ("no login at the moment", "the server cannot check passwords or start TLS at the moment", LATER, _AUTH),
    455: ("a parameter cannot be applied now", "the server could not do what MAIL or RCPT asked for", LATER, _CODES),
    500: ("the server did not understand the command", "it is unknown there, or too long", _OURS, _CODES),
    501: (
        "the server did not understand an argument",
        "usually an invalid address, or the name in EHLO",
        "check the addresses, and local_hostname= if it is set",
        _CODES,
    ),
    502: ("the server does not know the command", "it is not implemented there", _OURS, _CODES),
    503: ("the command came at the wrong time", "the server expected another one", _OURS, _CODES),
    504: ("the server does not know this parameter", "usually an unsupported login mechanism", _OURS, _CODES),
    521: (
        "this host accepts no mail",
        "the server exists only to say so",
        "use the submission server of your provider",
        "RFC 7504 section 3",
    ),
    523: ("the message is too large", "it exceeds the server's limit", "send a smaller message", _CODES),
    525: ("this account may not log in from here", "the server's policy forbids it", "ask the provider", _CODES),
    530: ("the server requires a login first", "there was no login", "give username= and a password", _AUTH),
    534: ("the server requires a stronger login", "this mechanism is too weak for the account", LOGIN, _AUTH),
    535: ("the login was refused", "the username or password is wrong, or not for mail clients", LOGIN, _AUTH),
    538: ("the server requires TLS for the login", "the connection was not encrypted", "use TLS", _AUTH),
    550: (
        "refused permanently",
        "there is no such mailbox, or a server policy forbids it; the reply text says which",
        "check the address; if it is right, read the reply text, or ask the server's operator",
        _CODES,
    ),
    551: ("the recipient is not here", "the server names another address", "write to that one", "RFC 5321 section 3.4"),
    552: ("too large, or the mailbox is full", "a size limit is reached", "send a smaller message", _CODES),
    553: (
        "the address is not allowed",
        "it is invalid, or this account may not use it",
        "check both addresses",
        _CODES,
    ),
    554: (
        "the transaction failed",
        "a server policy forbids it; the reply text says which",
        "read the reply text",
        _CODES,
    ),
    555: (
        "a parameter of MAIL or RCPT is unknown",
        "the server announced an extension that it does not support",
        _OURS,
        _CODES,
    ),
    556: (
        "the recipient's domain accepts no mail",
        "it says so in the DNS (null MX)",
        "check the spelling of the domain",
        "RFC 7504 section 4",
    ),
}

# The first digit alone.
CLASSES: dict[int, tuple[str, str, str, str]] = {
    2: ("done", "the server completed the command", NOTHING, "RFC 5321 section 4.2.1"),
    3: ("continue", "the server waits for more", NOTHING, "RFC 5321 section 4.2.1"),
    4: ("refused for now", "the same message may be accepted later", LATER, "RFC 5321 section 4.2.1"),
    5: ("refused permanently", "a retry will not help", "the reply text says why", "RFC 5321 section 4.2.1"),
}
