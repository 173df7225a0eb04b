"""The end of a server: whoever has come is answered, and nobody else is let in.

uvicorn ends requests that are under way, but hangs up on clients that are connected and have not been
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


class DrainingServer(uvicorn.Server):
    """For a server that is run on sockets of its own."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        state.default_headers = [*state.default_headers, CLOSE_HEADER]
        connected = [each for listener in sockets or [] for each in _accept_waiting(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in connected:
            with suppress(OSError):  # it has gone
                await loop.connect_accepted_socket(self._make_protocol, connection)
        await super().shutdown(sockets)

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
