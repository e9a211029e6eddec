-- oldest: 1
-- Every change of a task, whoever makes it: the columns that changed, and the people, before and after. Of what Taskhand
-- writes, `moment` is when that was by its clock, and member_id who wrote. xact is the number of the transaction.
CREATE TABLE change (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xact       bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    task_id    text COLLATE "C" NOT NULL,
    made_at    text COLLATE "C" NOT NULL
               DEFAULT to_char(transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    moment     text COLLATE "C" DEFAULT nullif(current_setting('taskhand.moment', true), ''),
    member_id  text COLLATE "C" DEFAULT nullif(current_setting('taskhand.member', true), ''),
    old_row    text,
    new_row    text,
    old_people text,
    new_people text
);

CREATE INDEX change_by_transaction ON change (xact, number);

-- The number of the last change that was removed, and when the log has begun, if there were tasks by then.
CREATE TABLE change_log (pruned bigint NOT NULL, begun_at text COLLATE "C");
INSERT INTO change_log SELECT 0, CASE WHEN EXISTS (SELECT 1 FROM task) THEN
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END;

-- The newest 50,000 of the last 30 days.
CREATE FUNCTION keep_changes_a_while() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_catalog', true);
    UPDATE change_log SET pruned = greatest(pruned, new.number - 50000, (
        SELECT max(number) FROM (SELECT number, made_at FROM change ORDER BY number LIMIT 256) AS oldest
        WHERE number < new.number
        AND made_at < to_char(now() AT TIME ZONE 'UTC' - interval '30 days', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ));
    DELETE FROM change WHERE number <= (SELECT pruned FROM change_log);
    RETURN NULL;
END
$$;

CREATE TRIGGER change_is_kept_a_while AFTER INSERT ON change FOR EACH ROW WHEN (new.number % 64 = 0)
EXECUTE FUNCTION keep_changes_a_while();

-- Whoever writes by hand may have any search path.
CREATE FUNCTION log_task() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    people text;
    was json;
    now json;
    rewrites boolean;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_catalog', true);
    rewrites := TG_OP = 'UPDATE' AND old.description IS DISTINCT FROM new.description;
    IF TG_OP = 'INSERT' THEN
        people := '[]';
    ELSE
        SELECT coalesce(json_agg(responsible_id ORDER BY rank), '[]') INTO people
        FROM task_responsible WHERE task_id = old.id;
        was := json_build_object(
            'title', old.title, 'due_at', old.due_at, 'due_timezone', old.due_timezone, 'is_all_day', old.is_all_day,
            'ai_contact_id', old.ai_contact_id, 'ai_customer_id', old.ai_customer_id, 'status_id', old.status_id,
            'priority', old.priority, 'description', CASE WHEN rewrites THEN old.description END
        );
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now := json_build_object(
            'title', new.title, 'due_at', new.due_at, 'due_timezone', new.due_timezone, 'is_all_day', new.is_all_day,
            'ai_contact_id', new.ai_contact_id, 'ai_customer_id', new.ai_customer_id, 'status_id', new.status_id,
            'priority', new.priority, 'description', CASE WHEN rewrites THEN new.description END
        );
    END IF;
    INSERT INTO change (task_id, old_row, new_row, old_people, new_people) VALUES (
        CASE TG_OP WHEN 'DELETE' THEN old.id ELSE new.id END, was, now,
        CASE WHEN TG_OP <> 'INSERT' THEN people END, CASE WHEN TG_OP <> 'DELETE' THEN people END
    );
    RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
END
$$;

CREATE TRIGGER task_creation_is_logged AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION log_task();

CREATE TRIGGER task_change_is_logged AFTER UPDATE OF
    title, description, due_at, due_timezone, is_all_day, ai_contact_id, ai_customer_id, status_id, priority ON task
FOR EACH ROW WHEN (
    (old.title, old.description, old.due_at, old.due_timezone, old.is_all_day, old.ai_contact_id, old.ai_customer_id,
        old.status_id, old.priority)
    IS DISTINCT FROM (new.title, new.description, new.due_at, new.due_timezone, new.is_all_day, new.ai_contact_id,
        new.ai_customer_id, new.status_id, new.priority)
) EXECUTE FUNCTION log_task();

CREATE TRIGGER task_deletion_is_logged BEFORE DELETE ON task FOR EACH ROW EXECUTE FUNCTION log_task();

-- Before each row, as all rows of a statement are there once the first trigger after them is run.
CREATE FUNCTION log_people() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    subject text := CASE TG_OP WHEN 'DELETE' THEN old.task_id ELSE new.task_id END;
    was text;
    now text;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_catalog', true);
    SELECT coalesce(json_agg(responsible_id ORDER BY rank), '[]') INTO was
    FROM task_responsible WHERE task_id = subject;
    SELECT coalesce(json_agg(responsible_id ORDER BY rank), '[]') INTO now FROM (
        SELECT responsible_id, rank FROM task_responsible
        WHERE task_id = subject AND (TG_OP = 'INSERT' OR responsible_id <> old.responsible_id)
        UNION SELECT new.responsible_id, new.rank WHERE TG_OP <> 'DELETE'
    ) AS then_there;
    -- The people of a task that is deleted are removed after it.
    IF was <> now AND EXISTS (SELECT 1 FROM task WHERE id = subject) THEN
        INSERT INTO change (task_id, old_people, new_people) VALUES (subject, was, now);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
END
$$;

CREATE TRIGGER responsible_is_logged BEFORE INSERT OR DELETE OR UPDATE OF responsible_id ON task_responsible
FOR EACH ROW EXECUTE FUNCTION log_people();
