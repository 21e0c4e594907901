package handlers

import (
	"os"
	"testing"
)

// TestSpec_isTheCommittedOne fails when the operations and openapi/openapi.yaml differ.
func TestSpec_isTheCommittedOne(t *testing.T) {
	got, err := Spec()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../openapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("openapi/openapi.yaml is not what the handlers are; `make spec` writes it anew")
	}
}
