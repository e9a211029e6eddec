"""The HTTP layer that every CRM backend shares; the only folder that knows an HTTP library.

path          a URL path from segments, with its route template
request       one request as a value
origin        the base URLs to which a credential may be sent: pure
redirects     which redirects are followed: pure
proxy         how requests reach a host: directly or through a proxy
retry         what to do after an attempt: a table, pure
rate_limiter  how fast requests may leave: pure arithmetic, and a queue that keeps to it
response_body a body decompressed and parsed as JSON: pure
errors        statuses and failed attempts as errors: pure
upstream      one CRM as configured, its limits, and the clock, sleep and jitter of its requests
certificates  which authorities are trusted, and why a certificate was not accepted
response_head lines of an answer's head that are no header fields, left out: pure
connections   pooled connections that clean such heads
attempt       one request sent and its answer read whole
transport     retry and rate limit around another transport
client        what a backend holds
health_checks reachability, credential, scopes and rate for the doctor
"""
