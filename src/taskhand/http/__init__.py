"""The HTTP layer that every CRM backend shares; the only folder that knows an HTTP library.

path        a path from segments, with its route template
origin      which hosts may be spoken to, and by which scheme
policy      what to do after an attempt: a table, pure
budget      how fast requests may leave: pure arithmetic, and a queue that keeps to it
reply       bodies into JSON, statuses into errors: pure
upstream    what a backend says about its CRM, and what the outside passes in
transport   applies policy and budget around any other transport
client      what a backend holds
"""
