package console_test

import (
	"net/http"
	"os"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	if os.Getenv("SERVE") == "" {
		t.Skip()
	}
	s := open(t).scene()
	t.Log(s.confirmed.ID)
	os.WriteFile("/tmp/console.env", []byte("CONFIRMED="+string(s.confirmed.ID)+"\nCLOSED="+string(s.closed.ID)+"\nREFUNDED="+string(s.refunded.ID)+"\nREVIEW="+string(s.review.ID)+"\nFAILED="+string(s.failed.ID)+"\nCANCELLED="+string(s.cancelled.ID)+"\n"), 0o600)
	srv := &http.Server{Addr: "127.0.0.1:18899", Handler: s.http}
	go func() { time.Sleep(20 * time.Minute); srv.Close() }()
	srv.ListenAndServe()
}
