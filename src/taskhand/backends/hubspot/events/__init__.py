"""Changes in HubSpot: from searches, property histories, the list of deleted tasks, and webhooks."""
