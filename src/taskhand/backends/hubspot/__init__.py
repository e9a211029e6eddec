"""HubSpot: tasks over its CRM API (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide)."""
