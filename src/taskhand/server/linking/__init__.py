"""The pages on which a person links a credential of their own: small, without script, in two languages."""
