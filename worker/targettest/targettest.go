// Package targettest is the conformance suite that every upload target passes: whatever holds for one place to upload to
// holds for all. It never looks inside a target, only at what somebody else would see there.
package targettest

import (
	"context"
	"os"
	"testing"
)

// Target is the worker's contract for a place to upload to, repeated here so that this package needs none of ours.
type Target interface {
	// Put brings src under name and returns where it is and a sum that Check proves it by. It resumes what an earlier Put of
	// that name left, shows nothing partial under the final name, and answers class "exists" when other content is there and
	// replace is false.
	Put(ctx context.Context, src *os.File, name string, replace bool, report func(done int64)) (location, sum string, err error)
	// Check proves, by what the place itself says now, that name holds size bytes with the sum that Put returned.
	Check(ctx context.Context, name string, size int64, sum string) error
}

// Inspect shows the suite what others see at a target. Names are spelled as they were given to Put, also when the target
// has to spell them otherwise. Its methods may be called while a Put runs.
type Inspect interface {
	// Names lists the files that are there under a final name; nil when there are none.
	Names() []string
	// Content is what is under the final name; nil when nothing is.
	Content(name string) []byte
	// Plant puts a file there behind the target's back, in place of whatever has the name.
	Plant(name string, content []byte)
	// Parts counts the unfinished uploads that occupy room at the target.
	Parts() int
	// Sum is what Put must return for this content.
	Sum(content []byte) string
	// TakesEmpty says whether the place takes empty files; one that does not answers class "never".
	TakesEmpty() bool
	// SpoilPart overwrites the start of what an unfinished Put of name left there, and says whether there was such a thing.
	SpoilPart(name string, garbage []byte) bool
}

// Open makes an empty target of its own for one test.
type Open func(t *testing.T) (Target, Inspect)

// Run puts the target through the whole contract.
func Run(t *testing.T, open func(t *testing.T) (Target, Inspect)) {
	t.Helper()
	cases := []struct {
		name string
		run  func(t *testing.T, open Open)
	}{
		{"puts a file and says where and what", putsAFile},
		{"puts an empty file", putsAnEmptyFile},
		{"keeps difficult names", keepsDifficultNames},
		{"refuses names that leave", refusesNamesThatLeave},
		{"second put changes nothing", secondPutChangesNothing},
		{"refuses to overwrite other content", refusesOtherContent},
		{"replaces when told to", replacesWhenTold},
		{"stops when cancelled and resumes", resumesAfterCancel},
		{"survives a spoiled part", survivesSpoiledPart},
		{"resumes with a source that became another", resumesWithChangedSource},
		{"refuses a source that shrinks", refusesShrinkingSource},
		{"refuses a source that grows", refusesGrowingSource},
		{"refuses a source that is rewritten", refusesRewrittenSource},
		{"takes two puts of one name at once", takesConcurrentPuts},
		{"never shows a partial file", neverShowsPartial},
		{"check tells true from false", checkTellsTrueFromFalse},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open)
		})
	}
}
