"""A DAG of Airflow whose task sends a mail through the connection `smtp_default`, and knows what became of it.

The connection is of the type `sendkit` (or `smtp`): host, port, login and password, and as extra what a Mailer takes,
such as `{"deadline": 60}`. With `email_backend = sendkit.airflow.send_email` Airflow's own mail takes the same way.
"""

from airflow.sdk import dag, task

from sendkit import Message
from sendkit.airflow import SendkitHook


@dag(schedule="@daily")
def nightly() -> None:
    """One task; one whose mail was not accepted fails, and Airflow's retries apply."""

    @task
    def report() -> str | None:
        letter = Message(sender="app@example.com", to="ops@example.net", subject="Nightly", text="All is done.")
        return SendkitHook().send(letter).message_id

    report()


nightly_mail = nightly()
