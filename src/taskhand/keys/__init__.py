"""The keys of callers: who holds each, what it may do, and until when; of its text only a hash is kept."""
