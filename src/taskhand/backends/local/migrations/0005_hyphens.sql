-- A hyphen within a word is a space where texts are searched, and every apostrophe is the straight one.

UPDATE task SET searchable = fold(searchable) WHERE searchable <> fold(searchable);

UPDATE contact SET searchable = fold(searchable) WHERE searchable <> fold(searchable);

-- Two names that only this tells apart stay as they are.
UPDATE OR IGNORE status SET folded = fold(name) WHERE folded <> fold(name);
