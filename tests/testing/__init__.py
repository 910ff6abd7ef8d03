"""The testing kit: what an application's tests look at, what they expect, and what they are told when it is not so."""
