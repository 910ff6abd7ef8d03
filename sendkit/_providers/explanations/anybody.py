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
        title="the server wants TLS first",
        cause="the connection was in the clear",
        remedy="set security=starttls (port 587) or security=implicit_tls (port 465)",
        source="RFC 3207 section 4",
    ),
    Entry(
        codes=(421, 450, 500, 501, 504, 521, 550, 553, 554),
        words="\\b(helo|ehlo)\\b.{0,40}(invalid|reject|refus|argument|name|not|bad|must)|invalid domain name|"
        "(invalid|bad|rejected).{0,20}\\b(helo|ehlo)\\b|need fully.qualified hostname|cannot find your (host|reverse)",
        title="the server does not take the name that the client gave in EHLO",
        cause="it wants a full name in the DNS, and got the short name of this machine, of a container, or `localhost`",
        remedy="--local-hostname host.example.com, local_hostname= of the Server, or SENDKIT_LOCAL_HOSTNAME",
        source="RFC 5321 section 4.1.1.1",
        why="ehlo_refused",
    ),
    Entry(
        codes=(535, 534, 550, 554),
        words="application.specific password|app password",
        title="the provider wants an app password",
        cause="the password of the account opens no mail client",
        remedy="make an app password in the security settings of the account; `sendkit login HOST USER` stores it",
        source="RFC 4954 section 6",
    ),
    Entry(
        codes=(450, 451, 421, 452),
        words="gr[ea]y.?list|try again (in|after|later).*(minute|second)|please (re)?try (again )?later",
        title="the server wants to be asked again",
        cause="a server that has not seen this sender before defers it for some minutes (greylisting)",
        remedy="give it some minutes",
        source="RFC 6647",
    ),
    Entry(
        codes=(553, 550, 554, 501),
        words="not owned by (user|authenticated)|sender address (rejected|denied|mismatch)|sender is not allowed",
        title="this account may not send from that address",
        cause="the reverse path or From is not an address of the account that logged in",
        remedy="send from the address of the account, or add the other one to it at the provider",
        source=f"{_POSTFIX}#reject_sender_login_mismatch",
        why="sender_not_owned",
    ),
    Entry(
        codes=(550, 553, 554, 454, 551),
        words="relay(ing)? (access )?(denied|not (permitted|allowed)|disallowed)|"
        "unauthenticated (senders?|mail|users?)|(unable|not permitted) to relay",
        title="the server does not send on for whom it does not know",
        cause="nobody logged in, or the account may not send to domains that are not this server's",
        remedy="give username= and a password, and use the submission server of your provider",
        source=f"{_POSTFIX}#smtpd_relay_restrictions",
    ),
    Entry(
        words="spamhaus|spamcop|barracuda|sorbs|\\b(rbl|dnsbl)\\b|block(ed)?.?list|blacklist",
        title="the sending address stands on a block list",
        cause="the address of this machine or of the provider is listed; addresses at home and in the cloud mostly are",
        remedy="send through a submission server with a login; for one of your own, ask the list to take it off",
        source="RFC 5782",
    ),
    Entry(
        codes=(550, 552, 554, 571, 451),
        words="\\bspam\\b|unsolicited|content rejected|message content",
        title="the message looks like spam to the server",
        cause="its filter dislikes the content, a link in it, or the sender",
        remedy="look at links, wording and attachments, and at SPF, DKIM and DMARC of the sender's domain",
        source="RFC 5321 section 7.9",
    ),
    Entry(
        codes=(550, 554, 552),
        words="virus|malware|executable|attachment (type )?(is )?(not allowed|blocked)|banned (file|content)",
        title="the server refuses an attachment",
        cause="a virus was found, or files of this kind are not taken",
        remedy="check the file, or send a link to it",
        source="RFC 5321 section 7.9",
    ),
    Entry(
        words="dmarc",
        title="the mail fails the DMARC policy of its sender's domain",
        cause="neither SPF nor DKIM vouches for the domain in From",
        remedy="send through a provider that the domain's SPF and DKIM know, or from another domain",
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
        words="user unknown|no such (user|mailbox|recipient)|unknown (user|recipient)|does not exist|"
        "unrouteable address|recipient (address )?rejected|invalid recipient|mailbox not found",
        title="there is no such mailbox",
        cause="the recipient's address is wrong or gone",
        remedy="check the spelling of the address, and take it off the list if it is gone",
        source=_EXIM,
    ),
    Entry(
        words="(mailbox|quota).*(full|exceeded)|over quota|insufficient (disk|mailbox) space",
        title="the recipient's mailbox is full",
        cause="the mailbox has no room left",
        remedy="try again in some days, or reach the recipient in another way",
        source="RFC 3463 section 3.3",
    ),
    Entry(
        codes=(421, 450, 451, 452, 454, 550),
        words="too many (concurrent )?(connections|sessions|messages|emails)|rate.?limit|throttl|limit exceeded",
        title="too many or too fast for the server",
        cause="a limit on connections, messages or recipients in some time was reached",
        remedy="send more slowly, with fewer max_connections=, and the rest later",
        source=f"{_POSTFIX}#smtpd_client_message_rate_limit",
    ),
    Entry(
        words="too many recipients|recipients? limit",
        title="too many recipients at once",
        cause="the server takes only so many recipients in one transaction (or for one message)",
        remedy="nothing, mostly: sendkit sends the rest in the next transaction; else send to fewer at a time",
        source=_RFC5321,
    ),
    Entry(
        codes=(552, 523, 554),
        words="(message|size).*(too (large|big)|exceeds|limit)",
        title="the message is too large",
        cause="with its attachments, a third larger in base64, it is beyond what the server takes",
        remedy="send smaller attachments, or links to the files",
        source="RFC 1870 section 6.1",
    ),
    Entry(
        codes=(535,),
        words="username and password not accepted|authentication (failed|unsuccessful|credentials invalid)|"
        "(invalid|bad|wrong|incorrect) (login|credentials|username|password)",
        title="the login was refused",
        cause="username or password are wrong, or not meant for mail clients",
        remedy=LOGIN,
        source="RFC 4954 section 6",
        why="login_refused",
    ),
    Entry(
        codes=(535,),
        title="the login was refused",
        cause="username or password are wrong, or not meant for mail clients",
        remedy=LOGIN,
        source="RFC 4954 section 6",
        why="login_refused",
    ),
)
