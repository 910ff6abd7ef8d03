"""What an attacker may try on a mail client: one file for each class of advisory, with the numbers of those who had it."""
