-- The transactional outbox of an agency: its own software inserts a row in the transaction of what the row tells of,
-- `masa outbox relay` publishes it. Safe to run again. PostgreSQL 13 or newer.
--
--   INSERT INTO masa_outbox (event) VALUES ('{"envelope": {"eventType": "education.absence-concern", …}, …}');
--
-- A row leaves the table once its event is durable in the exchange. One that breaks the contract stays, with `problem`;
-- after a fix:  UPDATE masa_outbox SET event = …, refused_at = NULL WHERE seq = …;
CREATE TABLE IF NOT EXISTS masa_outbox (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of publishing
    event_id   uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),  -- the event's id where its envelope names none
    event      jsonb NOT NULL,                                  -- the event in JSON form
    created_at timestamptz NOT NULL DEFAULT now(),              -- its `publishedAt` where its envelope names none
    refused_at timestamptz,                                     -- waits for a person
    problem    text                                             -- what is wrong; never repeats a value of the event
);
CREATE INDEX IF NOT EXISTS masa_outbox_waiting ON masa_outbox (seq) WHERE refused_at IS NULL;
COMMENT ON TABLE masa_outbox IS 'Events to publish to MASA Exchange; written with the change they tell of';
