"""The pages on which a person links their own credential: small, without script, in two languages."""
