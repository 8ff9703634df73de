import { randomBytes } from 'node:crypto'
import type { Connection } from '../binding.ts'

/**
 * Several devices, what happens to a message after it was sent, and what is kept to send one again. `account` is made
 * anew, because SQLite cannot change a CHECK; its profile key is made here, for SQLite's own random numbers are not
 * meant for keys. `message_edit`, `resend` and `retired_session` hold large blobs: rowid tables (libsignal.md section 7).
 */
export function messengerSchema(connection: Connection): void {
  connection.exec(newAccount)
  connection.run(
    `INSERT INTO account_next (id, status, record, identity_key_pair, device_key, pending_upload, sender_certificate,
       certificate_expires_at, profile_key)
     SELECT id, status, record, identity_key_pair, device_key, pending_upload, sender_certificate,
       certificate_expires_at, ? FROM account`,
    [new Uint8Array(randomBytes(32))],
  )
  connection.exec(schema)
}

const newAccount = `
CREATE TABLE account_next (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  status TEXT NOT NULL CHECK (status IN ('enrolling', 'linking', 'enrolled')),
  record TEXT NOT NULL,
  identity_key_pair BLOB NOT NULL,
  device_key BLOB NOT NULL,
  pending_upload TEXT,
  pending_link TEXT,
  sender_certificate BLOB,
  certificate_expires_at INTEGER,
  profile_key BLOB NOT NULL CHECK (length(profile_key) = 32),
  generation BLOB CHECK (length(generation) = 16),
  devices_revision INTEGER NOT NULL DEFAULT 0,
  taken_up_to INTEGER NOT NULL DEFAULT 0
) STRICT;
`

const schema = `
DROP TABLE account;
ALTER TABLE account_next RENAME TO account;

CREATE TABLE own_device (
  device_id INTEGER PRIMARY KEY,
  registration_id INTEGER NOT NULL,
  device_key BLOB NOT NULL,
  name TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  last_seen_day INTEGER,
  removed_at INTEGER
) STRICT;

CREATE TABLE peer_device (
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  device_key BLOB NOT NULL,
  first_seen_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE person_key (
  account_id TEXT PRIMARY KEY,
  profile_key BLOB NOT NULL CHECK (length(profile_key) = 32),
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a person has to be told of their own account, until they have read it.
CREATE TABLE alert (
  alert_id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  device_name TEXT NOT NULL,
  raised_at INTEGER NOT NULL
) STRICT;

CREATE TABLE permit (id INTEGER PRIMARY KEY AUTOINCREMENT, permit BLOB NOT NULL, expires_at INTEGER NOT NULL) STRICT;
CREATE INDEX permit_expiry ON permit (expires_at);

CREATE TABLE identity_decision (
  account_id TEXT NOT NULL,
  identity_key BLOB NOT NULL,
  previous_key BLOB,
  accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
  verified INTEGER NOT NULL CHECK (verified IN (0, 1)),
  decided_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, identity_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE retired_session (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  record BLOB NOT NULL,
  retired_at INTEGER NOT NULL
) STRICT;
CREATE INDEX retired_session_account ON retired_session (account_id, device_id);
CREATE INDEX retired_session_time ON retired_session (retired_at);

-- A row with active_at 0 holds settings alone (another device made them first); it is in no list.
ALTER TABLE conversation ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted IN (0, 1));
ALTER TABLE conversation ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1));
ALTER TABLE conversation ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE conversation ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1));
ALTER TABLE conversation ADD COLUMN timer_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN timer_changed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN timer_change_id BLOB NOT NULL DEFAULT x'';
ALTER TABLE conversation ADD COLUMN profile_key_sent INTEGER NOT NULL DEFAULT 0 CHECK (profile_key_sent IN (0, 1));
UPDATE conversation SET accepted = 1;
-- When each setting was changed last, on whichever device.
CREATE TABLE conversation_setting (
  conversation_id TEXT NOT NULL REFERENCES conversation,
  name TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  change_id BLOB NOT NULL,
  PRIMARY KEY (conversation_id, name)
) STRICT, WITHOUT ROWID;
DROP INDEX conversation_active;
CREATE INDEX conversation_active ON conversation (active_at DESC, conversation_id);

ALTER TABLE message ADD COLUMN body BLOB;
ALTER TABLE message ADD COLUMN system TEXT;
ALTER TABLE message ADD COLUMN deleted_at INTEGER;
ALTER TABLE message ADD COLUMN edited_at INTEGER;
ALTER TABLE message ADD COLUMN read_at INTEGER;
ALTER TABLE message ADD COLUMN timer_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN expires_at INTEGER;
ALTER TABLE message ADD COLUMN acknowledge_by INTEGER;
-- Read is told of each message, not of a position: the devices of an account hold them in different orders.
UPDATE message SET read_at = received_at WHERE own = 0 AND position <=
  (SELECT read_position FROM conversation c WHERE c.conversation_id = message.conversation_id);
ALTER TABLE conversation DROP COLUMN read_position;
DROP INDEX message_unread;
CREATE INDEX message_unread ON message (conversation_id, position) WHERE own = 0 AND read_at IS NULL;
CREATE INDEX message_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE message_edit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message_position INTEGER NOT NULL REFERENCES message (position) ON DELETE CASCADE,
  edit_id BLOB NOT NULL,
  sent_at INTEGER NOT NULL,
  text TEXT NOT NULL,
  body BLOB,
  UNIQUE (message_position, edit_id)
) STRICT;

CREATE TABLE reaction (
  message_author TEXT NOT NULL,
  message_id BLOB NOT NULL,
  person_id TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  change_id BLOB NOT NULL,
  emoji TEXT NOT NULL,
  service INTEGER NOT NULL,
  PRIMARY KEY (message_author, message_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE acknowledgement (
  message_author TEXT NOT NULL,
  message_id BLOB NOT NULL,
  person_id TEXT NOT NULL,
  acknowledged_at INTEGER NOT NULL,
  change_id BLOB NOT NULL,
  PRIMARY KEY (message_author, message_id, person_id)
) STRICT, WITHOUT ROWID;

-- A change id is unique for each account: nobody takes the place of another's change by sending its id first.
CREATE TABLE pending_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  author_id TEXT NOT NULL,
  message_id BLOB NOT NULL,
  from_account TEXT NOT NULL,
  from_device INTEGER NOT NULL,
  change_id BLOB NOT NULL,
  body BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  UNIQUE (from_account, change_id)
) STRICT;
CREATE INDEX pending_change_message ON pending_change (message_id, author_id);
CREATE INDEX pending_change_from ON pending_change (from_account, id);
CREATE INDEX pending_change_time ON pending_change (received_at);

ALTER TABLE outbox ADD COLUMN only_device INTEGER;
ALTER TABLE outbox ADD COLUMN expires_at INTEGER;
ALTER TABLE outbox ADD COLUMN refers_to BLOB;
ALTER TABLE outbox ADD COLUMN lease_holder TEXT;
ALTER TABLE outbox ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_expiry ON outbox (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX outbox_refers ON outbox (refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX outbox_lease ON outbox (lease_holder) WHERE lease_holder IS NOT NULL;
-- Also where a job goes with its message.
CREATE TRIGGER outbox_ciphertext_gone AFTER DELETE ON outbox BEGIN
  DELETE FROM outbox_ciphertext WHERE id BETWEEN old.job_id * 128 AND old.job_id * 128 + 127;
END;

CREATE TABLE resend (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  envelope_id BLOB NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  reference INTEGER NOT NULL,
  content BLOB NOT NULL,
  kind TEXT NOT NULL,
  message_id BLOB NOT NULL,
  sent_at INTEGER NOT NULL
) STRICT;
CREATE INDEX resend_reference ON resend (account_id, device_id, reference);
CREATE INDEX resend_message ON resend (message_id, account_id, device_id);
CREATE INDEX resend_time ON resend (sent_at);

CREATE TABLE retry_request (
  direction TEXT NOT NULL CHECK (direction IN ('asked', 'answered')),
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  reference INTEGER NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (direction, account_id, device_id, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX retry_request_time ON retry_request (last_at);

ALTER TABLE quarantine ADD COLUMN device_id INTEGER;
ALTER TABLE quarantine ADD COLUMN queue_id INTEGER;
ALTER TABLE quarantine ADD COLUMN retry_reference INTEGER;
CREATE INDEX quarantine_due ON quarantine (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
`
