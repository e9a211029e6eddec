-- oldest: 1
-- As the tables of SQLite (migrations 0001 and 0002), whose statements run here too. Text is compared byte by byte:
-- instants sort like their text.

-- A value of a body by its path, as SQLite's function of this name returns it, as text. A character that PostgreSQL has
-- no text for makes the whole body unreadable to it: such an escape is replaced, where it is one.
CREATE FUNCTION json_extract(body text, path text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    names text[] := string_to_array(substring(path FROM 3), '.');
BEGIN
    RETURN body::json #>> names;
EXCEPTION WHEN untranslatable_character OR invalid_text_representation THEN
    RETURN regexp_replace(body, '(?<!\\)((?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\1?', 'g')::json #>> names;
END
$$;

CREATE FUNCTION json_valid(body text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    PERFORM body::json;
    RETURN true;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;

CREATE TABLE entry (
    seq       bigint PRIMARY KEY,
    kind      text COLLATE "C" NOT NULL,
    change_id text COLLATE "C",
    place     text COLLATE "C",
    task_id   text COLLATE "C",
    tool      text COLLATE "C",
    outcome   text COLLATE "C",
    at        text COLLATE "C" NOT NULL,
    body      text COLLATE "C" NOT NULL,
    hash      text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX entry_opening ON entry (change_id) WHERE kind = 'opening';
CREATE INDEX entry_newest ON entry (place, seq) WHERE kind = 'opening';
CREATE INDEX entry_of_change ON entry (change_id, kind);
CREATE INDEX entry_of_task ON entry (task_id, place, change_id) WHERE task_id IS NOT NULL;
CREATE INDEX entry_began ON entry (at) WHERE kind = 'opening';
CREATE INDEX entry_pruned ON entry (at) WHERE kind = 'pruned';

CREATE TABLE link (
    name text COLLATE "C" PRIMARY KEY CHECK (name IN ('head', 'anchor')),
    seq  bigint NOT NULL,
    hash text COLLATE "C" NOT NULL
);

INSERT INTO link VALUES
    ('head', 0, '0000000000000000000000000000000000000000000000000000000000000000'),
    ('anchor', 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE made (changes bigint NOT NULL);
INSERT INTO made VALUES (0);

CREATE TABLE claim (
    scope     text COLLATE "C" NOT NULL,
    place     text COLLATE "C" NOT NULL,
    seq       bigint NOT NULL,
    change_id text COLLATE "C" NOT NULL,
    at        text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, place, seq)
);

CREATE TABLE under_way (
    change_id text COLLATE "C" PRIMARY KEY,
    session   text COLLATE "C" NOT NULL,
    place     text COLLATE "C" NOT NULL,
    seq       bigint NOT NULL
);
