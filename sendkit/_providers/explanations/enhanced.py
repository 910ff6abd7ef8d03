"""The registry "SMTP Enhanced Status Codes" (RFC 3463, RFC 5248 and what was registered since), in plain words.

A code is `class.subject.detail`; the class (2, 4, 5) only says for how long, so that the table goes by the other two.
"""

from __future__ import annotations

from typing import Final

from sendkit._providers.explanations.entry import LATER, LOGIN, NOTHING

_ADDRESS = "RFC 3463 section 3.2"
_MAILBOX = "RFC 3463 section 3.3"
_SYSTEM = "RFC 3463 section 3.4"
_NETWORK = "RFC 3463 section 3.5"
_PROTOCOL = "RFC 3463 section 3.6"
_CONTENT = "RFC 3463 section 3.7"
_POLICY = "RFC 3463 section 3.8"
_AUTH = "RFC 4954 section 6"
_PROOF = "RFC 7372 section 3"

_SPELLING: Final = "check the spelling of the recipient's address"
_ASK: Final = "ask the operator of that server; the reply text usually says what to change"
_DNS: Final = "publish SPF and DKIM for the sender's domain as the sending provider says"
_OURS: Final = "try again; if it persists, report it with a transcript (`Mailer(…, transcript=True)`)"
_ASCII: Final = "use an address in ASCII, or a server that announces SMTPUTF8"

# subject.detail: title, cause, remedy, source
CODES: dict[str, tuple[str, str, str, str]] = {
    "1.1": ("there is no such mailbox", "the part before the @ is unknown at that domain", _SPELLING, _ADDRESS),
    "1.2": ("the recipient's domain accepts no mail", "it does not exist, or has no mail server", _SPELLING, _ADDRESS),
    "1.3": ("the recipient's address is invalid", "it does not follow the rules", _SPELLING, _ADDRESS),
    "1.4": ("the recipient's address is ambiguous", "it matches more than one mailbox", _SPELLING, _ADDRESS),
    "1.5": ("the recipient's address is valid", "the server says yes", NOTHING, _ADDRESS),
    "1.6": (
        "the mailbox has moved",
        "it was here before, and has no forwarding address",
        "ask for the new one",
        _ADDRESS,
    ),
    "1.7": ("the sender's address is invalid", "it does not follow the rules", "check From", _ADDRESS),
    "1.8": (
        "the sender's domain accepts no mail",
        "it does not exist, or replies could not reach it",
        "send from an address whose domain exists",
        _ADDRESS,
    ),
    "1.9": (
        "relayed to a server that reports nothing further",
        "there will be no other report",
        NOTHING,
        "RFC 3886 section 4",
    ),
    "1.10": (
        "the recipient's domain accepts no mail",
        "it says so in the DNS (null MX)",
        _SPELLING,
        "RFC 7505 section 4",
    ),
    "2.1": (
        "the mailbox is switched off",
        "it exists, but accepts no mail",
        "contact the recipient in another way",
        _MAILBOX,
    ),
    "2.2": (
        "the mailbox is full",
        "the recipient must free space first",
        "try again in some days, or contact the recipient in another way",
        _MAILBOX,
    ),
    "2.3": ("too large for this mailbox", "it has its own limit", "send smaller messages, or links", _MAILBOX),
    "2.4": ("the mailing list has a problem", "the list could not be opened", _ASK, _MAILBOX),
    "3.1": ("the server has no space", "its disks are full", LATER, _SYSTEM),
    "3.2": ("the server accepts no mail at the moment", "it is overloaded, or is shutting down", LATER, _SYSTEM),
    "3.3": ("the server cannot do what the message needs", "it lacks an extension", "use another server", _SYSTEM),
    "3.4": (
        "the message is too large for the server",
        "it is beyond its limit",
        "send smaller messages, or links",
        _SYSTEM,
    ),
    "3.5": (
        "the server is not configured for this mail",
        "usually it is the wrong server",
        "check the host name",
        _SYSTEM,
    ),
    "3.6": ("accepted with another priority", "the requested priority was changed", NOTHING, "RFC 6710 section 9"),
    "4.1": ("the next server does not answer", "the recipient's side cannot be reached", LATER, _NETWORK),
    "4.2": ("the connection failed", "it was lost, or timed out", LATER, _NETWORK),
    "4.3": ("a directory does not respond", "usually the DNS", LATER, _NETWORK),
    "4.4": ("there is no route to the recipient", "its domain has no usable server", _SPELLING, _NETWORK),
    "4.5": ("the server is overloaded", "too much mail at once", LATER, _NETWORK),
    "4.6": ("the mail is in a loop", "forwarding leads back to an earlier server", _ASK, _NETWORK),
    "4.7": ("the mail expired", "it could not be delivered in time", "send it again", _NETWORK),
    "5.1": ("the command came at the wrong time", "the server expected another one", _OURS, _PROTOCOL),
    "5.2": ("the server did not understand the command", "it is unknown or invalid there", _OURS, _PROTOCOL),
    "5.3": (
        "too many recipients at once",
        "the server limits recipients per transaction",
        "usually nothing: sendkit sends the rest in the next transaction; otherwise send to fewer at a time",
        _PROTOCOL,
    ),
    "5.4": (
        "the server did not understand an argument",
        "usually an address, an option, or the name in EHLO",
        _OURS,
        _PROTOCOL,
    ),
    "5.5": ("client and server use different versions", "they have no version in common", _OURS, _PROTOCOL),
    "5.6": ("a line of the login is too long", "the secret or token is longer than the server allows", _ASK, _AUTH),
    "6.1": ("content of this type is not accepted", "the server or the recipient refuses it", "send a link", _CONTENT),
    "6.2": (
        "the content may not be converted, but would have to be",
        "there is no route without conversion",
        _ASK,
        _CONTENT,
    ),
    "6.3": ("the content would have to be converted", "the next server does not accept it unchanged", _ASK, _CONTENT),
    "6.4": (
        "the content was converted, and lost data",
        "the next server could not accept all of it",
        NOTHING,
        _CONTENT,
    ),
    "6.5": ("the content could not be converted", "the conversion failed", _ASK, _CONTENT),
    "6.6": ("the content could not be fetched", "it is stored on another server", LATER, "RFC 4468 section 5"),
    "6.7": (
        "addresses beyond ASCII are not accepted",
        "the server or mailbox lacks SMTPUTF8",
        _ASCII,
        "RFC 6531 section 3.7.4",
    ),
    "6.8": ("the reply would not be ASCII", "SMTPUTF8 was not requested", _ASCII, "RFC 6531 section 3.7.4"),
    "6.9": (
        "headers beyond ASCII cannot be relayed",
        "a server on the way lacks SMTPUTF8",
        _ASCII,
        "RFC 6531 section 3.7.4",
    ),
    "6.10": (
        "headers beyond ASCII cannot be relayed",
        "a server on the way lacks SMTPUTF8",
        _ASCII,
        "RFC 6531 section 3.7.4",
    ),
    "7.1": (
        "the server's policy forbids it",
        "this sender may not send this message to this recipient: a filter, a block list, or the account's rights",
        "the reply text says which rule; check that From is an address of the account, and SPF, DKIM and DMARC",
        _POLICY,
    ),
    "7.2": ("this sender may not write to the list", "it accepts mail only from its members", "join it", _POLICY),
    "7.3": ("the content must be secured differently", "the server cannot do that", _ASK, _POLICY),
    "7.4": ("the server lacks a required security feature", "an extension is missing", "use another server", _POLICY),
    "7.5": ("a key is missing or wrong", "something could not be decrypted or checked", _ASK, _POLICY),
    "7.6": ("an algorithm is not supported", "something could not be decrypted or checked", _ASK, _POLICY),
    "7.7": ("the message was changed in transit", "its signature is not valid", "send it again", _POLICY),
    "7.8": ("the login was refused", "the username or password is wrong, or not for mail clients", LOGIN, _AUTH),
    "7.9": ("the login mechanism is too weak", "the server requires a stronger one for this account", LOGIN, _AUTH),
    "7.10": (
        "encryption is needed",
        "the server requires TLS for this",
        "use STARTTLS or implicit TLS",
        "RFC 5248 section 3",
    ),
    "7.11": ("the login needs TLS", "the connection was not encrypted", "use STARTTLS or implicit TLS", _AUTH),
    "7.12": (
        "the password must be renewed",
        "the server requires another mechanism once",
        "log in with a browser once",
        _AUTH,
    ),
    "7.13": (
        "the account is switched off",
        "the password is right, but the account is disabled",
        _ASK,
        "RFC 5248 section 3",
    ),
    "7.14": ("two servers do not trust each other", "one should fetch from the other", _ASK, "RFC 4468 section 5"),
    "7.15": ("the priority is too low", "the server accepts only urgent mail", LATER, "RFC 6710 section 9"),
    "7.16": ("too large for this priority", "urgent mail must be small there", "send less", "RFC 6710 section 9"),
    "7.17": ("the mailbox has a new owner", "it changed hands since the date given", "ask them", "RFC 7293 section 14"),
    "7.18": ("the domain has a new owner", "it changed hands since the date given", "ask them", "RFC 7293 section 14"),
    "7.19": ("the owner of the mailbox is unknown", "the server keeps no record", _ASK, "RFC 7293 section 14"),
    "7.20": ("no DKIM signature is valid", "there is none, or it was broken in transit", _DNS, _PROOF),
    "7.21": ("no DKIM signature is good enough", "the server does not accept the signer", _DNS, _PROOF),
    "7.22": ("no DKIM signature is the author's", "the signing domain differs from that in From", _DNS, _PROOF),
    "7.23": ("SPF forbids it", "the sender's domain does not list the server that sent", _DNS, _PROOF),
    "7.24": ("SPF cannot be checked", "the domain's record is invalid, or the DNS failed", _DNS, _PROOF),
    "7.25": (
        "the sending address has no matching name",
        "its reverse DNS name does not resolve to it",
        "send through a submission server with a login, not straight from this machine",
        _PROOF,
    ),
    "7.26": ("several authentication checks failed", "SPF and DKIM both, or DMARC", _DNS, _PROOF),
    "7.27": (
        "replies to this sender are impossible",
        "the sender's domain accepts no mail, and says so in the DNS (null MX)",
        "send from a domain that takes mail",
        "RFC 7505 section 4.2",
    ),
    "7.28": ("too much mail of this kind", "the server receives too many", "send more slowly", "IANA registry, X.7.28"),
    "7.29": ("the chain of forwarders cannot be trusted", "ARC validation failed", _ASK, "RFC 8617 section 5.2.2"),
    "7.30": (
        "no route with TLS throughout",
        "REQUIRETLS was requested, and the next server lacks it",
        _ASK,
        "RFC 8689",
    ),
}

# The subject alone, where the detail is 0 or unknown.
SUBJECTS: dict[str, tuple[str, str, str, str]] = {
    "1": ("something about an address", "the server does not say more", _SPELLING, _ADDRESS),
    "2": ("something about the mailbox", "the server does not say more", _ASK, _MAILBOX),
    "3": ("something about the mail system", "the server does not say more", LATER, _SYSTEM),
    "4": ("something about the network or the route", "the server does not say more", LATER, _NETWORK),
    "5": ("something about the protocol", "the server does not say more", _OURS, _PROTOCOL),
    "6": ("something about the content", "the server does not say more", _ASK, _CONTENT),
    "7": ("something about security or policy", "the server does not say more", _ASK, _POLICY),
}
