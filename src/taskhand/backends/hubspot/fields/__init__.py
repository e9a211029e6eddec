"""Fields of HubSpot that need more than a mapping."""
