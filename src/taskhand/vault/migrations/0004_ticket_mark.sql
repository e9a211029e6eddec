-- What says that a ticket was written by whoever has the vault's key (vault/ticket.py); one without it opens nothing.

ALTER TABLE ticket ADD COLUMN mark TEXT;
