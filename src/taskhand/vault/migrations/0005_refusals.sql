-- refusal: what the page said last, where it refused what the person gave; a new try takes it away. turned_away_at: another
-- browser than the one that has begun was refused the page.

ALTER TABLE ticket ADD COLUMN refusal TEXT;
ALTER TABLE ticket ADD COLUMN turned_away_at TEXT;
