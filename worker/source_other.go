//go:build !unix

package worker

// nonBlocking is not needed where folders hold no pipes.
const nonBlocking = 0
