-- The webhooks that have come, by a hash of their signature, for as long as one with the same could be taken for another.
CREATE TABLE delivery (
    proof       TEXT NOT NULL PRIMARY KEY,
    valid_until TEXT NOT NULL
) STRICT;

CREATE INDEX delivery_by_end ON delivery (valid_until);
