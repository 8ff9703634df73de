/**
 * Records of libsignal lie in rowid tables: their blobs are over 1 kB, which WITHOUT ROWID makes slower
 * (libsignal.md section 7). Ids of accounts are UUID text, message ids 16-byte blobs, times ms since the epoch.
 */
export const firstSchema = `
CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  status TEXT NOT NULL CHECK (status IN ('enrolling', 'enrolled')),
  record TEXT NOT NULL,
  identity_key_pair BLOB NOT NULL,
  device_key BLOB NOT NULL,
  pending_upload TEXT,
  sender_certificate BLOB,
  certificate_expires_at INTEGER
) STRICT;

CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE identity (
  account_id TEXT PRIMARY KEY,
  identity_key BLOB NOT NULL,
  changed_key BLOB,
  first_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  record BLOB NOT NULL,
  UNIQUE (account_id, device_id)
) STRICT;

CREATE TABLE pre_key (key_id INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;
CREATE TABLE signed_pre_key (key_id INTEGER PRIMARY KEY, record BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE kyber_pre_key (
  key_id INTEGER PRIMARY KEY,
  record BLOB NOT NULL,
  last_resort INTEGER NOT NULL CHECK (last_resort IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE kyber_pre_key_use (
  key_id INTEGER NOT NULL,
  signed_key_id INTEGER NOT NULL,
  base_key BLOB NOT NULL,
  PRIMARY KEY (key_id, signed_key_id, base_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE sender_key (
  id INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  distribution_id TEXT NOT NULL,
  record BLOB NOT NULL,
  UNIQUE (account_id, device_id, distribution_id)
) STRICT;

CREATE TABLE person (
  account_id TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  title TEXT NOT NULL,
  service TEXT NOT NULL,
  organisation TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation (
  conversation_id TEXT PRIMARY KEY,
  active_at INTEGER NOT NULL,
  draft TEXT NOT NULL DEFAULT '',
  read_position INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX conversation_active ON conversation (active_at DESC);

CREATE TABLE message (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id TEXT NOT NULL REFERENCES conversation,
  message_id BLOB NOT NULL,
  author_id TEXT NOT NULL,
  author_device INTEGER NOT NULL,
  own INTEGER NOT NULL CHECK (own IN (0, 1)),
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  raw BLOB,
  sent_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  delivery TEXT NOT NULL,
  error TEXT,
  UNIQUE (message_id, author_id, author_device)
) STRICT;
CREATE INDEX message_page ON message (conversation_id, position);
CREATE INDEX message_unread ON message (conversation_id, own, position);

CREATE TABLE received (
  account_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  message_id BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, device_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  job_id INTEGER PRIMARY KEY AUTOINCREMENT,
  lane TEXT NOT NULL,
  destination TEXT NOT NULL,
  kind TEXT NOT NULL,
  message_position INTEGER REFERENCES message (position) ON DELETE CASCADE,
  content BLOB NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_lane ON outbox (lane, job_id);
CREATE INDEX outbox_message ON outbox (message_position);
CREATE INDEX outbox_kind ON outbox (kind);

-- id: job_id * 128 + device_id, so that one tree holds the ciphertexts of a job side by side.
CREATE TABLE outbox_ciphertext (
  id INTEGER PRIMARY KEY,
  registration_id INTEGER NOT NULL,
  envelope_id BLOB NOT NULL,
  type INTEGER NOT NULL,
  ciphertext BLOB NOT NULL
) STRICT;

CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  envelope_id BLOB NOT NULL UNIQUE,
  body BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  account_id TEXT,
  attempts INTEGER NOT NULL DEFAULT 1,
  next_attempt_at INTEGER
) STRICT;
CREATE INDEX quarantine_account ON quarantine (account_id, reason);

CREATE TABLE received_envelope (envelope_id BLOB PRIMARY KEY, received_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  monotonic INTEGER NOT NULL,
  type TEXT NOT NULL,
  actor TEXT NOT NULL,
  commitment BLOB NOT NULL,
  leaf BLOB NOT NULL,
  payload TEXT,
  salt BLOB
) STRICT;
CREATE TABLE journal_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  size INTEGER NOT NULL,
  frontier BLOB NOT NULL,
  flushed INTEGER NOT NULL
) STRICT;
`
