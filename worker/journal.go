package worker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/ngworks/nglive/tasks"
)

// journalFile stands in DATA_DIR.
const journalFile = "journal.db"

// forgetAfter is how long the journal remembers a settled task: longer than any task can come back.
const forgetAfter = 30 * 24 * time.Hour

// entry is what the node itself knows of one task. It is on disk before Asynq hears of it, so that neither a crash nor a Redis
// that is away makes work happen twice.
type entry struct {
	Queue     string         `json:"queue,omitempty"`
	Recording string         `json:"recording,omitempty"`
	Attempts  int            `json:"attempts,omitempty"`  // of the present policy, begun
	Crashes   int            `json:"crashes,omitempty"`   // attempts this process never ended
	Began     time.Time      `json:"began,omitzero"`      // set while an attempt is under way
	Life      string         `json:"life,omitempty"`      // the worker's, in which it began
	Done      bool           `json:"done,omitempty"`      // never to be done again
	Dead      string         `json:"dead,omitempty"`      // why we gave up
	Final     *tasks.Fact    `json:"final,omitempty"`     // what was told when it was done; told again should Redis have forgotten
	Inside    bool           `json:"inside,omitempty"`    // the hold was met inside an attempt
	Reason    string         `json:"reason,omitempty"`    // why it is held
	Sealed    *tasks.Output  `json:"sealed,omitempty"`    // verified, about to get its final name
	Seen      tasks.Sighting `json:"seen,omitzero"`       // what was learned of the source meanwhile
	Delivered []string       `json:"delivered,omitempty"` // channels that have it
	Links     links          `json:"links,omitempty"`     // share links that were made, by path
	ChangedAt time.Time      `json:"changed_at,omitzero"`
}

// letter is one unsent thing of the outbox: a fact about a recording, or an event of its own.
type letter struct {
	Fact  *tasks.Fact  `json:"fact,omitempty"`
	Event *tasks.Event `json:"event,omitempty"`
}

// journal is the node's own memory: attempts, done markers, unsent facts, the names it gave away. Its file lock keeps a second
// worker out of the same DATA_DIR.
type journal struct {
	db     *bbolt.DB
	posted chan struct{} // rings when the outbox has something new
	failed atomic.Pointer[unwritten]
}

// unwritten is the last write that the journal's disk did not take.
type unwritten struct {
	at  time.Time
	err error
}

func buckets() []string {
	return []string{"tasks", "outbox", "names", "meta", "files", "parts", "trash", bucketUploads}
}

var errJournalLocked = errors.New("another worker is running on this DATA_DIR; stop it first, or give this one its own NGLIVE_DATA_DIR")

func openJournal(dir string) (*journal, error) {
	db, err := bbolt.Open(filepath.Join(dir, journalFile), 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errJournalLocked
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal in %s: %w", dir, err)
	}
	if err := makeBuckets(db); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the journal in %s: %w", dir, err), db.Close())
	}
	return &journal{db: db, posted: make(chan struct{}, 1)}, nil
}

// makeBuckets writes only where one is missing, so that a worker starts on a full disk too.
func makeBuckets(db *bbolt.DB) error {
	missing := false
	err := db.View(func(tx *bbolt.Tx) error {
		for _, b := range buckets() {
			missing = missing || tx.Bucket([]byte(b)) == nil
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for _, b := range buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (j *journal) close() error { return j.db.Close() }

// update writes, all of it or nothing, and remembers that a disk did not take it: the journal itself cannot tell.
func (j *journal) update(work func(*bbolt.Tx) error) error {
	err := j.db.Update(work)
	if err != nil {
		j.failed.Store(&unwritten{time.Now(), err})
	}
	return err
}

// read returns what is known of a task; nothing known is an empty entry.
func (j *journal) read(id string) (entry, error) {
	var e entry
	err := j.db.View(func(tx *bbolt.Tx) error { return get(tx, "tasks", id, &e) })
	if err != nil {
		return e, fmt.Errorf("journal: read task %s: %w", id, err)
	}
	return e, nil
}

// change works on a task's entry and posts letters in the same transaction: both are on disk, or neither.
func (j *journal) change(id string, work func(*entry) []letter) (entry, error) {
	var e entry
	posted := false
	tasks.Failpoint("journal.change.before")
	defer tasks.Failpoint("journal.change.after")
	err := j.update(func(tx *bbolt.Tx) error {
		e = entry{}
		if err := get(tx, "tasks", id, &e); err != nil {
			return err
		}
		letters := work(&e)
		e.ChangedAt = time.Now()
		posted = len(letters) > 0
		if err := post(tx, letters); err != nil {
			return err
		}
		return put(tx, "tasks", id, e)
	})
	if err != nil {
		return e, fmt.Errorf("journal: write task %s: %w", id, err)
	}
	if posted {
		j.ring()
	}
	return e, nil
}

// post puts letters into the outbox.
func (j *journal) post(letters ...letter) error {
	tasks.Failpoint("journal.post.before")
	defer tasks.Failpoint("journal.post.after")
	if err := j.update(func(tx *bbolt.Tx) error { return post(tx, letters) }); err != nil {
		return fmt.Errorf("journal: write outbox: %w", err)
	}
	j.ring()
	return nil
}

func post(tx *bbolt.Tx, letters []letter) error {
	out := tx.Bucket([]byte("outbox"))
	for _, l := range letters {
		n, err := out.NextSequence()
		if err != nil {
			return err
		}
		b, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if err := out.Put(binary.BigEndian.AppendUint64(nil, n), b); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) ring() {
	select {
	case j.posted <- struct{}{}:
	default:
	}
}

// unsent returns the oldest letters with their keys.
func (j *journal) unsent(limit int) (keys [][]byte, letters []letter, err error) {
	err = j.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte("outbox")).Cursor()
		for k, v := c.First(); k != nil && len(keys) < limit; k, v = c.Next() {
			var l letter
			if err := json.Unmarshal(v, &l); err != nil {
				return err
			}
			keys, letters = append(keys, append([]byte(nil), k...)), append(letters, l)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("journal: read outbox: %w", err)
	}
	return keys, letters, nil
}

// sent forgets letters that arrived.
func (j *journal) sent(keys [][]byte) error {
	tasks.Failpoint("journal.sent.before")
	defer tasks.Failpoint("journal.sent.after")
	err := j.update(func(tx *bbolt.Tx) error {
		for _, k := range keys {
			if err := tx.Bucket([]byte("outbox")).Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("journal: clear outbox: %w", err)
	}
	return nil
}

// claimName gives a name (an output's, or a target's) to a recording and reports whether the recording has it now.
func (j *journal) claimName(name, recording string) (bool, error) {
	mine := false
	tasks.Failpoint("journal.name.before")
	defer tasks.Failpoint("journal.name.after")
	err := j.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("names"))
		owner := b.Get([]byte(name))
		if mine = owner == nil || string(owner) == recording; mine && owner == nil {
			return b.Put([]byte(name), []byte(recording))
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("journal: claim name %s: %w", name, err)
	}
	return mine, nil
}

// ownerOf returns the recording that was given a name, "" when none was.
func (j *journal) ownerOf(name string) (string, error) {
	owner := ""
	err := j.db.View(func(tx *bbolt.Tx) error {
		owner = string(tx.Bucket([]byte("names")).Get([]byte(name)))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("journal: read name %s: %w", name, err)
	}
	return owner, nil
}

// follow ties the journal to one Redis: with another, or one that lost its data, what it knows of tasks is about other tasks.
func (j *journal) follow(epoch string) error {
	if former, err := j.mark("epoch"); err != nil || former == epoch {
		return err
	}
	tasks.Failpoint("journal.follow.before")
	defer tasks.Failpoint("journal.follow.after")
	err := j.update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte("meta"))
		former := string(meta.Get([]byte("epoch")))
		if former != "" && former != epoch {
			for _, b := range []string{"tasks", "files"} {
				if err := tx.DeleteBucket([]byte(b)); err != nil {
					return err
				}
				if _, err := tx.CreateBucket([]byte(b)); err != nil {
					return err
				}
			}
		}
		return meta.Put([]byte("epoch"), []byte(epoch))
	})
	if err != nil {
		return fmt.Errorf("journal: follow the new Redis: %w", err)
	}
	return nil
}

// mark returns what was noted under a name, "" when nothing was.
func (j *journal) mark(name string) (string, error) {
	value := ""
	err := j.db.View(func(tx *bbolt.Tx) error {
		value = string(tx.Bucket([]byte("meta")).Get([]byte(name)))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("journal: read %s: %w", name, err)
	}
	return value, nil
}

// setMark notes a value under a name.
func (j *journal) setMark(name, value string) error {
	tasks.Failpoint("journal.mark.before")
	defer tasks.Failpoint("journal.mark.after")
	err := j.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte(name), []byte(value)) })
	if err != nil {
		return fmt.Errorf("journal: write %s: %w", name, err)
	}
	return nil
}

// underWay returns the ids of the tasks whose attempt this node began and never ended.
func (j *journal) underWay(queue string) (map[string]bool, error) {
	ids := map[string]bool{}
	err := j.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("tasks")).ForEach(func(k, v []byte) error {
			var e entry
			if err := json.Unmarshal(v, &e); err != nil {
				return err
			}
			if e.Queue == queue && !e.Began.IsZero() {
				ids[string(k)] = true
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return ids, nil
}

// forget drops what no task can ask for any more.
func (j *journal) forget(before time.Time) error {
	tasks.Failpoint("journal.forget.before")
	defer tasks.Failpoint("journal.forget.after")
	err := j.update(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte("tasks")).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			var e entry
			if err := json.Unmarshal(v, &e); err != nil {
				return err
			}
			if (e.Done || e.Dead != "") && e.ChangedAt.Before(before) {
				if err := c.Delete(); err != nil {
					return err
				}
			}
		}
		return forgetUploads(tx, before)
	})
	if err != nil {
		return fmt.Errorf("journal: forget: %w", err)
	}
	return nil
}

func get(tx *bbolt.Tx, bucket, key string, v any) error {
	b := tx.Bucket([]byte(bucket)).Get([]byte(key))
	if b == nil {
		return nil
	}
	return json.Unmarshal(b, v)
}

func put(tx *bbolt.Tx, bucket, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket([]byte(bucket)).Put([]byte(key), b)
}
