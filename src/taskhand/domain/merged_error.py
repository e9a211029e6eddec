"""The errors of several connections that were asked the same thing, as one; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from taskhand.domain.errors import Ambiguous, Candidate, LinkBroken, LinkRequired, TaskhandError

__all__ = ["merge_errors"]

_MAX_CANDIDATES: Final = 20
_OF_ITS_OWN: Final = "An id is known in its own connection only."
_ABOUT_PEOPLE: Final = frozenset({"unknown_member", "ambiguous_member"})
"""The codes of errors whose candidates can be sent by name too."""
_TO_LINK: Final = (LinkRequired, LinkBroken)


def merge_errors(errors: Mapping[str, TaskhandError]) -> TaskhandError:
    """The errors of connections as one, of the class and the code of the first; each is named if they differ."""
    first, all_errors = next(iter(errors.values())), tuple(errors.values())
    waits = [error.retry_after_s for error in all_errors if error.retry_after_s is not None]
    candidates = _merge_candidates(errors)
    own = [_OF_ITS_OWN] if any(candidate.connections and not candidate.is_free_text for candidate in candidates) else []
    # The next steps of two errors may contradict each other; the step to link a credential never does.
    advising = {
        name: error for name, error in errors.items() if error.code == first.code or isinstance(error, _TO_LINK)
    }
    steps = {name: error.next_step for name, error in advising.items() if error.next_step}
    # Each connection has counted its own candidates.
    is_count = isinstance(first, Ambiguous) and any(len(error.candidates) != len(candidates) for error in all_errors)
    merged = type(first)(
        _merge_texts({name: error.message for name, error in errors.items()}, () if is_count else errors),
        code=first.code,
        next_step=" ".join(filter(None, [_merge_texts(steps, steps), *own])) or None,
        candidates=candidates,
        retryable=any(error.retryable for error in all_errors),
        retry_after_s=max(waits) if waits else None,
        details=first.details,
    )
    if not any(error.private_step for error in all_errors):
        return merged
    steps = {name: step for name, error in advising.items() if (step := error.private_step or error.next_step)}
    return merged.but(private_step=_merge_texts(steps, steps))


def _merge_texts(texts: Mapping[str, str], everyone: Iterable[str]) -> str:
    """The texts of connections, each once and named; without names if all of several say the same."""
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        names.setdefault(text, []).append(name)
    if len(names) == 1 and len([*everyone]) > 1:
        return next(iter(names))
    return " ".join(f"{', '.join(connections)}: {text}" for text, connections in names.items())


def _merge_candidates(errors: Mapping[str, TaskhandError]) -> list[Candidate]:
    """The candidates of all in turn, each once, with its connections unless all connections accept it."""
    connections_of: dict[Candidate, list[str]] = {}
    candidates = {name: error.candidates for name, error in errors.items()}
    if next(iter(errors.values())).code in _ABOUT_PEOPLE:
        candidates = _named_people(candidates)
    for turn in zip_longest(*([(name, candidate) for candidate in own] for name, own in candidates.items())):
        for name, candidate in filter(None, turn):
            if name not in (names := connections_of.setdefault(candidate, [])):
                names.append(name)
    everywhere = len(errors) if len(errors) > 1 else None
    merged = [
        candidate if len(names) == everywhere else replace(candidate, connections=tuple(names))
        for candidate, names in connections_of.items()
    ]
    return merged[:_MAX_CANDIDATES]


def _named_people(candidates: Mapping[str, tuple[Candidate, ...]]) -> dict[str, tuple[Candidate, ...]]:
    """The same people, those by name whom several connections call the same, and each only one person."""
    labels = {name: Counter(candidate.name for candidate in own) for name, own in candidates.items()}
    numbers = Counter(label for own in labels.values() for label in own)
    namesakes = {label for own in labels.values() for label, number in own.items() if number > 1}
    shared = {label for label, number in numbers.items() if number > 1} - namesakes
    return {
        name: tuple(
            Candidate(candidate.name, is_free_text=True) if candidate.name and candidate.name in shared else candidate
            for candidate in own
        )
        for name, own in candidates.items()
    }
