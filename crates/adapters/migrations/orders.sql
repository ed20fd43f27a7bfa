-- The orders of one service, and nobody else's: order-api has this in a schema of its own.
CREATE TABLE orders (
    order_id      text COLLATE "C" PRIMARY KEY,
    customer_id   text NOT NULL,
    items         jsonb NOT NULL,
    total_minor   bigint NOT NULL CHECK (total_minor >= 0),
    currency      text NOT NULL,
    state         text NOT NULL CHECK (state IN ('placed', 'paying', 'completed', 'declined', 'failed')),
    priority      text NOT NULL,
    notified      boolean NOT NULL,
    placed_at_us  bigint NOT NULL,
    updated_at_us bigint NOT NULL,
    charge_id     text,
    reason        text
);

-- Few orders are under way at a time: what looks for those that hang reads these and no others.
CREATE INDEX orders_unfinished ON orders (updated_at_us, order_id) WHERE state IN ('placed', 'paying');
