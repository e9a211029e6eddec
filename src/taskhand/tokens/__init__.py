"""The tokens of callers: their issuers, holders and scopes."""
