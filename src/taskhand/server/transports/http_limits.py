"""How much clients may use over HTTP."""

from dataclasses import dataclass, replace

__all__ = ["HttpLimits"]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one caller and all callers may use; a person or an agent at work meets none of it.

    A caller is a person or a key where callers are asked who they are, else an address.
    """

    requests_s: float = 300.0
    """Requests a second of one caller; twice as many may come at once. 0: any number.

    A machine of two cores answers some 700 calls a second, so that others are served besides."""
    body_bytes: int = 4 * 1024 * 1024
    """Of one request. The largest call, with the texts of 50 tasks at their longest, has some 3 MB."""
    headers: int = 100
    """Of one request: hosts and proxies send some 20."""
    header_bytes: int = 16 * 1024
    """Of all headers of a request. Where they come in parts, h11 refuses the same size."""
    request_s: float = 20.0
    """Seconds until a request has arrived whole."""
    answer_s: float = 60.0
    """Seconds in which a client takes some part of an answer; the whole may take as long as it likes."""
    arriving_bytes: int = 64 * 1024 * 1024
    """Of all bodies of one caller that have not arrived whole; then larger ones than `small_bytes` are refused."""
    small_bytes: int = 64 * 1024
    """Of a body that is always read: almost every call is smaller."""
    unread_answers: int = 200
    """Answers that wait for a client to read. One more ends the connection of the one that has waited longest."""
    unread_answers_of_one: int = 50
    """Of one address that is not a named proxy's. Each may take some megabytes."""
    open_requests: int = 100
    """Requests of one caller that are carried out at once, from when they have arrived whole: others wait some 0.1 s
    for so many."""
    open_streams: int = 200
    """Streams of one caller: each session of the older era has one, and each subscription of the newer."""
    sessions: int = 1_000
    """Of all callers. A session takes some 45 KB until its client ends it or `session_idle_s` have passed."""
    sessions_of_one: int = 200
    """Of one caller. One more ends one that was not used since it was opened, or else for the longest time: clients
    leave without ending theirs, and one that comes back opens another."""
    session_idle_s: float = 1_800.0
    """Seconds after the last request of a session at which it ends."""
    connections: int = 2_000
    """Of all addresses, or as many as the system lets the process open."""
    connections_of_one: int = 500
    """Of one address that is not a named proxy's. One more ends the connection that has waited longest for a request:
    clients open another without asking, and refusing the new one would leave them to whoever opened the others."""
    wrong_keys: int = 100
    """A minute from one address, then 429 in place of 401. A good key is served from there too: keys cannot be guessed,
    and people who share an address must not be shut out by one who tries."""

    @classmethod
    def of_this_machine(cls) -> "HttpLimits":
        """Where only programs of this machine call and nobody asks who they are: all of them have the same address.

        What one may use is what all may, and the processor is theirs without the server too.
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
