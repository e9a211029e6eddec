"""The HTTP layer that every CRM backend shares.

url_path         a URL path from segments, with its route template
request          one request as a value
origin           the base URLs to which a credential may be sent: pure
redirects        the check of redirects: pure
proxy            the route to a host: direct or through a proxy
retry            the decision after an attempt: a table, pure
rate_headers     the headers that ask to wait, and the longest wait: pure
rate_limiter     the rate of requests: pure arithmetic, and a queue that obeys it
account_limiter  the queue for a CRM that limits a credential and its whole account
upstream         one CRM as configured, its limits, and the clock, sleep and jitter of its requests
certificates     the trusted authorities, and the reasons of refused certificates
response_head    removes lines that are not header fields from the head of a response: pure
response_end     finds the end of a response, and cuts off the bytes after it: pure
response_body    decompresses bodies and parses JSON: pure
errors           converts statuses and failed attempts to errors: pure
connection_pool  pooled connections, which clean responses before they are parsed
attempt          sends one request and reads its whole response
transport        retry and rate limit around another transport
client           the client that a backend uses
issuer_documents reads JSON documents of token issuers
health_checks    reachability, credential, scopes and rate for the doctor
"""
