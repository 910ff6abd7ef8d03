"""What a mailer is made of, however it is made."""
