"""The table of resources, in the order in which they are listed."""

from taskhand.server.resource import Resource
from taskhand.server.resources.capabilities import CAPABILITIES
from taskhand.server.resources.events import EVENTS
from taskhand.server.resources.members import MEMBERS
from taskhand.server.resources.statuses import STATUSES
from taskhand.server.resources.task import TASK

__all__ = ["RESOURCES"]

RESOURCES: tuple[Resource, ...] = (STATUSES, MEMBERS, CAPABILITIES, EVENTS, TASK)
