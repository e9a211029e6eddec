"""The tokens of callers: which issuer has signed one, for whom, and what it lets its holder do."""
