"""The refusal to start a server that other machines reach, if its callers are not identified."""

from taskhand.domain.errors import OperatorError
from taskhand.server.transports.host_names import ListenAddress

__all__ = ["check_listen_address"]


def check_listen_address(address: ListenAddress, *, asks_callers: bool = False, has_proxy: bool = False) -> None:
    """OperatorError if other machines reach the server without authentication, and for a malformed host name.

    Other machines reach it by the host, or through a proxy that sends one of the address's names.
    """
    address.check_names()
    if asks_callers or address.is_insecure or (address.is_loopback and not has_proxy and not address.names):
        return
    reached = address.host if not address.is_loopback else "A proxy" if has_proxy else address.names[0]
    raise OperatorError(
        f"{reached} can be reached by other machines, and without --auth no caller is identified.",
        code="host_refused",
        next_step="Add --auth keys, or serve on 127.0.0.1, localhost or ::1 under these names only. If only "
        "this machine, or a proxy that authenticates callers, reaches the port, add --insecure-no-auth.",
    )
