-- Idempotency records. Keys and scopes are bytes, because they may be any text, also one with a NUL in it.
CREATE TABLE idempotency (
    scope       bytea NOT NULL,
    key         bytea NOT NULL,
    fingerprint bytea NOT NULL,
    owner       bigint NOT NULL,
    number      bigint NOT NULL,
    begun_ns    bigint NOT NULL,
    until_ns    bigint NOT NULL,
    answer      bytea,
    PRIMARY KEY (scope, key)
);

-- What is over is looked for by its time.
CREATE INDEX idempotency_until ON idempotency (until_ns);
