"""CRMs as local HTTP servers, stateful and deterministic, with faults on demand.

An island: nothing here imports the rest of Taskhand, because an emulator that shares code with the client
shares its bugs. A client is pointed at a sandbox by its base URL and cannot tell the difference.
"""
