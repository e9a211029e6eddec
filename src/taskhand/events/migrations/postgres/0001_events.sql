-- oldest: 1
-- As the tables of SQLite (migration 0001), whose statements run here too. Text is compared byte by byte.

CREATE FUNCTION instr(body text, part text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT strpos(body, part)
$$;

CREATE TABLE feed (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place        text COLLATE "C" NOT NULL,
    person       text COLLATE "C" NOT NULL,
    version      bigint NOT NULL,
    position     text COLLATE "C" NOT NULL,
    last_seq     bigint NOT NULL,
    begun_at     text COLLATE "C" NOT NULL,
    looked_at    text COLLATE "C",
    wanted_until text COLLATE "C",
    UNIQUE (place, person)
);

CREATE TABLE event (
    feed    bigint NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    seq     bigint NOT NULL,
    key     text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    moment  text COLLATE "C" NOT NULL,
    seen_at text COLLATE "C" NOT NULL,
    is_old  smallint NOT NULL,
    by_id   text COLLATE "C",
    people  text COLLATE "C",
    body    text NOT NULL,
    PRIMARY KEY (feed, seq),
    UNIQUE (feed, key)
);

CREATE INDEX event_by_moment ON event (feed, moment, seq);
CREATE INDEX event_of_task ON event (feed, task_id, seq);

CREATE TABLE task (
    feed    bigint NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    task_id text COLLATE "C" NOT NULL,
    body    text NOT NULL,
    PRIMARY KEY (feed, task_id)
);

CREATE TABLE gap (
    feed     bigint NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    at       text COLLATE "C" NOT NULL,
    sentence text COLLATE "C" NOT NULL,
    PRIMARY KEY (feed, at, sentence)
);

CREATE TABLE bookmark (
    feed   bigint NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    caller text COLLATE "C" NOT NULL,
    seq    bigint NOT NULL,
    at     text COLLATE "C" NOT NULL,
    PRIMARY KEY (feed, caller)
);

CREATE TABLE hint (
    place   text COLLATE "C" NOT NULL,
    person  text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    at      text COLLATE "C" NOT NULL,
    PRIMARY KEY (place, person, task_id)
);
