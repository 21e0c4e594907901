package tasks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// WebhookToken is the token inside the webhook URL: derived from the installation's key, and good for nothing else.
func WebhookToken(secret []byte) string { return Derive(secret, "webhook")[:27] }

// Derive makes a purpose's own secret from the installation's key.
func Derive(secret []byte, purpose string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("nglive " + purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
