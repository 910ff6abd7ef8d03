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
_ASK: Final = "ask the operator of that server; the text of the reply mostly says what to change"
_DNS: Final = "publish SPF and DKIM for the sender's domain as the sending provider says"
_OURS: Final = "try again; if it stays, report it with a transcript (`Mailer(…, transcript=True)`)"
_ASCII: Final = "use an address in ASCII, or a server that announces SMTPUTF8"

# subject.detail: title, cause, remedy, source
CODES: dict[str, tuple[str, str, str, str]] = {
    "1.1": ("there is no such mailbox", "what stands before the @ is unknown at that domain", _SPELLING, _ADDRESS),
    "1.2": ("the recipient's domain takes no mail", "it does not exist, or has no mail server", _SPELLING, _ADDRESS),
    "1.3": ("the recipient's address cannot be read", "it does not follow the rules", _SPELLING, _ADDRESS),
    "1.4": ("the recipient's address is ambiguous", "it fits more than one mailbox", _SPELLING, _ADDRESS),
    "1.5": ("the recipient's address is valid", "the server says yes", NOTHING, _ADDRESS),
    "1.6": ("the mailbox has moved", "it was here once, and left no new address", "ask for the new one", _ADDRESS),
    "1.7": ("the sender's address cannot be read", "it does not follow the rules", "check From", _ADDRESS),
    "1.8": (
        "the sender's domain takes no mail",
        "it does not exist, or answers could not reach it",
        "send from an address whose domain exists",
        _ADDRESS,
    ),
    "1.9": ("sent on to a server that says no more", "its word is all there is", NOTHING, "RFC 3886 section 4"),
    "1.10": (
        "the recipient's domain takes no mail",
        "it says so in the DNS (null MX)",
        _SPELLING,
        "RFC 7505 section 4",
    ),
    "2.1": (
        "the mailbox is switched off",
        "it exists, but takes nothing",
        "reach the recipient in another way",
        _MAILBOX,
    ),
    "2.2": (
        "the mailbox is full",
        "the recipient must make room first",
        "try again in some days, or reach the recipient in another way",
        _MAILBOX,
    ),
    "2.3": ("too large for this mailbox", "it has a limit of its own", "send less at a time, or links", _MAILBOX),
    "2.4": ("the mailing list has a problem", "the list could not be opened", _ASK, _MAILBOX),
    "3.1": ("the server has no room", "its disks are full", LATER, _SYSTEM),
    "3.2": ("the server takes no mail at the moment", "it is overloaded, or shuts down", LATER, _SYSTEM),
    "3.3": ("the server cannot do what the message needs", "it lacks an extension", "use another server", _SYSTEM),
    "3.4": (
        "the message is too large for the server",
        "it is beyond its limit",
        "send less at a time, or links",
        _SYSTEM,
    ),
    "3.5": ("the server is not set up for this mail", "mostly it is the wrong one", "check the host name", _SYSTEM),
    "3.6": ("taken with another priority", "the priority asked for was changed", NOTHING, "RFC 6710 section 9"),
    "4.1": ("the next server does not answer", "the recipient's side cannot be reached", LATER, _NETWORK),
    "4.2": ("the connection failed", "it was lost, or nothing came for too long", LATER, _NETWORK),
    "4.3": ("a directory does not answer", "mostly the DNS", LATER, _NETWORK),
    "4.4": ("there is no way to the recipient", "its domain names no server that can be used", _SPELLING, _NETWORK),
    "4.5": ("the server is overloaded", "too much mail at once", LATER, _NETWORK),
    "4.6": ("the mail goes round in circles", "forwarding leads back to where it came from", _ASK, _NETWORK),
    "4.7": ("the mail got too old", "it could not be delivered in time", "send it again", _NETWORK),
    "5.1": ("the command came at the wrong time", "the server expected another one", _OURS, _PROTOCOL),
    "5.2": ("the server did not understand the command", "it cannot be read there", _OURS, _PROTOCOL),
    "5.3": (
        "too many recipients at once",
        "the server takes only so many in one transaction",
        "nothing, mostly: sendkit sends the rest in the next transaction; else send to fewer at a time",
        _PROTOCOL,
    ),
    "5.4": (
        "the server did not understand an argument",
        "mostly an address, an option, or the name in EHLO",
        _OURS,
        _PROTOCOL,
    ),
    "5.5": ("the two sides speak different versions", "they found nothing in common", _OURS, _PROTOCOL),
    "5.6": ("a line of the login is too long", "the secret or token is longer than the server takes", _ASK, _AUTH),
    "6.1": ("content of this kind is not taken", "the server or the recipient refuses it", "send a link", _CONTENT),
    "6.2": ("the content must not be changed, but would have to be", "no way without conversion", _ASK, _CONTENT),
    "6.3": ("the content would have to be changed", "the next server cannot take it as it is", _ASK, _CONTENT),
    "6.4": (
        "the content was changed, and lost something",
        "the next server could not take it all",
        NOTHING,
        _CONTENT,
    ),
    "6.5": ("the content could not be changed as needed", "the conversion failed", _ASK, _CONTENT),
    "6.6": ("the content could not be fetched", "it was to come from another server", LATER, "RFC 4468 section 5"),
    "6.7": (
        "addresses beyond ASCII are not taken",
        "the server or mailbox lacks SMTPUTF8",
        _ASCII,
        "RFC 6531 section 3.7.4",
    ),
    "6.8": ("the reply would not be ASCII", "SMTPUTF8 was not asked for", _ASCII, "RFC 6531 section 3.7.4"),
    "6.9": (
        "headers beyond ASCII cannot go on",
        "a server on the way lacks SMTPUTF8",
        _ASCII,
        "RFC 6531 section 3.7.4",
    ),
    "6.10": (
        "headers beyond ASCII cannot go on",
        "a server on the way lacks SMTPUTF8",
        _ASCII,
        "RFC 6531 section 3.7.4",
    ),
    "7.1": (
        "the server's policy is against it",
        "this sender may not send this message to this recipient: a filter, a block list, or the account's rights",
        "the text of the reply says which rule; check that From is an address of the account, and SPF, DKIM and DMARC",
        _POLICY,
    ),
    "7.2": ("this sender may not write to the list", "it takes mail from its members alone", "join it", _POLICY),
    "7.3": ("the content must be secured in another way", "and the server cannot do that", _ASK, _POLICY),
    "7.4": ("the server lacks what was asked for security", "an extension is missing", "use another server", _POLICY),
    "7.5": ("a key is missing or wrong", "something could not be decrypted or checked", _ASK, _POLICY),
    "7.6": ("an algorithm is not known there", "something could not be decrypted or checked", _ASK, _POLICY),
    "7.7": ("the message was changed on its way", "its signature does not hold", "send it again", _POLICY),
    "7.8": ("the login was refused", "username or password are wrong, or not meant for mail clients", LOGIN, _AUTH),
    "7.9": ("the login mechanism is too weak", "the server wants a stronger one for this account", LOGIN, _AUTH),
    "7.10": (
        "encryption is needed",
        "the server wants TLS for this",
        "use STARTTLS or implicit TLS",
        "RFC 5248 section 3",
    ),
    "7.11": ("the login needs TLS", "the connection was in the clear", "use STARTTLS or implicit TLS", _AUTH),
    "7.12": (
        "the password must be renewed",
        "the server wants another mechanism once",
        "log in at a browser once",
        _AUTH,
    ),
    "7.13": ("the account is switched off", "the password is right, but nobody may use it", _ASK, "RFC 5248 section 3"),
    "7.14": ("two servers do not trust each other", "one was to fetch from the other", _ASK, "RFC 4468 section 5"),
    "7.15": ("the priority is too low", "the server takes urgent mail only", LATER, "RFC 6710 section 9"),
    "7.16": ("too large for this priority", "urgent mail must be small there", "send less", "RFC 6710 section 9"),
    "7.17": ("the mailbox has a new owner", "it changed hands since the date given", "ask them", "RFC 7293 section 14"),
    "7.18": ("the domain has a new owner", "it changed hands since the date given", "ask them", "RFC 7293 section 14"),
    "7.19": ("nobody can say who owned the mailbox", "the server keeps no record", _ASK, "RFC 7293 section 14"),
    "7.20": ("no DKIM signature holds", "there is none, or it was broken on the way", _DNS, _PROOF),
    "7.21": ("no DKIM signature is good enough", "the signer is not one that the server accepts", _DNS, _PROOF),
    "7.22": ("no DKIM signature is the author's", "the signer is another domain than From", _DNS, _PROOF),
    "7.23": ("SPF forbids it", "the sender's domain does not list the server that sent", _DNS, _PROOF),
    "7.24": ("SPF cannot be checked", "the domain's record has a mistake, or the DNS failed", _DNS, _PROOF),
    "7.25": (
        "the sending address has no matching name",
        "its reverse name does not lead back to it",
        "send through a submission server with a login, not straight from this machine",
        _PROOF,
    ),
    "7.26": ("several proofs of the sender failed", "SPF and DKIM both, or DMARC", _DNS, _PROOF),
    "7.27": (
        "nobody could answer this sender",
        "the sender's domain takes no mail, and says so in the DNS (null MX)",
        "send from a domain that takes mail",
        "RFC 7505 section 4.2",
    ),
    "7.28": ("too much mail of this kind", "the server sees a flood", "send more slowly", "IANA registry, X.7.28"),
    "7.29": ("the chain of forwarders cannot be trusted", "ARC does not hold", _ASK, "RFC 8617 section 5.2.2"),
    "7.30": ("no way with TLS all along", "REQUIRETLS was asked for, and the next server lacks it", _ASK, "RFC 8689"),
}

# The subject alone, where the detail is 0 or unknown.
SUBJECTS: dict[str, tuple[str, str, str, str]] = {
    "1": ("something about an address", "the server does not say more", _SPELLING, _ADDRESS),
    "2": ("something about the mailbox", "the server does not say more", _ASK, _MAILBOX),
    "3": ("something about the mail system", "the server does not say more", LATER, _SYSTEM),
    "4": ("something about the network or the way there", "the server does not say more", LATER, _NETWORK),
    "5": ("something about the protocol", "the server does not say more", _OURS, _PROTOCOL),
    "6": ("something about the content", "the server does not say more", _ASK, _CONTENT),
    "7": ("something about security or policy", "the server does not say more", _ASK, _POLICY),
}
