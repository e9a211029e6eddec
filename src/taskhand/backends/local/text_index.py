"""The trigram index of task texts, which finds a word without reading every task.

SQLite's module FTS5 stores the index, and triggers update it in the transaction of each change. It has folded texts and
compares them exactly. It only finds candidates; the caller checks their texts.

Some builds of SQLite lack FTS5. A process with such a build can write only a store without these triggers, so it
removes them and searches every text. The next process with FTS5 rebuilds the index.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from taskhand.sql.connection import SqlConnection, SqlRow

__all__ = ["find_candidates", "has_text_index", "prepare_text_index"]

_GROUP: Final = 3
"""Characters in an n-gram."""
_MAX_GROUPS: Final = 40
"""Maximum n-grams in a search; of a longer text only the start is searched in the index."""
_LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)

_TABLES: Final = """
CREATE VIRTUAL TABLE task_fts USING fts5(
    text, content = 'task_text', content_rowid = 'number', tokenize = 'trigram case_sensitive 1', detail = none,
    columnsize = 0
);
CREATE VIRTUAL TABLE task_group USING fts5vocab(task_fts, instance)
"""
_ADD: Final = "INSERT INTO task_fts (rowid, text) VALUES (new.number, new.searchable || '  ')"
_REMOVE: Final = "INSERT INTO task_fts (task_fts, rowid, text) VALUES ('delete', old.number, old.searchable || '  ')"
_TRIGGERS: Final = {
    "text_is_added": f"AFTER INSERT ON task WHEN new.number IS NOT NULL BEGIN {_ADD}; END",
    "text_is_numbered": (
        f"AFTER UPDATE OF number ON task WHEN old.number IS NULL AND new.number IS NOT NULL BEGIN {_ADD}; END"
    ),
    "text_is_changed": (
        "AFTER UPDATE OF number, searchable ON task WHEN old.number IS NOT NULL AND "
        f"(old.number, old.searchable) IS NOT (new.number, new.searchable) BEGIN {_REMOVE}; {_ADD}; END"
    ),
    "text_is_removed": f"AFTER DELETE ON task WHEN old.number IS NOT NULL BEGIN {_REMOVE}; END",
}
_FIND_TRIGGERS: Final = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'text_is_%'"


def prepare_text_index(connection: SqlConnection) -> None:
    """Create the index if it is missing, within a transaction; remove its triggers if SQLite lacks FTS5."""
    can_keep = _can_keep(connection)
    if can_keep and _has_triggers(connection):
        return
    for name in _TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    if can_keep:
        for name in ("task_group", "task_fts"):
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO task_fts (task_fts) VALUES ('rebuild')")
        for name, rest in _TRIGGERS.items():
            connection.execute(f"CREATE TRIGGER {name} {rest}")


def has_text_index(connection: SqlConnection) -> bool:
    """Whether the index can be used and is up to date."""
    return _has_triggers(connection) and _can_keep(connection)


def find_candidates(connection: SqlConnection, words: Sequence[str], most: int) -> list[int] | None:
    """The numbers of tasks that may contain all words (folded); None if more than `most` do.

    The store must have the index.
    """
    if long := [word for word in words if len(word) >= _GROUP]:
        sql = "SELECT rowid FROM task_fts WHERE task_fts MATCH ? LIMIT ?"
        return _at_most(connection.execute(sql, (_to_match(long), most + 1)), most)
    for word in sorted(words, key=len, reverse=True):
        if (end := _end_of_prefix(word)) is not None:
            sql = "SELECT doc FROM task_group WHERE term >= ? AND term < ? LIMIT ?"
            candidates = _at_most(connection.execute(sql, (word, end, most + 1)), most)
            if candidates is not None:
                return sorted(set(candidates))
    return None


def _at_most(rows: Iterable[SqlRow], most: int) -> list[int] | None:
    numbers = [int(row[0]) for row in rows]
    return numbers if len(numbers) <= most else None


def _to_match(words: Sequence[str]) -> str:
    """The FTS5 expression for texts that have every n-gram of the words."""
    groups = dict.fromkeys(word[at : at + _GROUP] for word in words for at in range(len(word) - _GROUP + 1))
    quoted = [group.replace('"', '""') for group in [*groups][:_MAX_GROUPS]]
    return " AND ".join(f'"{group}"' for group in quoted)


def _end_of_prefix(prefix: str) -> str | None:
    """The first text that sorts after all texts with this prefix; None if there is none."""
    following = ord(prefix[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return None if following > _LAST else prefix[:-1] + chr(following)


def _has_triggers(connection: SqlConnection) -> bool:
    [count] = connection.execute(_FIND_TRIGGERS).fetchone()
    return int(count) == len(_TRIGGERS)


def _can_keep(connection: SqlConnection) -> bool:
    return connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None
