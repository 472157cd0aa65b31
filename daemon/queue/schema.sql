-- SPDX-License-Identifier: Apache-2.0
-- The queue's database. queue_open runs, each in one transaction, the versions below that are above
-- the file's PRAGMA user_version.
--
-- How to change it: a version that was released is never edited. Append a line "-- version N" with
-- the next number, and under it the statements that lead there from the version before; add the
-- step to tests/unit/queue/open.c. An older simlabd refuses a newer file.
--
-- Times are Unix milliseconds, 0 where it has not happened. States are those of enum job_state.

-- version 1
-- Fencing numbers up to this one may have been given out; they are reserved in blocks.
CREATE TABLE fence (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    reserved INTEGER NOT NULL
);
INSERT INTO fence VALUES (1, 0);

CREATE TABLE model (
    hash TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    definition TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE model_name (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    created INTEGER NOT NULL
) WITHOUT ROWID;

-- Members of a job that is queued or running are a partition: done, dead, leased, free. Those from
-- `frontier` on are free and have no rows; the others stand in member_range and lease.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state INTEGER NOT NULL,
    members INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    free INTEGER NOT NULL, -- members that could be leased; 0 once the job ended
    frontier INTEGER NOT NULL DEFAULT 0,
    has_layout INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    member_timeout REAL NOT NULL,
    created INTEGER NOT NULL,
    started INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0,
    log_lines INTEGER NOT NULL DEFAULT 0,
    model_hash TEXT,
    store TEXT NOT NULL,
    principal TEXT NOT NULL, -- '' where nobody is named
    idempotency_key TEXT,
    document_hash TEXT,
    name TEXT,
    labels TEXT,
    reason TEXT
);
CREATE INDEX job_state ON job (state);
CREATE INDEX job_free ON job (priority DESC) WHERE free > 0;
-- A failed or cancelled job gives its store free.
CREATE UNIQUE INDEX job_store ON job (store) WHERE state < 4;
CREATE UNIQUE INDEX job_idempotency ON job (principal, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- Apart from `job`, whose rows are rewritten at every report.
CREATE TABLE job_text (
    job INTEGER PRIMARY KEY,
    layout TEXT,
    document TEXT NOT NULL
);

-- Members [begin, end) by enum range_state: done, dead, free, or cut (free, to be leased as it is).
-- Neighbours that are alike are one row, except cut ones. Attempts and reason speak of dead ones.
CREATE TABLE member_range (
    job INTEGER NOT NULL,
    state INTEGER NOT NULL,
    begin INTEGER NOT NULL,
    end INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    PRIMARY KEY (job, state, begin)
) WITHOUT ROWID;

-- Attempts of members that were lost alone, and live.
CREATE TABLE attempt (
    job INTEGER NOT NULL,
    member INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (job, member)
) WITHOUT ROWID;

CREATE TABLE lease (
    fence INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    begin INTEGER NOT NULL,
    end INTEGER NOT NULL,
    cut INTEGER NOT NULL, -- it was a cut range, and what is left of it will be one again
    worker TEXT NOT NULL,
    leased INTEGER NOT NULL
);
CREATE INDEX lease_job ON lease (job);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX event_job ON event (job);
-- The last progress of a job replaces the one before.
CREATE UNIQUE INDEX event_progress ON event (job) WHERE kind = 'progress';

-- version 2
-- One row. `identity` (32 hexadecimal digits) stands in the marks of this daemon's stores; `clean`
-- is 1 where the last daemon stopped in order, 0 while one runs or where it was killed; `boot` is
-- the machine's boot_id when it was opened.
CREATE TABLE daemon (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    identity TEXT NOT NULL,
    clean INTEGER NOT NULL,
    boot TEXT NOT NULL
);
INSERT INTO daemon VALUES (1, lower(hex(randomblob(16))), 1, '');

-- 1: its STORE.sync is to be removed once it has ended and its last lease is gone.
ALTER TABLE job ADD COLUMN sync_left INTEGER NOT NULL DEFAULT 0;
CREATE INDEX job_sync_left ON job (id) WHERE sync_left;
-- Members that are free and to be leased alone; the lowest member with a layout_proposal, or -1.
ALTER TABLE job ADD COLUMN suspects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN proposed INTEGER NOT NULL DEFAULT -1;
-- From here on `job.has_layout` counts how often the layout was decided or added to, `lease.cut`
-- is 2 for a member that is alone, and member_range has a state for such members (enum
-- range_state). What can be leased is kept in memory.
DROP INDEX job_free;
-- How often the daemon died while the member was running.
ALTER TABLE attempt ADD COLUMN suspicion INTEGER NOT NULL DEFAULT 0;

-- Of OpenMP and its like in the job's workers; 0: as these have it.
ALTER TABLE job ADD COLUMN threads INTEGER NOT NULL DEFAULT 0;
-- What who submitted it is told beside: a JSON list of texts, or NULL.
ALTER TABLE job ADD COLUMN notes TEXT;

-- Long texts are files of the directory `texts`, by their SHA-256 (queue.h): then `document` is '',
-- and so is the definition of a model, whose file is named by its hash.
ALTER TABLE job_text ADD COLUMN file TEXT;
CREATE INDEX job_text_file ON job_text (file) WHERE file IS NOT NULL;

-- The contents (sha256) of the libraries that a job, or a stored model, was checked with.
CREATE TABLE job_library (
    job INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (job, name)
) WITHOUT ROWID;
CREATE INDEX job_library_hash ON job_library (hash);
CREATE TABLE model_library (
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (model, name)
) WITHOUT ROWID;
CREATE INDEX model_library_hash ON model_library (hash);

-- Arrays that a job's layout lacks, as members that saved them showed: the lowest member's counts,
-- once all below it are done or dead.
CREATE TABLE layout_proposal (
    job INTEGER NOT NULL,
    member INTEGER NOT NULL,
    layout TEXT NOT NULL,
    PRIMARY KEY (job, member)
) WITHOUT ROWID;

-- So many lines of the member's own are in the job's log: a member that runs again says them again.
-- At most one row a line.
CREATE TABLE member_lines (
    job INTEGER NOT NULL,
    member INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    PRIMARY KEY (job, member)
) WITHOUT ROWID;

-- Whose checkpoint its members start from; 0: from the start.
ALTER TABLE job ADD COLUMN from_job INTEGER NOT NULL DEFAULT 0;

-- version 3
-- A job that has ended goes on where it is retried. How often it was; and what its store held by
-- then, which stays: the members that were done, JSON [[begin, end], ...] (NULL: it never was).
-- `repairs` is 1 where what is no member's is to be written again.
ALTER TABLE job ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN repairs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_text ADD COLUMN kept TEXT;
-- Attempts that a member had before its job was retried.
ALTER TABLE attempt ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0;
-- A store that a failed job gave free may have had others since.
CREATE INDEX job_stores ON job (store);
-- So many workers may run its members at a time; 0: all.
ALTER TABLE job ADD COLUMN most_workers INTEGER NOT NULL DEFAULT 0;
-- 1: people hold it. How many jobs it waits for, and which: rows go as these succeed.
ALTER TABLE job ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN awaits INTEGER NOT NULL DEFAULT 0;
CREATE TABLE job_after (
    need INTEGER NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (need, job)
) WITHOUT ROWID;
CREATE INDEX job_after_job ON job_after (job);

-- Why members are dead (enum queue_cause), and the end of their log: a JSON list of texts, or NULL.
-- Of 10,000 members of a job; the others' reasons are those of their causes, so that they are one
-- row where they are neighbours.
ALTER TABLE member_range ADD COLUMN cause INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member_range ADD COLUMN log TEXT;

-- Leases that ended while nobody knew that their workers were dead: STORE.sync has a fence for each,
-- also when it is made again. 1: it has not yet.
CREATE TABLE fenced (
    job INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    is_due INTEGER NOT NULL,
    PRIMARY KEY (job, lease)
) WITHOUT ROWID;
CREATE INDEX fenced_due ON fenced (lease) WHERE is_due = 1;

-- version 4
-- Members whose worker died rest before they are tried again: so many of those that are free, which
-- member_range has with a state of their own; and until when, in the queue's time (rests.c). 0: it
-- does not rest.
ALTER TABLE job ADD COLUMN resting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN rests_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attempt_rests ON attempt (rests_until) WHERE rests_until > 0;

-- version 5
-- 1: members may be appended to the batch. What was: from member `first` on, `count` of them, their
-- inputs as the list `appended` of the job's document has them (`document`, or a long text's file),
-- the idempotency key and the hash of the body that came with it.
ALTER TABLE job ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
CREATE TABLE job_append (
    job INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    document TEXT NOT NULL,
    file TEXT,
    idempotency_key TEXT,
    document_hash TEXT,
    PRIMARY KEY (job, first)
) WITHOUT ROWID;
CREATE UNIQUE INDEX job_append_key ON job_append (job, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_append_file ON job_append (file) WHERE file IS NOT NULL;

-- version 6
-- 1: the job is being removed, with its store; 2: without it. Its row goes last.
ALTER TABLE job ADD COLUMN removing INTEGER NOT NULL DEFAULT 0;
CREATE INDEX job_removing ON job (id) WHERE removing > 0;
CREATE INDEX job_from ON job (from_job) WHERE from_job > 0;
-- The last event's number, as it was when a job was removed: its event may have been that job's.
ALTER TABLE daemon ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;
