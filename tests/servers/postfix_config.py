"""What Postfix and Dovecot are told: a submission server (RFC 6409) that takes mail for one domain and sends none out.

Text only: it starts nothing. master.cf names no smtp client, so nothing can leave the machine. Dovecot checks passwords
(RFC 4422) and does nothing else. Every limit or pause that would slow a test is off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

DOMAIN = "example.test"
MESSAGE_SIZE_LIMIT = 1_048_576
EXTRA_MAILBOXES = ("josé",)  # no account; RFC 6531


@dataclass(slots=True, frozen=True)
class Smtpd:
    """One listening smtpd: its name in the log, its port, or the name of its unix socket, and its own settings."""

    name: str
    port: int | str
    settings: Mapping[str, str | Path]

    def line(self) -> str:
        """The entry in master.cf."""
        settings = {"syslog_name": f"postfix/{self.name}", **self.settings}
        options = "".join(f"\n  -o {{ {name} = {value} }}" for name, value in settings.items())
        place = f"{self.port} unix" if isinstance(self.port, str) else f"127.0.0.1:{self.port} inet"
        return f"{place} n - n - - smtpd{options}\n"


def main_cf(folder: Path, *, login: str, delivery_uid: int, delivery_gid: int) -> str:
    """The text of main.cf; `login` names the sender login map."""
    settings: dict[str, object] = {
        "compatibility_level": "3.6",
        "queue_directory": folder / "queue",
        "data_directory": folder / "data",
        "maillog_file": folder / "mail.log",
        "maillog_file_prefixes": folder,
        "myhostname": f"mail.{DOMAIN}",
        "mydestination": "",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "mynetworks": "127.0.0.0/8",
        "alias_maps": "",
        "fast_flush_domains": "",
        "recipient_delimiter": "+",
        "message_size_limit": MESSAGE_SIZE_LIMIT,
        "default_transport": "error:5.4.4 this server delivers nowhere else",
        "virtual_mailbox_domains": DOMAIN,
        "virtual_mailbox_base": folder / "mail",
        "virtual_mailbox_maps": f"texthash:{folder}/etc/mailboxes regexp:{folder}/etc/patterns",
        "virtual_alias_maps": f"regexp:{folder}/etc/aliases",
        "virtual_uid_maps": f"static:{delivery_uid}",
        "virtual_gid_maps": f"static:{delivery_gid}",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": folder / "sasl",
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sender_login_maps": login,
        "smtpd_tls_auth_only": "yes",
        "smtpd_tls_loglevel": "1",
        "smtpd_relay_restrictions": "permit_sasl_authenticated reject",
        "smtpd_recipient_restrictions": "reject_unauth_destination reject_sender_login_mismatch"
        f" check_policy_service unix:{folder}/policy reject_unlisted_recipient permit",
        "smtpd_error_sleep_time": "0",
        "smtpd_soft_error_limit": "1000",
        "smtpd_hard_error_limit": "1000",
        "smtpd_client_connection_count_limit": "0",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def master_cf(services: Iterable[Smtpd]) -> str:
    """The text of master.cf: the smtpds, and only what takes a message from them to a Maildir."""
    return "".join(service.line() for service in services) + _INSIDE


def dovecot_conf(folder: Path) -> str:
    """The configuration of Dovecot 2.3 as Postfix's password checker; anvil's delay after a refusal is off."""
    return f"""\
base_dir = {folder}/dovecot
state_dir = {folder}/dovecot
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer xoauth2
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {folder}/etc/dovecot-oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = scheme=PLAIN username_format=%u {folder}/etc/passwords
}}
service auth {{
  unix_listener {folder}/sasl {{
    mode = 0666
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


def dovecot_oauth2_conf(folder: Path) -> str:
    """Tokens are checked here, by the key in `etc/keys`, and no server is asked."""
    return f"""\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/etc/keys/
username_attribute = sub
"""


def tables(users: Mapping[str, str]) -> dict[str, str]:
    """The lookup tables, by file name."""
    boxes = {*users, *(f"{name}@{DOMAIN}" for name in EXTRA_MAILBOXES)}
    return {
        "mailboxes": "".join(f"{address} {address.partition('@')[0]}/\n" for address in sorted(boxes)),
        "patterns": rf"/^(grey-[0-9]+|box)-[^@]*@{DOMAIN.replace('.', '[.]')}$/ shared/" + "\n",
        "aliases": rf"/^fails-[^@]*@{DOMAIN.replace('.', '[.]')}$/ gone@elsewhere.test" + "\n",
        "senders": "".join(f"{address} {address}\n" for address in users),
        "passwords": "".join(f"{address}:{{PLAIN}}{password}\n" for address, password in users.items()),
    }


_INSIDE = """\
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
"""
