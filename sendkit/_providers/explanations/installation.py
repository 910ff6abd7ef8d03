"""What Python and the system say where something is not installed, or may not be read."""

from __future__ import annotations

from sendkit._providers.explanations.symptom import Symptom

_IMPORT = "https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError"
_ERRNO = "https://man7.org/linux/man-pages/man3/errno.3.html"
_MISSING = "No module named ['\"]?(?:{modules})\\b"
_EXTRAS = {  # the extra by the modules that it brings
    "demo": "aiosmtpd|trustme",
    "strength": "zxcvbn",
    "report": "css_inline|jinja2|markdown_it|narwhals|xlsxwriter",
    "dns": "dns",
    "proxy": "python_socks",
    "calendar": "icalendar",
    "sign": "cryptography",
    "postgres": "psycopg",
    "procrastinate": "procrastinate",
    "otel": "opentelemetry",
}


def _of_extra(extra: str, modules: str) -> Symptom:
    return Symptom(
        words=_MISSING.format(modules=modules),
        title=f"the extra `{extra}` of sendkit is not installed",
        cause="what needs further packages is an extra, so that a plain installation stays small",
        remedy=f"add the extra to what sendkit was installed from; in a checkout: pip install '.[{extra}]'",
        elsewhere="install the module that the error names, with the pip of the same Python: python -m pip install …",
        source=_IMPORT,
    )


SYMPTOMS = (
    Symptom(
        words="No module named ['\"]?sendkit\\.|cannot import name .{1,80} from .{0,40}['\"]sendkit|"
        "'sendkit' is not a package|module 'sendkit(\\.\\w+)?' has no attribute",
        title="this sendkit has no such module or name",
        cause="a file of your own is called sendkit.py and is imported in its place, the installed version is older, "
        "or the name is spelt differently",
        remedy="rename your own file sendkit.py (and delete its __pycache__); "
        "`python -c 'import sendkit; print(sendkit.__file__, sendkit.__version__)'` shows which one is imported",
        elsewhere="a file must not have the name of a package that it imports",
        source=_IMPORT,
    ),
    Symptom(
        words="No module named ['\"]?sendkit['\"]?",
        title="sendkit is not installed for this Python",
        cause="the program runs with another Python or virtual environment than the one it was installed into: cron, "
        "sudo, an IDE and a notebook have their own",
        remedy="install it with that Python: `python -m pip install` and what you installed it from; in cron give the "
        "full path of the environment's python",
        elsewhere="install the package with the same python that runs the program: python -m pip install …",
        source=_IMPORT,
    ),
    *(_of_extra(extra, modules) for extra, modules in _EXTRAS.items()),
    Symptom(
        words=_MISSING.format(
            modules="aiosmtplib|pydantic(?:_core)?|tenacity|keyring|truststore|asn1crypto|scramp|idna"
        ),
        title="a package that sendkit needs is not installed",
        cause="sendkit was installed without its dependencies (--no-deps, or copied), or this is another Python",
        remedy="install sendkit again with the Python that runs the program, without --no-deps",
        elsewhere="install the module that the error names, with the pip of the same Python: python -m pip install …",
        source=_IMPORT,
    ),
    Symptom(
        words="No module named ['\"]?_(ssl|sqlite3)\\b|ssl module (in Python )?is not available|"
        "ssl module is not available",
        title="this Python was built without TLS or SQLite",
        cause="the headers of OpenSSL or SQLite were missing when it was compiled",
        remedy="install libssl-dev and libsqlite3-dev (openssl-devel, sqlite-devel) and build Python again, or use "
        "another one",
        elsewhere="the same",
        source="https://devguide.python.org/getting-started/setup-building/",
    ),
    Symptom(
        words="database is locked|database table is locked",
        title="another program holds the SQLite database",
        cause="a shell or a backup has a transaction open on the file, or the file is on a network file system",
        remedy="close what holds it (`fuser outbox.db` names it); put the outbox on a local disk, or use PostgreSQL",
        elsewhere="close what holds it; keep transactions short",
        source="https://sqlite.org/rescode.html#busy",
    ),
    Symptom(
        words="no space left on device|ENOSPC|disk quota exceeded|database or disk is full",
        title="the disk is full",
        cause="the disk of the outbox, of temporary files or of the log has no space left",
        remedy="free some space (df -h shows which disk); what has a receipt from the outbox is not lost",
        elsewhere="free some space; df -h shows which disk",
        source=_ERRNO,
    ),
    Symptom(
        words="(Errno 13\\]|EACCES|PermissionError|WinError 5\\]|permission denied).{0,40}['\"`:] ?['\"`]?"
        "([A-Za-z]:)?[\\w.~-]*[/\\\\]",
        title="this user may not read or write that file",
        cause="the file belongs to another user, or its folder does: a service, a container or cron runs as somebody "
        "else than you",
        remedy="run as the user that owns the file, or change its owner; `sendkit doctor` names the files of sendkit, "
        "and a file of secrets stays readable for its owner alone (chmod 600)",
        elsewhere="run as the user that owns the file, or change its owner (chown); do not make secrets readable for "
        "all",
        source=_ERRNO,
    ),
    Symptom(
        words="(Errno (13|1)\\]|EACCES|EPERM|WinError 5\\]|PermissionError).{0,60}"
        "(permission denied|operation not permitted|access is denied)|^\\W*(permission denied|access is denied)",
        title="the system did not permit it",
        cause="without the name of a file it is mostly a connection: a firewall, a sandbox, SELinux, or a port below "
        "1024; with one, that file belongs to another user",
        remedy="look at the line of the traceback above: for a connection, allow this program in the firewall (with "
        "SELinux: setsebool -P httpd_can_sendmail on); for a file, run as the user that owns it",
        elsewhere="the same",
        source=_ERRNO,
    ),
)
