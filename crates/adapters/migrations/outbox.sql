-- What is to be told of the orders, committed together with them. Gone when it was told.
CREATE TABLE outbox (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL,
    topic    text NOT NULL,
    key      bytea NOT NULL,
    payload  bytea NOT NULL,
    at_us    bigint NOT NULL
);
