"""AI hosts: where each has its configuration file, and how Taskhand's entry is added to it and removed from it."""

from taskhand.install.hosts import HOSTS, Host, find_host
from taskhand.install.launch_command import Launch

__all__ = ["HOSTS", "Host", "Launch", "find_host"]
