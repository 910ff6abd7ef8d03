"""The site: the pages of docs/, and those that are written from the program's own tables, as one folder of html.

`python -m tests.docs.site FOLDER` builds it; nothing is published. A page by hand stands in docs/, where it can be read
without the site too; `plan.py` gives each its place. Must not know anything that the program does not say itself.
"""
