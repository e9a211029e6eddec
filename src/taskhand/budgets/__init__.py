"""One rate budget for all replicas: what a CRM lets an account send, dealt out through the database that they share."""
