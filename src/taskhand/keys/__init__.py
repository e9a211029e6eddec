"""The keys of callers, each with its holder, scopes and expiry; only the hash of its text is stored."""
