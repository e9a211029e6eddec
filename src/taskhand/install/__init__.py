"""AI hosts: where each keeps its configuration, and how Taskhand's entry is written to it and removed from it."""

from taskhand.install.host import HOSTS, Host, host_named
from taskhand.install.launch import Launch

__all__ = ["HOSTS", "Host", "Launch", "host_named"]
