"""AI hosts: where each keeps its configuration, and what to write there so that it starts Taskhand."""

from taskhand.hosts.host import HOSTS, Host, host_named
from taskhand.hosts.launch import Launch

__all__ = ["HOSTS", "Host", "Launch", "host_named"]
