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
        words="\\b(helo|ehlo)\\b.{0,40}(invalid|reject|refus|argument|name|not|bad|must)|invalid domain name|"
        "(invalid|bad|rejected).{0,20}\\b(helo|ehlo)\\b|need fully.qualified hostname|cannot find your (host|reverse)",
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
        codes=(450, 451, 421, 452),
        words="gr[ea]y.?list|try again (in|after|later).*(minute|second)|please (re)?try (again )?later",
        title="the server asks for a later retry",
        cause="the server defers unknown senders for some minutes (greylisting)",
        remedy="try again in some minutes",
        source="RFC 6647",
    ),
    Entry(
        codes=(553, 550, 554, 501),
        words="not owned by (user|authenticated)|sender address (rejected|denied|mismatch)|sender is not allowed",
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
        words="spamhaus|spamcop|barracuda|sorbs|\\b(rbl|dnsbl)\\b|block(ed)?.?list|blacklist",
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
        codes=(450, 451, 550, 553, 554),
        words="(sender|domain).*(not found|does not exist|does not resolve|couldn't be found)|domain not found",
        title="a domain in the envelope cannot be found",
        cause="the domain of the sender or recipient has no entry in the DNS",
        remedy="check the spelling of both domains",
        source=f"{_POSTFIX}#reject_unknown_sender_domain",
    ),
    Entry(
        codes=(450, 550, 551, 553, 554),
        words="user unknown|no such (user|mailbox|recipient)|recipient not found|doesn't have a .{1,60} account|"
        "unknown (user|recipient)|does not exist|"
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
        codes=(421, 450, 451, 452, 454, 550),
        words="too many (concurrent )?(connections|sessions|messages|emails)|rate.?limit|throttl|limit exceeded",
        title="too many messages or connections for the server",
        cause="a limit on connections, messages or recipients per period was reached",
        remedy="send more slowly, with fewer max_connections=, and the rest later",
        source=f"{_POSTFIX}#smtpd_client_message_rate_limit",
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
        codes=(530,),
        words="authentication (is )?required|must (be )?(authenticated?|log ?in)|log ?in (is )?required",
        title="the server requires a login first",
        cause="there was no login",
        remedy="give a username and a password (username=, or --user)",
        source="RFC 4954 section 6",
        why="login_wanted",
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
        title="a filter of the recipient's organisation refuses the message",
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
