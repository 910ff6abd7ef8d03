"""What Airflow reads of `sendkit.airflow` while it starts: without an import of Airflow, which is not ready then."""

from __future__ import annotations


def get_provider_info() -> dict[str, object]:
    """The answer to the entry point `apache_airflow_provider`, by Airflow's schema for providers."""
    return {
        "package-name": "sendkit-smtp",
        "name": "sendkit",
        "description": "Mail through an account on a submission server, with the outcome for each recipient.",
        "connection-types": [{"connection-type": "sendkit", "hook-class-name": "sendkit.airflow.SendkitHook"}],
    }
