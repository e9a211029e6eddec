"""Feeds of changes that anyone made in a CRM, and the broadcast of a replica's own changes to the other replicas."""
