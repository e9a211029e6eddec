-- What is hidden where a text is shown is ignored where it is searched: folded texts have no hidden characters any more.

UPDATE task SET searchable = fold(title || ' ' || coalesce(description, ''))
WHERE searchable <> fold(title || ' ' || coalesce(description, ''));

UPDATE contact SET searchable = fold(searchable) WHERE searchable <> fold(searchable);

-- Two names that only hidden characters tell apart stay as they are: they are told apart by id.
UPDATE OR IGNORE status SET folded = fold(name) WHERE folded <> fold(name);
