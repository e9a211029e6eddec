"""A bug of Taskhand as an error with a reference: the trace goes to the log, never to a caller."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from taskhand.domain.errors import TaskhandError

__all__ = ["internal_errors"]

logger = logging.getLogger(__name__)


@contextmanager
def internal_errors(subject: str) -> Iterator[None]:
    """Raise a TaskhandError with the code `internal_error` for every exception that is a bug."""
    try:
        yield
    except TaskhandError:
        raise
    except Exception:  # the one place where a bug becomes an answer
        reference = uuid4().hex[:12]
        logger.exception("%.60s crashed, reference %s", subject, reference)
        raise TaskhandError(
            f"Something went wrong inside Taskhand (reference {reference}).",
            code="internal_error",
            next_step="Check with get_task whether anything was written, and tell the operator the reference.",
        ) from None
