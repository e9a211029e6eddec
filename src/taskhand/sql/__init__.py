"""What both SQL engines have in common: a store runs work in a transaction, and the work is a function of it."""
