"""A PostgreSQL database that any number of replicas share; imported only where a setting names one."""
