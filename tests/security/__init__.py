"""What an attacker may try on a mail client: a file for each class of advisory, with the numbers it had elsewhere."""
