"""Writes that answer the whole task, for suites that look at every field of it after each write."""

from dataclasses import replace

from taskhand.service.app_context import AppContext, WritePolicy

__all__ = ["WHOLE", "with_whole_answers"]

WHOLE = WritePolicy(answers="whole")


def with_whole_answers(app: AppContext) -> AppContext:
    """The same app, whose writes answer the documented task object."""
    return replace(app, policy=replace(app.policy, answers="whole"))
