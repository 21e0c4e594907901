// Package tasks is the language web and worker share: task types with their options, the recording and its flow, events and
// the streams they travel on. It runs no program and opens no recording.
package tasks

// Types of task, as they stand in the queue.
const (
	TypeTranscode = "transcode:file"
	TypeUpload    = "upload:file"
	TypeNotify    = "notify:event"
	TypeDelete    = "delete:file"
	TypeRoom      = "room:command"
)

// Types of step, as they stand in a flow.
const (
	StepTranscode = "transcode"
	StepUpload    = "upload"
	StepNotify    = "notify"
	StepDelete    = "delete"
)

// QueueNotify is the one queue every node serves; all the others belong to a node.
const QueueNotify = "notify"

// Kinds of node-owned queue.
const (
	KindEncode = "encode"
	KindRemux  = "remux"
	KindUpload = "upload"
	KindRoom   = "room"
	KindNotify = "notify"
)

// QueueOf names the queue of one kind on one node.
func QueueOf(kind, node string) string {
	if kind == KindNotify {
		return QueueNotify
	}
	return kind + "." + node
}

// NodeQueues lists every queue that a node's worker serves, the shared one last.
func NodeQueues(node string) []string {
	return []string{
		QueueOf(KindRoom, node), QueueOf(KindRemux, node), QueueOf(KindEncode, node), QueueOf(KindUpload, node), QueueNotify,
	}
}
