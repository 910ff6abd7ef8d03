"""Where the library could lie about a recipient, tried out one fault at a time, on a real wire.

`truth` says what DESIGN.md 3 promises, written down a second time without a line of sendkit's own judgement; `faults`
and `matrix` say what can go wrong, where; `stage` plays one scenario against the scripted server; `checks` holds what
came of it against the truth and the server's own record. `cuts` cuts a session after every octet, `noise` answers at
random. pytest runs all of it, the long ones sampled; `python -m tests.faults` runs everything and prints one table.
"""
