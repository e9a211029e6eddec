"""A PostgreSQL database that any number of replicas share; imported only if a setting names one."""
