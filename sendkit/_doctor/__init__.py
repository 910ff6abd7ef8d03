"""The doctor: what stands between an account and its mail, one finding after the other, and what to do about each.

It goes the way of a message as far as RCPT (RFC 5321 section 3.3), turns back with RSET, and looks at what the DNS says
of the sender's domain (RFC 7208, 6376, 7489). It sends nothing, and spends one login, which counts in the process as
every other does.
Must not know: mailers, messages, or who reads the findings.
"""

from __future__ import annotations

from sendkit._doctor.diagnosis import Check, Diagnosis, Finding, Status
from sendkit._doctor.examination import Asked, Own, diagnose

__all__ = ["Asked", "Check", "Diagnosis", "Finding", "Own", "Status", "diagnose"]
