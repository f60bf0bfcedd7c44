"""The network between a site and the brokers, as a process of its own: TCP forwarded port by port, until told otherwise.

Arguments: LISTEN:TARGET:SITE …, a route each. Standard input: one JSON object a line, such as
{"site": "A", "mode": "hold", "up": true, "down": false}; each is answered "ok" once it holds. The end of the input
ends the process.

    open     what comes in goes out, `delay_ms` later
    cut      connections are reset, new ones too
    hold     nothing goes through, and nobody is told; what was sent arrives when the network is open again, as with TCP
    swallow  what is sent is lost, and nobody is told; those connections are reset when the network is open again

`up` (towards the brokers) and `down` (back) say in which directions `hold` and `swallow` work: one of the two is a
half-cut network.
"""

import asyncio
import json
import socket
import struct
import sys

_CHUNK_BYTES = 65536


class Site:
    """The state of one site's network."""

    def __init__(self):
        self.mode = "open"
        self.blocked = {"up": False, "down": False}
        self.delay_s = 0.0
        self.changed = asyncio.Event()  # replaced at each change
        self.connections = set()

    def set(self, order: dict) -> None:
        self.mode = order["mode"]
        blocks = self.mode in ("hold", "swallow")
        self.blocked = {way: blocks and order.get(way, True) for way in ("up", "down")}
        self.delay_s = order.get("delay_ms", 0) / 1000
        for connection in list(self.connections):
            if self.mode == "cut" or (self.mode == "open" and connection.lost_bytes):
                connection.reset()
        self.changed.set()
        self.changed = asyncio.Event()

    async def let_pass(self, way: str) -> bool:
        """False when the bytes are lost."""
        while self.mode == "hold" and self.blocked[way]:
            await self.changed.wait()
        if self.mode == "swallow" and self.blocked[way]:
            return False
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return True


class Connection:
    def __init__(self, site: Site, *writers: asyncio.StreamWriter):
        self.site = site
        self.writers = writers
        self.lost_bytes = False

    def reset(self) -> None:
        for writer in self.writers:
            reset(writer)

    async def pump(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if not await self.site.let_pass(way):
                self.lost_bytes = True
                continue
            writer.write(data)
            await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Not a polite FIN: the other side must see a broken connection at once."""
    raw = writer.get_extra_info("socket")
    if raw and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(site: Site, target_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if site.mode == "cut":
        return reset(writer)
    try:
        await site.let_pass("up")
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", target_port)
    except OSError:  # the broker is down: so is the connection
        return reset(writer)
    connection = Connection(site, writer, broker_writer)
    site.connections.add(connection)
    pumps = [asyncio.ensure_future(connection.pump("up", reader, broker_writer)),
             asyncio.ensure_future(connection.pump("down", broker_reader, writer))]
    try:
        done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in done:
            if error := pump.exception():
                if not isinstance(error, OSError):
                    raise error
    finally:
        for pump in pumps:
            pump.cancel()
        site.connections.discard(connection)
        connection.reset()


async def obey(sites: dict[str, Site]) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order = json.loads(line)
        sites[order["site"]].set(order)
        print("ok", flush=True)


async def main(routes: list[str]) -> None:
    sites = {}
    for route in routes:
        listen, target, name = route.split(":")
        site = sites.setdefault(name, Site())
        handler = lambda reader, writer, site=site, target=int(target): serve(site, target, reader, writer)
        await asyncio.start_server(handler, "127.0.0.1", int(listen), backlog=256)
    print("ready", flush=True)
    await obey(sites)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
