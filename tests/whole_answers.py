"""Writes that answer the whole task, for suites that look at every field of it after each write."""

from dataclasses import replace

from taskhand.service.app_context import AppContext, Surface

__all__ = ["WHOLE", "with_whole_answers"]

WHOLE = Surface(answers="whole")


def with_whole_answers(app: AppContext) -> AppContext:
    """The same app, whose writes answer the documented task object."""
    return replace(app, surface=replace(app.surface, answers="whole"))
