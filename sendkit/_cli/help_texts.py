"""What the help says beyond the list of options: what a command is for, and an example that can be typed.

Knows the exit codes and their meanings. Must not know argparse.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendkit._cli.exit_codes import MEANINGS
from sendkit._cli.sysexits import MEANINGS as SYSEXITS

_PASSWORDS = """\
passwords:
  There is no option for a password: everybody on this machine could read it. sendkit takes it from
  SENDKIT_PASSWORD, the file named by SENDKIT_PASSWORD_FILE, the systemd credential sendkit.password, the program
  in SENDKIT_PASSWORD_COMMAND, or the keyring of the operating system, where `sendkit login HOST USER` puts it."""

_SYSEXITS = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in SYSEXITS.items())
_EXIT_CODES = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in MEANINGS.items())

MAIN = "Send mail, and know what became of it, recipient by recipient."
MAIN_EPILOG = f"""\
examples:
  sendkit demo                                        see it work, on this machine alone
  sendkit catch --open                                see what a program sends, in the browser
  sendkit login smtp.example.com ana@example.com      once: put the password into the keyring
  sendkit doctor                                      say what does not work, and why
  echo 'All went well.' | sendkit send --host smtp.example.com --user ana@example.com \\
      -f ana@example.com -t luis@example.com -s 'Backup done' -a backup.log

`sendkit COMMAND --help` says more.

{_PASSWORDS}

{_EXIT_CODES}"""


@dataclass(slots=True, frozen=True)
class HelpText:
    """A command in a few words, in a sentence or two, and by example."""

    short: str
    long: str
    epilog: str


COMMANDS = {
    "send": HelpText(
        "send one message, and say what became of it",
        "Send one message, and say for each recipient whether it was accepted, rejected or deferred, or is in doubt.\n"
        "The text comes from --text or from standard input.",
        f"""\
examples:
  sendkit send --host smtp.example.com --user ana@example.com -f 'Ana <ana@example.com>' \\
      -t luis@example.com -s 'Weekly report' --html report.html -a report.pdf
  df -h | sendkit send -t ops@example.net -s 'Disk space'       (the rest from the environment)
  sendkit send --dry-run -f ana@example.com -t luis@example.com -s Hola --text '¿Qué tal?'
  sendkit send --message ready.eml --json

environment:
  SENDKIT_URL, or SENDKIT_HOST with SENDKIT_PORT, SENDKIT_SECURITY and SENDKIT_USERNAME, names the server and
  the account; SENDKIT_FROM the sender. An option stands above its variable; --host above all that the
  environment says of the server. A URL may be followed by those of backup servers. On a staging machine,
  SENDKIT_REDIRECT_ALL_TO gets all mail, except for those whom SENDKIT_ALLOW_ONLY names.

accounts:
  --account NAME takes server, username and sender from [accounts.NAME] of sendkit/config.toml in your folder
  of settings ($XDG_CONFIG_HOME or ~/.config; %APPDATA% on Windows), whatever the environment says.

{_PASSWORDS}

{_EXIT_CODES}""",
    ),
    "report": HelpText(
        "mail tables, figures and prose as a report",
        "Make a report of files: tables from csv, json, parquet and xlsx, pictures, and prose in Markdown. It looks\n"
        "right in every mail program; what it has no room for goes along as a file. Without FILE, standard input is\n"
        "a table (csv or json).",
        f"""\
examples:
  sendkit report orders.csv --title 'Orders of today' -t boss@example.com --format margin=percent --total
  psql --csv -f orders.sql shop | sendkit report --title Orders -t boss@example.com --preview
  sendkit report sales.parquet --markdown notes.md --figure sales.png --alt 'Sales, rising' \\
      --title 'Sales, week 48' -t boss@example.com --preview

cron, each Monday at six (the account in the environment of the crontab):
  0 6 * * 1  psql --csv -f weekly.sql shop | sendkit report --title 'Weekly sales' -t boss@example.com >/dev/null

It needs the extra `report` for xlsx files and Markdown (docs/install.md). Parquet needs pyarrow,
and reading xlsx openpyxl. The server, the account and the password are those of `sendkit send`.

{_EXIT_CODES}""",
    ),
    "sendmail": HelpText(
        "stand in for /usr/sbin/sendmail: send what a program writes to it",
        "Send the message on standard input through your account, as programs expect it of /usr/sbin/sendmail: cron,\n"
        "mutt, PHP, git send-email. From, Date and Message-ID are filled in where they are missing, Bcc is taken out.\n"
        "Nothing is printed unless something is wrong.",
        f"""\
examples:
  sendkit sendmail -t < message.eml
  printf 'Subject: Backup done\\n\\nAll went well.\\n' | sendkit sendmail ops@example.com
  ln -s "$(command -v sendkit)" /usr/local/sbin/sendmail        called by that name, it is this command

accounts:
  That of the environment; else the one that [sendmail] of sendkit/config.toml names (account = "work"), or the only
  one there is. Your own file stands before /etc/sendkit/config.toml. With outbox = true or --outbox the message is
  put into the outbox, and `sendkit outbox run` sends it. [sendmail.aliases] says who gets mail for names without a
  domain: root = "ops@example.com", or "*" for all of them.

Flags that say what is read, run or written (-C, -X, -O, -be, -bd …) are refused. It never runs setuid.

{_SYSEXITS}""",
    ),
    "login": HelpText(
        "put a password or an OAuth 2 grant into the keyring",
        "Ask for the password of an account, without showing it, try it at the server, and store it in the keyring of\n"
        "the operating system. When standard input is not a terminal, its first line is the password. With --oauth a\n"
        "person grants access in a browser instead, and what renews the tokens is stored.",
        """\
examples:
  sendkit login smtp.example.com ana@example.com
  pass show mail | sendkit login --no-test smtp.example.com ana@example.com
  sendkit login --oauth microsoft --client-id ID smtp.office365.com ana@example.com

The entry is called sendkit:HOST. `sendkit logout` removes it. What the server refuses is not stored. The secret of
an application that has one is read from SENDKIT_OAUTH_CLIENT_SECRET.""",
    ),
    "logout": HelpText(
        "remove a password from the keyring",
        "Remove the password of an account from the keyring of the operating system.",
        """\
example:
  sendkit logout smtp.example.com ana@example.com""",
    ),
    "demo": HelpText(
        "see a message go through a real conversation",
        "Start a mail server on this machine for a moment, closed to all others, and send it a report. It takes it\n"
        "for one recipient at once, for a second one when asked again, and not at all for a third.",
        """\
examples:
  sendkit demo
  sendkit demo --keep received      put the received messages into the folder `received`
  sendkit demo --outbox             a server is down, the mail waits, one recipient expires, a report arrives

It needs the extra `demo` (docs/install.md)""",
    ),
    "doctor": HelpText(
        "say what keeps an account from sending, and what to do",
        "Try all that a message needs: the server's name, the connection, TLS and the certificate, the mechanisms,\n"
        "the password, one login, sender and recipient; and look at what the DNS says of the sender's domain (SPF,\n"
        "DKIM, DMARC). Nothing is sent. What fails stands first, and each line that is not ok says what to do.",
        """\
examples:
  sendkit doctor                                      the account of the environment
  sendkit doctor work                                 [accounts.work] of sendkit/config.toml
  sendkit doctor --host smtp.example.com --user ana@example.com --to luis@example.com
  sendkit doctor --message newsletter.eml             what readers and the server would make of it, too
  sendkit doctor --json --limit 10

It ends with 0 where nothing failed, whatever it warns of; else with 75, 77, 69 or 78, as `sendkit send` would. What it
says of the domain needs the extra `dns` (docs/install.md)""",
    ),
    "explain": HelpText(
        "say what an error means",
        "Say what a reply of a mail server or an error means, why it came, and what to do, in sendkit and elsewhere.\n"
        "Paste it as it is: a reply, a traceback, a line of a log, a returned message, an answer of an OAuth server;\n"
        "an enhanced code alone (5.7.8) will do.",
        """\
examples:
  sendkit explain '535 5.7.8 Username and Password not accepted. … - gsmtp'
  sendkit explain --host smtp.mail.yahoo.com 535 authentication failed
  python weekly.py 2>&1 | sendkit explain
  sendkit explain < returned.eml

It ends with 0, or 64 where nothing in the text is known.""",
    ),
    "providers": HelpText(
        "list the providers that are known by name",
        "List the providers that `Mailer.for_provider` and an account's key `provider` know, or say of one what its\n"
        "server is, what the password must be, and what it limits.",
        """\
examples:
  sendkit providers
  sendkit providers gmail""",
    ),
    "outbox": HelpText(
        "keep mail until a server has it: send it, look at it, decide",
        "Send what programs have put into an outbox, and see and decide what becomes of it. The outbox is a file of\n"
        "yours, what SENDKIT_OUTBOX names, or --database.",
        """\
examples:
  sendkit outbox run                                  send, until SIGTERM; `ready` is printed when it does
  sendkit outbox run --once                           from cron: try what is due, and end
  sendkit outbox counts
  sendkit outbox list --in-doubt                      what a person has to decide
  sendkit outbox status 3f9a2c                        the whole history of a letter
  sendkit outbox doctor

`run` sends through the account of the environment, or through those of the config that --account names; it takes only
letters of those accounts. It ends with 0; --once with 77 where an account cannot log in, 76 where something is in
doubt, and 75 where letters wait for another try. An option for a database takes no password: use PGPASSFILE, a service
file, or SENDKIT_OUTBOX.""",
    ),
    "completions": HelpText(
        "print what completes the command in a shell, or the manual page",
        "Print what lets bash, zsh or fish complete the commands and options of sendkit, or the manual page (man).",
        """\
examples:
  sendkit completions bash > ~/.local/share/bash-completion/completions/sendkit
  sendkit completions zsh > "${fpath[1]}/_sendkit"
  sendkit completions fish > ~/.config/fish/completions/sendkit.fish
  sendkit completions man > ~/.local/share/man/man1/sendkit.1""",
    ),
    "catch": HelpText(
        "take all mail of a program under development, and show it in the browser",
        "Start a mail server on this machine, closed to all others, that takes every message and passes none on. Each\n"
        "is listed here and shown on a page in the browser: html, text, headers, attachments, envelope, source.\n"
        "Nothing of a message is run there, and nothing loaded from a network.",
        """\
examples:
  sendkit catch --open
  sendkit catch --port 2525 --web-port 8025 --keep caught

It asks for STARTTLS and a login. The password is that of SENDKIT_PASSWORD, or else a new one, which is printed.

It needs the extra `demo` (docs/install.md)""",
    ),
}
