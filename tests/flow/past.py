"""A shop's past: every way that a purchase can go."""

from shop import until

ENDS = {"pending": "STOCK_RESERVED", "refunded": "PARTIALLY_REFUNDED", "declined": "CANCELLED",
        "out of stock": "CANCELLED", "cancelled": "CANCELLED"}  # all others: CONFIRMED


def trade(shop):
    """Returns the orders by what becomes of them, the SKU of which 28 are on hand then and 3 reserved, and a cart that is
    still open. The shop is at rest behind it, a payment by hand is awaited."""
    some, few = shop.product(1000, 40), shop.product(250, 1)
    customer = shop.token("user", "customer-1")
    orders = {"sold": shop.buy([(some, 2)], token=customer), "declined": shop.buy([(some, 1)], "decline"),
              "out of stock": shop.buy([(some, 1), (few, 5)]), "pending": shop.buy([(some, 3)], "manual"),
              "cancelled": shop.buy([(some, 1)]), "refunded": shop.buy([(some, 4)], token=customer)}
    orders |= {f"more {i}": shop.buy([(some, 1)]) for i in range(6)}
    for name in ("cancelled", "refunded"):
        shop.order_becomes(orders[name], "CONFIRMED")
    path = f"/api/orders/{orders['cancelled']}/cancel"
    cancelled = shop.call("POST", path, {"reason": "no longer wanted"}, shop.admin)
    assert cancelled.status == 200, cancelled
    payment = shop.order(orders["refunded"])["payment"]["id"]
    refund = {"amount": {"amount": 1500, "currency": "USD"}, "reason": "scratched"}
    refunded = shop.call("POST", f"/api/payments/{payment}/refunds", refund, shop.admin)
    assert refunded.status in (200, 201), refunded
    cart = shop.cart([(some, 7)], customer)
    for name, order_id in orders.items():
        shop.order_becomes(order_id, ENDS.get(name, "CONFIRMED"))
    for name, status in (("cancelled", "REFUNDED"), ("pending", "PENDING")):
        until(f"the payment of the order {name} is {status}",
              lambda: shop.order(orders[name])["payment"]["status"] == status)
    shop.stock_becomes(some, (28, 3, 25))
    return orders, some, cart
