-- What customers were told: notification-service has this in a schema of its own. Written once, never changed.
CREATE TABLE notices (
    notice_id   text COLLATE "C" PRIMARY KEY,
    order_id    text NOT NULL,
    customer_id text NOT NULL,
    outcome     text NOT NULL,
    reason      text,
    at_us       bigint NOT NULL
);
