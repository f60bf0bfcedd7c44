"""The ids of Everfold, made anew from what the documents say of them (kernel/ids.hpp, command-side/edge/call.hpp,
docs/log-format.md): the checker trusts none of our programs."""

import hashlib
from urllib.parse import unquote, urlsplit


def derive_id(*parts: str) -> str:
    """32 hex digits: the first 128 bits of SHA-256 over the parts, each preceded by its length in bytes and a colon."""
    sha = hashlib.sha256()
    for part in (part.encode() for part in parts):
        sha.update(b"%d:%b" % (len(part), part))
    return sha.hexdigest()[:32]


def http_command_id(ack: dict) -> str:
    """Of a request: whose it is, method and decoded path, and its Idempotency-Key."""
    return derive_id("http", ack["sub"] or "", f"{ack['method']} {unquote(urlsplit(ack['path']).path)}", ack["key"])


def caused_command_id(cause_event_id: str, command_type: str, aggregate_id: str) -> str:
    return derive_id(cause_event_id, command_type, aggregate_id)


def command_id_of(cause, command_type: str, aggregate_id: str) -> str:
    """Of a command that an event caused. An order reserves a SKU once, however often it asks: whichever event did."""
    if command_type == "everfold.inventory.ReserveStock.v1":
        return derive_id(cause.context, cause.key, command_type, aggregate_id)
    return caused_command_id(cause.id, command_type, aggregate_id)


def product_id(sku: str) -> str:
    return derive_id("product", sku)


def order_id_of_cart(cart_id: str) -> str:
    return derive_id("order", cart_id)


def payment_id_of_order(order_id: str) -> str:
    return derive_id("payment", order_id)


def partition_of(key: str, partitions: int) -> int:
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """Kafka's, as in org.apache.kafka.common.utils.Utils."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
