"""What the help says beyond the list of options: what a command is for, and an example that can be typed.

Knows the exit codes and their meanings. Must not know argparse.
"""

from __future__ import annotations

from typing import NamedTuple

from sendkit._cli.exit_codes import MEANINGS
from sendkit._cli.sysexits import MEANINGS as SYSEXITS

_PASSWORDS = """\
passwords:
  No option takes a password, because every user of this machine could read it. sendkit takes it from
  SENDKIT_PASSWORD, the file named by SENDKIT_PASSWORD_FILE, the systemd credential sendkit.password, the program
  in SENDKIT_PASSWORD_COMMAND, or the keyring of the operating system, where `sendkit login HOST USER` stores it."""

_SYSEXITS = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in SYSEXITS.items())
_EXIT_CODES = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in MEANINGS.items())

MAIN = "Send mail, and see the outcome for each recipient."
MAIN_EPILOG = f"""\
examples:
  sendkit demo                                        see it work, only on this machine
  sendkit catch --open                                see in the browser what a program sends
  sendkit login smtp.example.com ana@example.com      once: store the password in the keyring
  sendkit doctor                                      find out what does not work, and why
  echo 'All went well.' | sendkit send --host smtp.example.com --user ana@example.com \\
      -f ana@example.com -t luis@example.com -s 'Backup done' -a backup.log

`sendkit COMMAND --help` shows the options of a command.

{_PASSWORDS}

{_EXIT_CODES}"""


class HelpText(NamedTuple):
    """A command in a few words, in a sentence or two, and by example."""

    short: str
    long: str
    epilog: str


COMMANDS = {
    "send": HelpText(
        "send one message, and print the outcome",
        "Send one message, and print for each recipient whether it was accepted, rejected, deferred, or is in doubt.\n"
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
  the account; SENDKIT_FROM the sender. An option overrides its variable; --host overrides all server
  variables of the environment. The URLs of backup servers can follow a URL. On a staging machine,
  SENDKIT_REDIRECT_ALL_TO gets all mail, except for recipients that SENDKIT_ALLOW_ONLY names.

accounts:
  --account NAME reads server, username and sender from [accounts.NAME] of sendkit/config.toml in your
  settings folder ($XDG_CONFIG_HOME or ~/.config; %APPDATA% on Windows), and ignores the environment.

{_PASSWORDS}

{_EXIT_CODES}""",
    ),
    "report": HelpText(
        "send tables, figures and text as a report",
        "Make a report from files: tables from csv, json, parquet and xlsx, pictures, and text in Markdown. It looks\n"
        "right in every mail program; tables that are too long are attached as files. Without FILE, standard input is\n"
        "a table (csv or json).",
        f"""\
examples:
  sendkit report orders.csv --title 'Orders of today' -t boss@example.com --format margin=percent --total
  psql --csv -f orders.sql shop | sendkit report --title Orders -t boss@example.com --preview
  sendkit report sales.parquet --markdown notes.md --figure sales.png --alt 'Sales, rising' \\
      --title 'Sales, week 48' -t boss@example.com --preview

cron, every Monday at six (with the account in the environment of the crontab):
  0 6 * * 1  psql --csv -f weekly.sql shop | sendkit report --title 'Weekly sales' -t boss@example.com >/dev/null

It needs the extra `report` for xlsx files and Markdown (docs/install.md). Parquet needs pyarrow,
and reading xlsx openpyxl. The server, the account and the password are those of `sendkit send`.

{_EXIT_CODES}""",
    ),
    "sendmail": HelpText(
        "replace /usr/sbin/sendmail: send what a program writes to it",
        "Send the message on standard input through your account, as programs expect from /usr/sbin/sendmail: cron,\n"
        "mutt, PHP, git send-email. From, Date and Message-ID are added if they are missing, and Bcc is removed.\n"
        "It prints nothing unless something is wrong.",
        f"""\
examples:
  sendkit sendmail -t < message.eml
  printf 'Subject: Backup done\\n\\nAll went well.\\n' | sendkit sendmail ops@example.com
  ln -s "$(command -v sendkit)" /usr/local/sbin/sendmail        called by that name, it is this command

accounts:
  The account of the environment; else the one that [sendmail] of sendkit/config.toml names (account = "work"), or
  the only one there is. Your own file overrides /etc/sendkit/config.toml. With outbox = true or --outbox the message is
  put into the outbox, and `sendkit outbox run` sends it. [sendmail.aliases] names the recipients for names without a
  domain: root = "ops@example.com", or "*" for all of them.

Flags that choose what is read, run or written (-C, -X, -O, -be, -bd …) are refused. It never runs setuid.

{_SYSEXITS}""",
    ),
    "login": HelpText(
        "store a password or an OAuth 2 grant in the keyring",
        "Ask for the password of an account, without showing it, try it on the server, and store it in the keyring of\n"
        "the operating system. When standard input is not a terminal, its first line is the password. With --oauth a\n"
        "person grants access in a browser instead, and the refresh token is stored.",
        """\
examples:
  sendkit login smtp.example.com ana@example.com
  pass show mail | sendkit login --no-test smtp.example.com ana@example.com
  sendkit login --oauth microsoft --client-id ID smtp.office365.com ana@example.com

The entry is called sendkit:HOST. `sendkit logout` removes it. A refused password is not stored. The secret of
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
        "Start a mail server for this machine only, and send it a report.\n"
        "It accepts the report for one recipient at once, for a second one on retry, and rejects the third.",
        """\
examples:
  sendkit demo
  sendkit demo --keep received      put the received messages into the folder `received`
  sendkit demo --outbox             a server is down, the mail waits, one recipient expires, a report arrives

It needs the extra `demo` (docs/install.md)""",
    ),
    "doctor": HelpText(
        "find out why an account cannot send, and what to do",
        "Check each step of a message: the server's name, the connection, TLS and the certificate, the mechanisms,\n"
        "the password, one login, sender and recipient; and check the DNS of the sender's domain (SPF,\n"
        "DKIM, DMARC). Nothing is sent. Failures come first, and each line that is not ok says what to do.",
        """\
examples:
  sendkit doctor                                      the account of the environment
  sendkit doctor work                                 [accounts.work] of sendkit/config.toml
  sendkit doctor --host smtp.example.com --user ana@example.com --to luis@example.com
  sendkit doctor --message newsletter.eml             check a message too
  sendkit doctor --json --limit 10

The exit code is 0 if nothing failed, even with warnings; otherwise 75, 77, 69 or 78, as for `sendkit send`. The
checks of the domain need the extra `dns` (docs/install.md)""",
    ),
    "explain": HelpText(
        "explain an error",
        "Explain a reply or an error: what it means, why it came, and what to do, in sendkit and elsewhere.\n"
        "Paste it unchanged: a reply, a traceback, a log line, a returned message, a response of an OAuth server;\n"
        "an enhanced code alone (5.7.8) is enough.",
        """\
examples:
  sendkit explain '535 5.7.8 Username and Password not accepted. … - gsmtp'
  sendkit explain --host smtp.mail.yahoo.com 535 authentication failed
  python weekly.py 2>&1 | sendkit explain
  sendkit explain < returned.eml

The exit code is 0, or 64 if nothing in the text is known.""",
    ),
    "providers": HelpText(
        "list the known providers",
        "List the providers that `Mailer.for_provider` and an account's key `provider` know, or show for one its\n"
        "server, the kind of password, and its limits.",
        """\
examples:
  sendkit providers
  sendkit providers gmail""",
    ),
    "outbox": HelpText(
        "keep mail until a server has it: send, inspect, decide",
        "Send what programs have put into an outbox, inspect it, and control it. The outbox is a file of\n"
        "yours, the one in SENDKIT_OUTBOX, or --database.",
        """\
examples:
  sendkit outbox run                                  send until SIGTERM; prints `ready` when it starts
  sendkit outbox run --once                           from cron: try what is due, and exit
  sendkit outbox counts
  sendkit outbox list --in-doubt                      what needs a decision
  sendkit outbox status 3f9a2c                        the whole history of a letter
  sendkit outbox doctor

`run` sends through the account of the environment, or through those of the config that --account names; it takes only
letters of those accounts. It exits with 0; --once with 77 if an account cannot log in, 76 if something is in
doubt, and 75 if letters wait for a retry. An option for a database takes no password: use PGPASSFILE, a service
file, or SENDKIT_OUTBOX.""",
    ),
    "completions": HelpText(
        "print the completion script for a shell, or the manual page",
        "Print a completion script for bash, zsh or fish, or the manual page (man).",
        """\
examples:
  sendkit completions bash > ~/.local/share/bash-completion/completions/sendkit
  sendkit completions zsh > "${fpath[1]}/_sendkit"
  sendkit completions fish > ~/.config/fish/completions/sendkit.fish
  sendkit completions man > ~/.local/share/man/man1/sendkit.1""",
    ),
    "catch": HelpText(
        "catch all mail of a program under development, and show it in the browser",
        "Start a mail server for this machine only. It accepts every message and forwards none.\n"
        "Each is listed here and shown on a page in the browser: html, text, headers, attachments, envelope, source.\n"
        "No script of a message runs there, and nothing is loaded from a network.",
        """\
examples:
  sendkit catch --open
  sendkit catch --port 2525 --web-port 8025 --keep caught

It requires STARTTLS and a login. The password is that of SENDKIT_PASSWORD, or else a new one, which is printed.

It needs the extra `demo` (docs/install.md)""",
    ),
}
