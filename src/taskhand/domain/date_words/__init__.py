"""Dates in words, English and Spanish: a closed grammar that refuses what it does not know; imported when needed."""
