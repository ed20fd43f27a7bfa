-- Charges, and the tombstones of keys that were voided: payment-service has this in a schema of its own.
-- One table for both, because one unique key has to stand between them: either the charge or the tombstone gets it.
CREATE TABLE charges (
    charge_id      text COLLATE "C" UNIQUE,
    key            bytea UNIQUE,
    order_id       text,
    amount_minor   bigint CHECK (amount_minor >= 0),
    at_us          bigint,
    refunded_at_us bigint,
    CONSTRAINT a_charge_or_a_tombstone CHECK (
        charge_id IS NOT NULL AND order_id IS NOT NULL AND amount_minor IS NOT NULL AND at_us IS NOT NULL
        OR charge_id IS NULL AND key IS NOT NULL
    )
);
