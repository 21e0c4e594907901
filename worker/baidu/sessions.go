package baidu

import "sync"

// Sessions is where uploads under way are remembered, across deaths of the process. A document holds no secret.
type Sessions interface {
	// Load returns nil, nil when there is none.
	Load(key string) ([]byte, error)
	// Save has the document on disk when it returns.
	Save(key string, doc []byte) error
	Delete(key string) error
}

// MemorySessions forget with the process.
type MemorySessions struct {
	mu   sync.Mutex
	docs map[string][]byte
}

// NewMemorySessions starts empty.
func NewMemorySessions() *MemorySessions { return &MemorySessions{docs: map[string][]byte{}} }

// Load returns a document.
func (m *MemorySessions) Load(key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[key], nil
}

// Save keeps a document.
func (m *MemorySessions) Save(key string, doc []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.docs[key] = doc
	return nil
}

// Delete forgets a document.
func (m *MemorySessions) Delete(key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, key)
	return nil
}
