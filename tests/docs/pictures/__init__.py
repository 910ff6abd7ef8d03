"""The pictures of docs/: drawn from the program's own data, as SVG that is legible on light and dark pages.

`python -m tests.docs.pictures` draws them again. Must not know what a page says around them.
"""
