"""The limits on what clients may use over HTTP."""

from dataclasses import dataclass, replace

__all__ = ["HttpLimits"]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of one caller and of all callers; a person or an agent at work reaches none of them.

    A caller is a person or a key if callers are authenticated, else an address.
    """

    requests_s: float = 300.0
    """Requests a second of one caller; a burst may have twice as many. 0: no limit.

    A machine of two cores answers some 700 calls a second, so one caller leaves room for others.
    """
    body_bytes: int = 4 * 1024 * 1024
    """Maximum size of one body. The largest call, with the texts of 50 tasks at their longest, has some 3 MB."""
    headers: int = 100
    """Maximum number of headers of one request: hosts and proxies send some 20."""
    header_bytes: int = 16 * 1024
    """Maximum size of all headers of a request. If they come in parts, h11 refuses the same size."""
    request_s: float = 20.0
    """Seconds within which a request must arrive whole."""
    answer_s: float = 60.0
    """Seconds within which a client must read some part of an answer; the whole answer has no limit."""
    arriving_bytes: int = 64 * 1024 * 1024
    """Total size of the incomplete bodies of one caller; above it, bodies larger than `small_bytes` are refused."""
    small_bytes: int = 64 * 1024
    """Size of a body that is never refused for `arriving_bytes`: almost every call is smaller."""
    unread_answers: int = 200
    """Answers that wait for clients to read. One more closes the connection that has waited longest."""
    unread_answers_of_one: int = 50
    """The same for one address that is not a named proxy's. Each answer may take some megabytes."""
    open_requests: int = 100
    """Requests of one caller that are carried out at once, counted once they have arrived whole.

    With so many, the next request waits some 0.1 s.
    """
    open_streams: int = 200
    """Streams of one caller: each session of the older era has one, and so has each subscription of the newer era."""
    sessions: int = 1_000
    """Sessions of all callers. A session takes some 45 KB until its client ends it or `session_idle_s` have passed."""
    sessions_of_one: int = 200
    """Sessions of one caller. One more ends a session that was never used, or else the least recently used one.

    Clients leave without ending their sessions, and a client that comes back opens another one.
    """
    session_idle_s: float = 1_800.0
    """Seconds without a request after which a session ends."""
    connections: int = 2_000
    """Connections of all addresses; fewer if the system lets the process open fewer."""
    connections_of_one: int = 500
    """Connections of one address that is not a named proxy's. One more closes the one that has been idle longest.

    A refusal of the new connection would leave the address to the client that opened the others.
    """
    wrong_keys: int = 100
    """Wrong keys a minute from one address, before 429 takes the place of 401.

    A valid key is still served from that address: keys cannot be guessed, and one client with wrong keys must not lock
    out others at the same address.
    """

    @classmethod
    def of_this_machine(cls) -> "HttpLimits":
        """The limits if only programs of this machine call, without authentication: all have the same address.

        One caller may use as much as all callers, because these programs can use the whole processor anyway.
        """
        limits = cls()
        return replace(
            limits,
            requests_s=0.0,
            open_requests=limits.sessions,
            open_streams=limits.sessions,
            sessions_of_one=limits.sessions,
            unread_answers_of_one=limits.unread_answers,
            connections_of_one=limits.connections,
        )
