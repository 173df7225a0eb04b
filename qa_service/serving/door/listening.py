"""Who is let in, and the end of a server: whoever has come is answered, and nobody else is let in.

The event loop accepts one connection in a turn, so that in a crowd the last of four hundred waited a
quarter of a second to be listened to; here all that wait are taken in at once. And uvicorn, when it
stops, ends requests that are under way, but hangs up on clients that are connected and have not been
listened to yet, and says to nobody that the connection ends. With `arrival`'s protocol nobody is cut
off: what was sent before the stop is answered.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import uvicorn
from uvicorn.protocols.http.flow_control import CLOSE_HEADER


class ListeningServer(uvicorn.Server):
    """For a server that is run on sockets of its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._twins: list[socket.socket] = []
        self._coming: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            twin = listener.dup()  # a loop watches a descriptor for one purpose only
            try:
                loop.add_reader(twin, self._take_in_all, twin)
            except NotImplementedError:  # Windows
                twin.close()
            else:
                self._twins.append(twin)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        state.default_headers = [*state.default_headers, CLOSE_HEADER]
        for twin in self._twins:
            self._take_in_all(twin)
            asyncio.get_running_loop().remove_reader(twin)
        for server in self.servers:
            server.close()
        for listener in [*self._twins, *(sockets or [])]:
            listener.close()
        await asyncio.gather(*self._coming)
        await super().shutdown(sockets)

    def _take_in_all(self, listener: socket.socket) -> None:
        for connection in _accept_waiting(listener):
            task = asyncio.create_task(self._take_in(connection))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    async def _take_in(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # it has gone
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        kind = self.config.http_protocol_class
        return kind(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _accept_waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that the system has made and that nobody has taken yet."""
    listener.setblocking(False)
    with suppress(OSError):  # BlockingIOError: there are no more
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection
