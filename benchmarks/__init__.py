"""How fast sendkit is: `python -m benchmarks` installs the peers, does the works, and writes the tables.

Only ratios count: whoever is compared does the same work in the same run, in turns, against the same server, and the
median of several runs is taken. Nothing is sent anywhere but to this machine, and no figure makes a test fail.
"""
