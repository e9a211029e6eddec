"""Feeds of changes in the CRM, whoever made them, and what one replica tells the others of its own."""
