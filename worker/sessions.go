package worker

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

// bucketUploads holds uploads under way: eight bytes of when, then the uploader's own document. They belong to the files and the
// account, not to one Redis, so that they outlive an emptied one.
const bucketUploads = "uploads"

// sessions is the journal as the uploader sees it.
type sessions struct{ journal *journal }

// Load returns nil when there is none.
func (s sessions) Load(key string) ([]byte, error) {
	var doc []byte
	err := s.journal.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte(bucketUploads)).Get([]byte(key)); len(b) > 8 {
			doc = append(doc, b[8:]...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("journal: read upload: %w", err)
	}
	return doc, nil
}

// Save has the document on disk when it returns.
func (s sessions) Save(key string, doc []byte) error {
	value := append(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix())), doc...) //nolint:gosec // after 1970
	tasks.Failpoint("journal.upload.before")
	defer tasks.Failpoint("journal.upload.after")
	err := s.journal.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucketUploads)).Put([]byte(key), value) })
	if err != nil {
		return fmt.Errorf("journal: write upload: %w", err)
	}
	return nil
}

// Delete forgets a document.
func (s sessions) Delete(key string) error {
	tasks.Failpoint("journal.uploaded.before")
	defer tasks.Failpoint("journal.uploaded.after")
	err := s.journal.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucketUploads)).Delete([]byte(key)) })
	if err != nil {
		return fmt.Errorf("journal: forget upload: %w", err)
	}
	return nil
}

// forgetUploads drops what nobody went on with.
func forgetUploads(tx *bbolt.Tx, before time.Time) error {
	c := tx.Bucket([]byte(bucketUploads)).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(v) < 8 || int64(binary.BigEndian.Uint64(v)) < before.Unix() { //nolint:gosec // written by Save
			if err := c.Delete(); err != nil {
				return err
			}
		}
	}
	return nil
}
