/**
 * The index, table by table (archive/DESIGN.md, "The index"), one step per version: a new index takes all of them, an
 * older one those that it lacks. Everything but gaps, locks and hashes can be made anew from the files, and
 * those from the ledger. Times: UTC milliseconds, REAL.
 */
import { Fault } from '#core/errors';
import type { Database } from '#core/world';

const first = `
CREATE TABLE meta (
  -- version: of this schema. clean: '1' after a clean stop.
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tracks (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE,
  -- Sum of bytes of its files, kept in the transaction that changes files.
  bytes INTEGER NOT NULL DEFAULT 0,
  files INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Init segments without our uuid box: equal codecs have equal bytes.
CREATE TABLE formats (
  hash TEXT PRIMARY KEY,
  init BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
  id         INTEGER PRIMARY KEY,
  track      INTEGER NOT NULL REFERENCES tracks,
  begin_ms   REAL NOT NULL,
  end_ms     REAL NOT NULL,
  -- Length that is wholly on disk and listed: init segment and fragments.
  bytes      INTEGER NOT NULL,
  init_bytes INTEGER NOT NULL,
  -- Wall clock of the run's first sample in microseconds: equal values share one media time line.
  run        INTEGER NOT NULL,
  -- JSON: per MP4 track the media time of the run at this file's time 0.
  origins    TEXT NOT NULL,
  format     TEXT NOT NULL REFERENCES formats,
  -- 1 while the recorder may append: what a start after a crash examines.
  open       INTEGER NOT NULL,
  -- Path below the folder.
  name       TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX files_by_time ON files (track, begin_ms);
CREATE INDEX files_by_age ON files (begin_ms);
CREATE INDEX files_open ON files (id) WHERE open = 1;

-- Packed fragment records (format/record.ts), one part per commit while the file is open, then folded into part 0.
-- With a rowid: without one SQLite keeps 1 KB of a row in its page and takes another page for the rest.
CREATE TABLE fragments (
  file    INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
  part    INTEGER NOT NULL,
  records BLOB NOT NULL,
  PRIMARY KEY (file, part)
) STRICT;

-- Uninterrupted pieces; holes below a second are none. Changed with files, never computed from them.
CREATE TABLE intervals (
  track    INTEGER NOT NULL REFERENCES tracks,
  begin_ms REAL NOT NULL,
  end_ms   REAL NOT NULL,
  PRIMARY KEY (track, begin_ms)
) STRICT, WITHOUT ROWID;

-- Why there is no footage. Mirrored in the ledger.
CREATE TABLE gaps (
  track     INTEGER NOT NULL REFERENCES tracks,
  begin_ms  REAL NOT NULL,
  -- NULL while it lasts.
  end_ms    REAL,
  reason    TEXT NOT NULL,
  filled_ms REAL,
  PRIMARY KEY (track, begin_ms)
) STRICT, WITHOUT ROWID;

-- Files that are no longer listed and still to be unlinked.
CREATE TABLE condemned (
  name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
`;

const locksAndHashes = `
-- SHA-256 of the whole file, hex; NULL until it is known.
ALTER TABLE files ADD COLUMN hash TEXT;
CREATE INDEX files_unhashed ON files (begin_ms) WHERE hash IS NULL AND open = 0;
-- Last link of the track's chain of hashes.
ALTER TABLE tracks ADD COLUMN chain TEXT NOT NULL DEFAULT '';

-- What must not be deleted. A lock whose time has passed is taken out before anything is deleted. Mirrored in the ledger.
CREATE TABLE locks (
  track      INTEGER NOT NULL REFERENCES tracks,
  id         TEXT NOT NULL,
  begin_ms   REAL NOT NULL,
  end_ms     REAL NOT NULL,
  reason     TEXT NOT NULL,
  -- NULL: until it is unlocked.
  until_ms   REAL,
  -- Who made it; NULL: nobody known.
  made_by    TEXT,
  created_ms REAL NOT NULL,
  PRIMARY KEY (track, id)
) STRICT, WITHOUT ROWID;

-- Only while an index is made anew: hashes of the ledger that wait for their files.
CREATE TABLE known_hashes (
  name  TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL,
  hash  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

const packets = `
-- Packed counts of transport stream packets per fragment (index/packet-table.ts), once they have been counted.
CREATE TABLE packets (
  file   INTEGER PRIMARY KEY REFERENCES files ON DELETE CASCADE,
  -- Of the layout that they are counts of.
  layout INTEGER NOT NULL,
  counts BLOB NOT NULL
) STRICT;
`;

/** Step n makes version n + 1 of version n; the first one makes version 1 of nothing. */
const steps: readonly string[] = [first, locksAndHashes, packets];

/** Brings an empty database or an older index to the present version. Fault `index-version` for a newer one. */
export function bringUpToDate(db: Database): void {
  const isEmpty = db.all("SELECT 1 FROM sqlite_master WHERE name = 'meta'").length === 0;
  const text = isEmpty ? '0' : db.all<{ value: string }>("SELECT value FROM meta WHERE key = 'version'")[0]?.value;
  const version = Number(text);
  if (!(version <= steps.length))
    throw new Fault('storage', 'index-version', `expected an index of version ${steps.length}, got ${text}`);
  if (version === steps.length) return;
  db.transaction(() => {
    for (const step of steps.slice(version)) db.exec(step);
    db.run("INSERT OR REPLACE INTO meta VALUES('version', ?)", String(steps.length));
  });
}
