"""Emulated CRMs as local HTTP servers: stateful, deterministic, with faults on demand.

Nothing here imports the rest of Taskhand: an emulator that shared code with the client would share its bugs. A client
uses a sandbox by setting its base URL.

Every CRM's folder has the same modules: `sandbox` (the emulator), `routes`, `auth`, `rate_limits`, `context` (what an
endpoint gets), `errors` (error bodies), `validation` (request bodies), `dates`, `filters`, `tasks` and `task` (in
HubSpot `objects` and `record`), `people`, `webhooks`, `store`, `seed`, `demo` and `spec_variant`; Close's and
HubSpot's have `oauth`.
"""
