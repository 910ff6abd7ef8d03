"""What keyrings and authorization servers say: keyring on three systems, and OAuth 2 of Google and Microsoft."""

from __future__ import annotations

from sendkit._providers.explanations.symptom import Symptom

_KEYRING = "https://github.com/jaraco/keyring#readme"
_OAUTH = "RFC 6749 section 5.2"
_AADSTS = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"
_PLACES = "SENDKIT_PASSWORD, SENDKIT_PASSWORD_FILE, password_command, or credentials= in the program"
_AGAIN = "`sendkit login --oauth PROVIDER HOST USER` gets a new grant"

SYMPTOMS = (
    Symptom(
        words="saslauthd|SASL .{0,40}(no mechanism available|generic failure|cannot connect)",
        title="the mail server cannot check passwords",
        cause="the service that checks them (saslauthd, Dovecot) does not run or cannot be reached from the mail "
        "server; no password works",
        remedy="start that service on the mail server; if the server is not yours, tell its operator and try again",
        elsewhere="start that service on the mail server: smtpd_sasl_path in Postfix names its socket",
        source="https://www.postfix.org/SASL_README.html",
    ),
    Symptom(
        words="No recommended backend was available|NoKeyringError|org\\.freedesktop\\.secrets was not provided|"
        "SecretServiceNotAvailable|DBUS_SESSION_BUS_ADDRESS|autolaunch D-?Bus",
        title="this machine has no keyring",
        cause="no Secret Service runs: a server, a container, cron, or a login over SSH",
        remedy=f"use no keyring: {_PLACES}",
        elsewhere="start a keyring (gnome-keyring, KWallet), or pass the secret to the program in another way",
        source=_KEYRING,
    ),
    Symptom(
        words="KeyringLocked|InitError|Failed to unlock the (collection|keyring)|collection is locked|Prompt dismissed",
        title="the keyring is locked",
        cause="there was no desktop login since the machine started, so the keyring is locked",
        remedy=f"unlock it (log in on the desktop, or `gnome-keyring-daemon --unlock`), or use no keyring: {_PLACES}",
        elsewhere="unlock it, or pass the secret to the program in another way; cron and SSH have no prompt for it",
        source=_KEYRING,
    ),
    Symptom(
        words="stub received bad data|\\b1783\\b.{0,40}Cred|CredWrite",
        title="the secret is too long for the Windows Credential Manager",
        cause="it holds about 1,280 characters; access tokens and JWTs are longer",
        remedy="store the refresh token instead (`sendkit login --oauth`), which is shorter; or SENDKIT_PASSWORD_FILE",
        elsewhere="store a shorter secret: a refresh token or an app password, not an access token",
        source="https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw",
    ),
    Symptom(
        words="-25308|errSecInteractionNotAllowed|interaction is not allowed",
        title="macOS cannot show a prompt to unlock the keychain",
        cause="the program runs without a login session: over SSH, as a service, or in CI",
        remedy=f"run `security unlock-keychain` before, or use no keyring: {_PLACES}",
        elsewhere="run `security unlock-keychain` in the same session, or keep the secret elsewhere",
        source="https://developer.apple.com/documentation/security/errsecinteractionnotallowed",
    ),
    Symptom(
        words="-25244|errSecInvalidOwnerEdit|-25293|errSecAuthFailed",
        title="macOS does not allow this program to change that keychain entry",
        cause="another program, or another build of Python, made the entry and owns it",
        remedy="delete the entry in Keychain Access, then store it again: `sendkit login HOST USER`",
        elsewhere="delete the entry in Keychain Access, and let the program store it again",
        source="https://developer.apple.com/documentation/security/errsecinvalidowneredit",
    ),
    Symptom(
        words="AADSTS7000215|AADSTS7000222|invalid_client",
        title="the authorization server refuses the client secret",
        cause="the client secret is wrong, has expired, or its ID was copied in place of its value",
        remedy=f"make a new client secret at the provider, set SENDKIT_OAUTH_CLIENT_SECRET; {_AGAIN}",
        elsewhere="make a new client secret at the provider and give its value, not its ID",
        source=f"{_OAUTH}; {_AADSTS}",
    ),
    Symptom(
        words="AADSTS65001|consent_required|AADSTS90094|admin.{0,10}consent",
        title="this application has no permission to send for the account",
        cause="the user, or an administrator of the organization, has not given consent to SMTP.Send",
        remedy=f"have an administrator grant consent to SMTP.Send; then {_AGAIN}",
        elsewhere="have an administrator grant consent to SMTP.Send for the application",
        source=_AADSTS,
    ),
    Symptom(
        words="AADSTS50076|AADSTS50079|AADSTS53003|interaction_required",
        title="the provider requires a new interactive login",
        cause="a rule of the organization asks for a second factor, a known device or a known place",
        remedy=_AGAIN,
        elsewhere="log in interactively once more, and use the new refresh token",
        source=_AADSTS,
    ),
    Symptom(
        words="AADSTS90002|AADSTS900023|AADSTS700016",
        title="the provider does not know this organization or application",
        cause="the tenant or the client ID is mistyped, or the application belongs to another organization",
        remedy="check the issuer URL (with the tenant) and the client ID that `sendkit login --oauth` is given",
        elsewhere="check the tenant and the client ID",
        source=_AADSTS,
    ),
    Symptom(
        words="redirect_uri_mismatch|AADSTS50011",
        title="the provider does not know the redirect address",
        cause="the application is registered for the web; desktop programs use http://127.0.0.1",
        remedy="register the application as a desktop or native one; `sendkit login --oauth` redirects to 127.0.0.1",
        elsewhere="register http://127.0.0.1 as a redirect address, or the application as a desktop one",
        source="RFC 8252 section 7.3",
    ),
    Symptom(
        words="AADSTS70008|AADSTS700082|AADSTS50173|invalid_grant|token (has been|was) expired or revoked",
        title="the refresh token is no longer valid",
        cause="it was revoked, the password was changed, it was unused for too long, or the Google project is still in "
        "testing, where tokens end after 7 days",
        remedy=f"{_AGAIN}; for Google, set the project's publishing status to production",
        elsewhere="get a new refresh token; for Google, set the project's publishing status to production, or the new "
        "one ends after 7 days too",
        source=_OAUTH,
    ),
    Symptom(
        words="unauthorized_client|invalid_scope|access_denied",
        title="the application may not request this access",
        cause="the scope for SMTP is missing from it (https://mail.google.com/, or SMTP.Send), or access was denied",
        remedy=f"add the scope to the application at the provider; then {_AGAIN}",
        elsewhere="add the scope for SMTP to the application at the provider, and log in again",
        source=_OAUTH,
    ),
    Symptom(
        words="\\beyJzdGF0dXMi",
        title="the server refuses the access token",
        cause="it has expired, is for another account, or lacks the scope for SMTP (the server says so in base64)",
        remedy=_AGAIN,
        elsewhere="get a new access token for this account, with the scope for SMTP, and use it within the hour",
        source="https://developers.google.com/workspace/gmail/imap/xoauth2-protocol",
    ),
)
