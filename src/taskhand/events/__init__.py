"""Stores of the feeds of changes that anyone made in a CRM, and the broadcast of a replica's own changes.

The feeds are polled and listed in `service/events`.
"""
