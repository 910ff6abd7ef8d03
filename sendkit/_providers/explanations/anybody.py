"""What many servers say in nearly the same words: the common sentences of Postfix, Exim, Exchange and the filters."""

from __future__ import annotations

from sendkit._providers.explanations.entry import LOGIN, Entry

_POSTFIX = "https://www.postfix.org/postconf.5.html"
_EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/"
_RFC5321 = "RFC 5321 section 4.5.3.1.8"

ENTRIES = (
    Entry(
        codes=(530, 454, 503, 538, 550, 554),
        words="must issue a starttls|starttls (is )?required|encryption required",
        title="the server requires TLS first",
        cause="the connection was not encrypted",
        remedy="set security=starttls (port 587) or security=implicit_tls (port 465)",
        source="RFC 3207 section 4",
    ),
    Entry(
        codes=(500, 501, 502, 503, 504, 530, 538, 550),
        words="authentication not enabled|AUTH (command )?(used when )?not (advertised|available|enabled|supported)|"
        "authentication (is )?(disabled|not (available|supported))|"
        "(unrecognized|not recognized|not implemented).{0,20}\\bAUTH\\b|\\bAUTH\\b.{0,20}not implemented",
        title="the server takes no login on this connection",
        cause="it offers one only after TLS was started or on another port, or it is a relay without logins",
        remedy="use its submission port (587 with STARTTLS, 465 with TLS); leave out the username if none is needed",
        source="RFC 4954 section 3",
    ),
    Entry(
        codes=(421, 450, 500, 501, 504, 521, 550, 553, 554),
        words="\\b(helo|ehlo)\\b.{0,40}(invalid|reject|refus|argument|name|not|bad|must|should)|invalid domain name|"
        "(invalid|bad|rejected).{0,20}\\b(helo|ehlo)\\b|need fully.qualified hostname",
        title="the server refuses the client's name in EHLO",
        cause="it requires a full DNS name, and got the short name of this machine or of a container, or `localhost`",
        remedy="--local-hostname host.example.com, local_hostname= of the Server, or SENDKIT_LOCAL_HOSTNAME",
        source="RFC 5321 section 4.1.1.1",
        why="ehlo_refused",
    ),
    Entry(
        codes=(535, 534, 550, 554),
        words="application.specific password|app password",
        title="the provider requires an app password",
        cause="the password of the account does not work in mail clients",
        remedy="make an app password in the security settings of the account; `sendkit login HOST USER` stores it",
        source="RFC 4954 section 6",
    ),
    Entry(
        codes=(421, 450, 454, 535, 550, 554),
        words="too many .{0,20}\\b(auth\\w*|log.?ins?|passwords?)\\b",
        title="too many logins failed, and the server refuses all for a while",
        cause="it counts logins with a wrong password, of this account or from this address",
        remedy="wait for some minutes to an hour, with every program that uses the account, and check the password "
        "before the next login; log in less often, with fewer max_connections=",
        source="RFC 4954 section 6",
    ),
    Entry(
        codes=(535, 550, 551, 554, 502, 421),
        words="\\byour .{0,30}account .{0,30}(activated|suspended|disabled|locked|blocked|pending)|"
        "smtp account .{0,30}(activated|suspended|disabled)|user suspended|not yet activated",
        title="the provider has stopped this account, or not activated it yet",
        cause="it is new and not confirmed, was used to send spam, or has a bill that is not paid",
        remedy="log in at the provider's web page and do what it asks there, or ask its support",
        source="RFC 5321 section 7.8",
    ),
    Entry(
        codes=(535,),
        words="(account|user|mailbox) .{0,20}(suspended|disabled|locked|blocked|inactive)",
        title="the provider has locked this account",
        cause="it was locked or disabled there; no password works until that is changed",
        remedy="log in at the provider's web page and do what it asks there, or ask its support",
        source="RFC 4954 section 6",
    ),
    Entry(
        codes=(421, 450, 525, 535, 550, 554),
        words="unauthori[sz]ed IP|\\bIP (address )?.{0,20}not (authori[sz]ed|allowed|permitted|registered|whitelisted)",
        title="the account may not be used from this machine's address",
        cause="the provider accepts its mail from known IP addresses only",
        remedy="add the public address of this machine to the allowed ones at the provider (at Brevo: Security, "
        "Authorised IPs), or switch that restriction off there",
        source="RFC 5321 section 7.9",
    ),
    Entry(
        codes=(421, 450, 451, 452, 454, 550, 554),
        words="too many (concurrent )?(connections|sessions|messages|emails)|too much mail|rate.?limit|throttl|"
        "(?<!size )limit exceeded|(sending|sender|daily|hourly|outgoing|message) (sending )?(limit|quota)|"
        "max(imum)? (emails|messages) per|allowed outgoing messages|policy.{0,20}quota exceeded",
        title="too many messages or connections for the server",
        cause="a limit on connections, messages or recipients per period was reached",
        remedy="send more slowly, with fewer max_connections=, and the rest later",
        source=f"{_POSTFIX}#smtpd_client_message_rate_limit",
    ),
    Entry(
        codes=(450, 451, 421, 452),
        words="gr[ea]y.?list|try again (in|after|later).*(minute|second)|please (re)?try (again )?later",
        title="the server asks for a later retry",
        cause="the server defers unknown senders for some minutes (greylisting)",
        remedy="try again in some minutes",
        source="RFC 6647",
    ),
    Entry(
        codes=(450, 451, 501, 504, 550, 553, 554),
        words="(sender|domain).*(not found|does not exist|does not resolve|couldn't be found)|domain not found|"
        "invalid DNS MX",
        title="a domain in the envelope cannot be found",
        cause="the domain of the sender or recipient has no entry in the DNS",
        remedy="check the spelling of both domains",
        source=f"{_POSTFIX}#reject_unknown_sender_domain",
    ),
    Entry(
        codes=(450, 501, 504, 550, 551, 553, 554),
        words="sender address rejected:? (user unknown|un(deliverable|verified|known)|need fully.qualified)|"
        "sender (address )?verif(y|ication) fail|^verification failed for",
        title="the server cannot verify the sender's address",
        cause="its mailbox or its domain does not exist, or its server does not answer to the test",
        remedy="check the spelling of From, and send from an address that exists and takes mail",
        source=f"{_POSTFIX}#reject_unverified_sender",
    ),
    Entry(
        codes=(553, 550, 551, 554, 501),
        words="not owned by (user|auth)|sender address (rejected|denied|mismatch)|sender is not allowed|"
        "^(?!.*\\bSPF\\b).*not (allowed|authori[sz]ed) to send (mail )?(from|as)\\b|"
        "sender.{0,20} (is )?not (authori[sz]ed|valid) (to send|for)",
        title="this account may not send from that address",
        cause="the reverse path or From is not an address of the account that logged in",
        remedy="send from the address of the account, or add the other address to the account at the provider",
        source=f"{_POSTFIX}#reject_sender_login_mismatch",
        why="sender_not_owned",
    ),
    Entry(
        codes=(550, 553, 554, 454, 551),
        words="relay(ing)? (access )?(denied|not (permitted|allowed)|disallowed)|"
        "unauthenticated (senders?|mail|users?)|(unable|not permitted) to relay|allowed rcpthosts",
        title="the server does not relay for unknown clients",
        cause="there was no login, or the account may not send to domains of other servers",
        remedy="give username= and a password, and use the submission server of your provider",
        source=f"{_POSTFIX}#smtpd_relay_restrictions",
    ),
    Entry(
        words="cannot find your (reverse )?hostname|(no|not have an?|missing) (valid )?(PTR|reverse DNS)|"
        "reverse (DNS|lookup).{0,20}(fail|missing|not)",
        title="the sending address has no matching name",
        cause="the reverse DNS name of this machine's address is missing, or does not resolve to it",
        remedy="send through a submission server with a login, not straight from this machine; for a server of your "
        "own, set its PTR record",
        source=f"{_POSTFIX}#reject_unknown_client_hostname",
    ),
    Entry(
        codes=(450, 550, 554),
        words="(client host|recipient address) rejected: access denied(?!.*AS\\()",
        title="the server accepts no mail from this client",
        cause="its rules let in only who logged in, or who is on a list; there was no login, or it does not suffice",
        remedy="give username= and a password, and use port 587 or 465; with a login, ask the server's operator",
        source=f"{_POSTFIX}#smtpd_client_restrictions",
    ),
    Entry(
        words="^(?!.*may not exist).*(spamhaus|spamcop|barracuda|sorbs|\\b(rbl|dnsbl)\\b|block(ed)?.?list|blacklist)",
        title="the sending address is on a block list",
        cause="the address of this machine or of the provider is listed; home and cloud addresses usually are",
        remedy="send through a submission server with a login; for one of your own, ask the list to remove its address",
        source="RFC 5782",
    ),
    Entry(
        codes=(550, 552, 554, 571, 451),
        words="\\bspam\\b|unsolicited|content (was )?(rejected|refused)|(rejected|refused) .{0,30}message content",
        title="the server considers the message spam",
        cause="its filter rejects the content, a link in it, or the sender",
        remedy="check links, wording and attachments, and SPF, DKIM and DMARC of the sender's domain",
        source="RFC 5321 section 7.9",
    ),
    Entry(
        codes=(550, 554, 552),
        words="virus|malware|executable|attachment (type )?(is )?(not allowed|blocked)|\\bbanned\\b|"
        "potential security issue",
        title="the server refuses an attachment",
        cause="a virus was found, or files of this type are not accepted",
        remedy="check the file, or send a link to it",
        source="RFC 5321 section 7.9",
    ),
    Entry(
        codes=(500, 501, 521, 550, 552, 554),
        words="bare (LF|CR|line ?feed|newline|carriage return)|822\\.bis|line ends? in (LF|CR) alone",
        title="the message has line ends that are not allowed",
        cause="the program sent LF or CR alone; lines end in CRLF (RFC 5321 section 2.3.8)",
        remedy="nothing to do: sendkit writes every line end as CRLF; in other programs send through smtplib's "
        "send_message(), or write CRLF",
        source="RFC 5321 section 2.3.8",
    ),
    Entry(
        codes=(550, 552, 554),
        words="duplicate header|multiple .{0,20}headers?\\b|more than one .{0,20}header",
        title="a header field is in the message twice",
        cause="fields such as From, To and Subject may be there once",
        remedy="nothing to do: sendkit writes each once; elsewhere use `del message['Subject']` before it is set again",
        source="RFC 5322 section 3.6",
    ),
    Entry(
        words="dmarc",
        title="the mail fails the DMARC policy of its sender's domain",
        cause="neither SPF nor DKIM authenticates the domain in From",
        remedy="send through a provider that the domain's SPF and DKIM records allow, or from another domain",
        source="RFC 7489 section 6.6",
    ),
    Entry(
        codes=(450, 550, 551, 553, 554),
        words="user unknown|no such (user|mailbox|recipient)|recipient not found|doesn't have a .{1,60} account|"
        "unknown (user|recipient)|does not exist|domain may not exist|"
        "unrouteable address|recipient (address )?rejected|invalid recipient|mailbox not found",
        title="there is no such mailbox",
        cause="the recipient's address is wrong or no longer exists",
        remedy="check the spelling of the address, and remove it from your list if it no longer exists",
        source=_EXIM,
    ),
    Entry(
        words="(mailbox|quota).*(full|exceeded)|over quota|insufficient (disk|mailbox) space",
        title="the recipient's mailbox is full",
        cause="the mailbox has no space left",
        remedy="try again in some days, or contact the recipient in another way",
        source="RFC 3463 section 3.3",
    ),
    Entry(
        words="too many recipients|recipients? limit",
        title="too many recipients at once",
        cause="the server limits recipients per transaction (or per message)",
        remedy="usually nothing: sendkit sends the rest in the next transaction; otherwise send to fewer at a time",
        source=_RFC5321,
    ),
    Entry(
        codes=(552, 523, 554),
        words="(message|size).*(too (large|big)|exceeds|limit)",
        title="the message is too large",
        cause="with its attachments, which base64 makes a third larger, it exceeds the server's limit",
        remedy="send smaller attachments, or links to the files",
        source="RFC 1870 section 6.1",
    ),
    Entry(
        codes=(454, 535, 554),
        words="connection lost to authentication server|authentication (backend|server|service).{0,20}unavailable|"
        "no mechanism available|generic failure|temporary authentication failure",
        title="the server cannot check passwords",
        cause="the service behind it that checks them does not answer; this says nothing of the password",
        remedy="try again later; on a server of your own, start saslauthd or Dovecot, and check smtpd_sasl_path",
        source="https://www.postfix.org/SASL_README.html",
    ),
    Entry(
        codes=(530, 550, 553, 554),
        words="authentication (is )?required|must (be )?(authenticated?|log ?in)|log ?in (is )?required|"
        "\\bauth is required|turn on SMTP auth|client was not authenticated",
        title="the server requires a login first",
        cause="there was no login",
        remedy="give a username and a password (username=, or --user)",
        source="RFC 4954 section 6",
        why="login_wanted",
    ),
    Entry(
        codes=(503, 554),
        words="no valid recipients|valid RCPT command must precede",
        title="the server had refused every recipient before",
        cause="without any recipient there is nothing to send; this reply says nothing of its own",
        remedy="look at the replies to RCPT, which came before it",
        source="RFC 5321 section 3.3",
    ),
    Entry(
        codes=(501, 553, 555),
        words="(RCPT|MAIL|recipient|sender|address).{0,30}syntax|syntax error.{0,30}(address|RCPT|MAIL)",
        title="an address in the envelope is not valid",
        cause="it is empty, or has a display name, a blank or a line end in it",
        remedy="nothing to do: sendkit checks addresses before it sends; elsewhere pass plain addresses, none empty",
        source="RFC 5321 section 4.1.2",
    ),
    Entry(
        codes=(550, 553, 554, 555, 501),
        words="SMTPUTF8",
        title="the server does not take addresses with non-ASCII characters",
        cause="the local part of an address is not ASCII, and the server lacks SMTPUTF8",
        remedy="use an ASCII address of that person, or send through a server with SMTPUTF8",
        source="RFC 6531 section 3.4",
    ),
    Entry(
        codes=(550, 554),
        words="security polic|policy (reasons|violation|restrictions?)|mimecast|proofpoint",
        title="a filter of the recipient's organization refuses the message",
        cause="its policy forbids the sender, a link, or an attachment; the page in the reply may say which",
        remedy="read the page that the reply names, or ask the recipient to allow the sender",
        source="RFC 5321 section 7.9",
    ),
    Entry(
        codes=(450, 451, 550, 554),
        words="message expired|delivery time expired|retry time ?out",
        title="the mail expired",
        cause="the recipient's server could not be reached, or deferred the mail, until the sending server gave up",
        remedy="check the recipient's domain, and send it again later",
        source="RFC 3463 section 3.5",
    ),
    Entry(
        codes=(535,),
        words="username and password not accepted|authentication (failed|unsuccessful|credentials invalid)|"
        "(invalid|bad|wrong|incorrect) (login|credentials|username|password)",
        title="the login was refused",
        cause="the username or password is wrong, or not for mail clients",
        remedy=LOGIN,
        source="RFC 4954 section 6",
        why="login_refused",
    ),
    Entry(
        codes=(535,),
        title="the login was refused",
        cause="the username or password is wrong, or not for mail clients",
        remedy=LOGIN,
        source="RFC 4954 section 6",
        why="login_refused",
    ),
)
