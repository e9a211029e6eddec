-- oldest: 1
-- Days and instants are ISO 8601 text; due_key is Due.key, or '~' (after every digit) for a task without a due date.
-- Texts are compared letter by letter, as SQLite does.

CREATE TABLE status (
    id       text COLLATE "C" PRIMARY KEY,
    name     text COLLATE "C" NOT NULL,
    folded   text COLLATE "C" NOT NULL UNIQUE,
    color    text,
    type     text NOT NULL CHECK (type IN ('initial', 'in_progress', 'done', 'master_done')),
    position integer NOT NULL
);

-- A member who leaves stays here, inactive: tasks may still name them.
CREATE TABLE member (
    id     text COLLATE "C" PRIMARY KEY,
    name   text COLLATE "C" NOT NULL,
    email  text,
    is_me  integer NOT NULL DEFAULT 0,
    active integer NOT NULL DEFAULT 1
);

CREATE TABLE contact (
    id          text COLLATE "C" PRIMARY KEY,
    name        text COLLATE "C" NOT NULL,
    phone       text,
    email       text,
    customer_id text COLLATE "C",
    searchable  text COLLATE "C" NOT NULL
);

CREATE INDEX contact_of_customer ON contact (customer_id) WHERE customer_id IS NOT NULL;

-- assigned is how many people are responsible for a task.
CREATE TABLE task (
    id             text COLLATE "C" PRIMARY KEY,
    title          text NOT NULL,
    description    text,
    due_at         text COLLATE "C",
    due_timezone   text COLLATE "C",
    is_all_day     integer NOT NULL,
    due_key        text COLLATE "C" NOT NULL,
    created_at     text COLLATE "C" NOT NULL,
    ai_contact_id  text COLLATE "C",
    ai_customer_id text COLLATE "C",
    status_id      text COLLATE "C" NOT NULL REFERENCES status (id),
    priority       integer NOT NULL CHECK (priority BETWEEN 0 AND 2),
    creator_id     text,
    searchable     text COLLATE "C" NOT NULL,
    updated_at     text COLLATE "C",
    completed_at   text COLLATE "C",
    completed_by   text,
    assigned       integer NOT NULL DEFAULT 0
);

CREATE INDEX task_by_due ON task (due_key, id);
CREATE INDEX task_by_status ON task (status_id, due_key, id);
CREATE INDEX task_by_created ON task (created_at, id);
CREATE INDEX task_by_priority ON task (priority, due_key, id, status_id);
CREATE INDEX task_by_updated ON task (updated_at) WHERE updated_at IS NOT NULL;
CREATE INDEX task_by_completed ON task (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX task_by_contact ON task (ai_contact_id) WHERE ai_contact_id IS NOT NULL;
CREATE INDEX task_by_customer ON task (ai_customer_id) WHERE ai_customer_id IS NOT NULL;
CREATE INDEX task_of_nobody ON task (due_key, id) WHERE assigned = 0;

-- What lists are sorted by is kept beside each person, and the status too, so that one index answers "whose, in which
-- status, and when", and one each "whose, the newest first" and "whose, the highest first".
CREATE TABLE task_responsible (
    task_id        text COLLATE "C" NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    responsible_id text COLLATE "C" NOT NULL REFERENCES member (id),
    rank           integer NOT NULL,
    due_key        text COLLATE "C" NOT NULL,
    status_id      text COLLATE "C" NOT NULL,
    created_at     text COLLATE "C" NOT NULL,
    priority       integer NOT NULL,
    PRIMARY KEY (task_id, responsible_id)
);

CREATE INDEX responsible_by_due ON task_responsible (responsible_id, due_key, task_id);
CREATE INDEX responsible_by_status ON task_responsible (responsible_id, status_id, due_key, task_id);
CREATE INDEX responsible_by_created ON task_responsible (responsible_id, created_at, task_id);
CREATE INDEX responsible_by_priority ON task_responsible (responsible_id, priority, due_key, task_id);

CREATE FUNCTION move_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE task_responsible SET due_key = new.due_key, status_id = new.status_id, priority = new.priority
    WHERE task_id = new.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER task_moves AFTER UPDATE OF due_key, status_id, priority ON task FOR EACH ROW
WHEN ((old.due_key, old.status_id, old.priority) IS DISTINCT FROM (new.due_key, new.status_id, new.priority))
EXECUTE FUNCTION move_task();

CREATE FUNCTION count_responsible() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE task SET assigned = assigned + 1 WHERE id = new.task_id;
    ELSE
        UPDATE task SET assigned = assigned - 1 WHERE id = old.task_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER responsible_is_counted AFTER INSERT OR DELETE ON task_responsible FOR EACH ROW
EXECUTE FUNCTION count_responsible();

-- As SQLite calls it: where a text is in another, from 1; 0 where it is not.
CREATE FUNCTION instr(whole text, part text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT strpos(whole, part)
$$;

-- The groups of one, two and three letters of a text, but those with a space: in their index a word is found without a
-- look at every task. It needs no extension, which not every server has.
CREATE FUNCTION text_groups(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
    SELECT array_agg(DISTINCT part) FROM (
        SELECT unnest(ARRAY[
            letter,
            letter || lead(letter, 1, '') OVER follows,
            letter || lead(letter, 1, '') OVER follows || lead(letter, 2, '') OVER follows
        ]) AS part
        FROM unnest(string_to_array(given, NULL)) WITH ORDINALITY AS letters (letter, number)
        WINDOW follows AS (ORDER BY number)
    ) AS parts
    WHERE position(' ' IN part) = 0
$$;

CREATE INDEX task_by_text ON task USING gin (text_groups(searchable));

-- What the journal calls this store.
CREATE TABLE identity (
    id     text NOT NULL,
    is_new integer NOT NULL
);
INSERT INTO identity VALUES (replace(gen_random_uuid()::text, '-', ''), 1);

CREATE TABLE former_place (place text COLLATE "C" PRIMARY KEY);

-- How many ids were given out under `--ids sequential`.
CREATE TABLE id_sequence (last bigint NOT NULL);
INSERT INTO id_sequence VALUES (0);
