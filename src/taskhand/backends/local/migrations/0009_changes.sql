-- Every change of a task, whoever makes it: the columns that changed, and the people, before and after. `made_at` is when
-- the row was written. Taskhand adds the moment that it calls now, the member who writes, and in xact one number for all
-- rows of a transaction; a change by another program has none of these, and 0.
CREATE TABLE change (
    number     INTEGER PRIMARY KEY,
    xact       INTEGER NOT NULL DEFAULT 0,
    task_id    TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    moment     TEXT,
    member_id  TEXT,
    old_row    TEXT,
    new_row    TEXT,
    old_people TEXT,
    new_people TEXT
) STRICT;

-- The number of the last change that was removed, and when the log has begun, if there were tasks by then.
CREATE TABLE change_log (pruned INTEGER NOT NULL, begun_at TEXT) STRICT;
INSERT INTO change_log SELECT 0, CASE WHEN EXISTS (SELECT 1 FROM task) THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') END;

-- The newest 50,000 of the last 30 days. The last one always stays, so that no number is given twice.
CREATE TRIGGER change_is_kept_a_while AFTER INSERT ON change WHEN new.number % 64 = 0
BEGIN
    UPDATE change_log SET pruned = max(pruned, new.number - 50000, coalesce((
        SELECT max(number) FROM (SELECT number, made_at FROM change ORDER BY number LIMIT 256)
        WHERE number < new.number AND made_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
    ), 0));
    DELETE FROM change WHERE number <= (SELECT pruned FROM change_log);
END;

CREATE TRIGGER task_creation_is_logged AFTER INSERT ON task
BEGIN
    INSERT INTO change (task_id, made_at, new_row, new_people) VALUES (
        new.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_object(
            'title', new.title, 'due_at', new.due_at, 'due_timezone', new.due_timezone, 'is_all_day', new.is_all_day,
            'ai_contact_id', new.ai_contact_id, 'ai_customer_id', new.ai_customer_id, 'status_id', new.status_id,
            'priority', new.priority
        ),
        '[]'
    );
END;

CREATE TRIGGER task_change_is_logged AFTER UPDATE OF
    title, description, due_at, due_timezone, is_all_day, ai_contact_id, ai_customer_id, status_id, priority ON task
WHEN (old.title, old.description, old.due_at, old.due_timezone, old.is_all_day, old.ai_contact_id, old.ai_customer_id,
        old.status_id, old.priority)
    IS NOT (new.title, new.description, new.due_at, new.due_timezone, new.is_all_day, new.ai_contact_id,
        new.ai_customer_id, new.status_id, new.priority)
BEGIN
    INSERT INTO change (task_id, made_at, old_row, new_row, old_people, new_people)
    SELECT
        new.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_object(
            'title', old.title, 'due_at', old.due_at, 'due_timezone', old.due_timezone, 'is_all_day', old.is_all_day,
            'ai_contact_id', old.ai_contact_id, 'ai_customer_id', old.ai_customer_id, 'status_id', old.status_id,
            'priority', old.priority,
            'description', CASE WHEN old.description IS NOT new.description THEN old.description END
        ),
        json_object(
            'title', new.title, 'due_at', new.due_at, 'due_timezone', new.due_timezone, 'is_all_day', new.is_all_day,
            'ai_contact_id', new.ai_contact_id, 'ai_customer_id', new.ai_customer_id, 'status_id', new.status_id,
            'priority', new.priority,
            'description', CASE WHEN old.description IS NOT new.description THEN new.description END
        ),
        people, people
    FROM (
        SELECT json_group_array(responsible_id) AS people
        FROM (SELECT responsible_id FROM task_responsible WHERE task_id = new.id ORDER BY rank)
    );
END;

CREATE TRIGGER task_deletion_is_logged BEFORE DELETE ON task
BEGIN
    INSERT INTO change (task_id, made_at, old_row, old_people) VALUES (
        old.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_object(
            'title', old.title, 'due_at', old.due_at, 'due_timezone', old.due_timezone, 'is_all_day', old.is_all_day,
            'ai_contact_id', old.ai_contact_id, 'ai_customer_id', old.ai_customer_id, 'status_id', old.status_id,
            'priority', old.priority
        ),
        (
            SELECT json_group_array(responsible_id)
            FROM (SELECT responsible_id FROM task_responsible WHERE task_id = old.id ORDER BY rank)
        )
    );
END;

CREATE TRIGGER responsible_addition_is_logged AFTER INSERT ON task_responsible
BEGIN
    INSERT INTO change (task_id, made_at, old_people, new_people)
    SELECT
        new.task_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_group_array(responsible_id) FILTER (WHERE responsible_id <> new.responsible_id),
        json_group_array(responsible_id)
    FROM (SELECT responsible_id FROM task_responsible WHERE task_id = new.task_id ORDER BY rank);
END;

CREATE TRIGGER responsible_change_is_logged AFTER UPDATE OF responsible_id ON task_responsible
WHEN old.responsible_id <> new.responsible_id
BEGIN
    INSERT INTO change (task_id, made_at, old_people, new_people)
    SELECT
        new.task_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_group_array(CASE responsible_id WHEN new.responsible_id THEN old.responsible_id ELSE responsible_id END),
        json_group_array(responsible_id)
    FROM (SELECT responsible_id FROM task_responsible WHERE task_id = new.task_id ORDER BY rank);
END;

-- The people of a task that is deleted are removed after it.
CREATE TRIGGER responsible_removal_is_logged BEFORE DELETE ON task_responsible
WHEN EXISTS (SELECT 1 FROM task WHERE id = old.task_id)
BEGIN
    INSERT INTO change (task_id, made_at, old_people, new_people)
    SELECT
        old.task_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_group_array(responsible_id),
        json_group_array(responsible_id) FILTER (WHERE responsible_id <> old.responsible_id)
    FROM (SELECT responsible_id FROM task_responsible WHERE task_id = old.task_id ORDER BY rank);
END;
