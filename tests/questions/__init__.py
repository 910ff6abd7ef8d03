"""The thirty questions that people ask most about sending mail, each provoked for real, and what they read then.

`python -m tests.questions` prints them as a page. Knows the public face and the command line; the servers are real.
"""
