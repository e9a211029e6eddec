"""What HubSpot tells of changes: searches, property histories and the list of deleted tasks, and its webhooks."""
