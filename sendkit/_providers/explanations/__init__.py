"""What a server's refusal means and what fixes it: tables to read and to correct, loaded when somebody asks.

`gmail`, `microsoft`, `mailboxes` and `relays` know what single providers say, `anybody` what many servers say in the
same words, `enhanced` the registry of enhanced status codes (RFC 3463, RFC 5248), `basic` the reply codes (RFC 5321
section 4.2). Each entry names where it stands written, with the day of the last reading; an address without a day is
where to look, and was not read for this table.
Must not know: how a reply came, or what became of the message.
"""
