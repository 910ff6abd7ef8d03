"""What a mailer is made of: one plan from where it sends, its options, and the environment of the process.

Every constructor makes its mailer here, and differs in where the servers come from alone. An option is written once, in
`options`. Must not know: messages, event loops, or which of the two mailers is being made.
"""
