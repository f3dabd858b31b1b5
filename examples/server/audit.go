package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/audit"
)

var errAuditUsage = errors.New("usage: server audit -key KEY [-checkpoint FILE] BACKUP, or server audit -key KEY -receipt FILE")

// besideBackup is how the checkpoint is named that a backup is written with.
const besideBackup = ".checkpoint"

// verifyOffline proves a backup's audit log, or one receipt, with the public key
// and no store: anybody can, anywhere.
func verifyOffline(args []string, out, errs io.Writer) error {
	f := flag.NewFlagSet("server audit", flag.ContinueOnError)
	f.SetOutput(errs)
	key := f.String("key", "", "the log's public `key`, as /v1/audit/checkpoint shows it")
	checkpoint := f.String("checkpoint", "", "`file` with a signed checkpoint; if empty, the one that the backup was written with")
	receipt := f.String("receipt", "", "`file` with a receipt, as /v1/audit/events/{id} answers")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *key == "" || (*receipt == "") != (f.NArg() == 1) || *receipt != "" && f.NArg() > 0 {
		return errAuditUsage
	}
	public, err := note.NewVerifier(*key)
	if err != nil {
		return fmt.Errorf("-key: %w", err)
	}
	if *receipt != "" {
		return verifyReceipt(*receipt, public, out)
	}
	return verifyBackup(f.Arg(0), cmp.Or(*checkpoint, f.Arg(0)+besideBackup), public, out)
}

func verifyReceipt(file string, public note.Verifier, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var r audit.Receipt
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields() // nothing would prove them
	if err := in.Decode(&r); err != nil {
		return fmt.Errorf("%s is no receipt: %w", file, err)
	}
	if err := r.Verify(public); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "ok: %s of %s, %s, is event %d of the log %s\n", r.Event.Type, r.Event.Subject, r.Event.At, r.Index, public.Name())
	return err
}

func verifyBackup(backup, checkpoint string, public note.Verifier, out io.Writer) error {
	signed, err := os.ReadFile(checkpoint)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	log := market.Archive(func() (io.ReadCloser, error) { return os.Open(backup) })
	seen, err := log.Verify(signed, public)
	switch {
	case seen.Fault != nil && seen.Fault.Missing:
		return fmt.Errorf("event %s is missing, and leaf %d of the log is of it: %w", seen.Fault.Event, seen.Fault.Index, err)
	case seen.Fault != nil:
		return fmt.Errorf("event %s is not what leaf %d of the log says: %w", seen.Fault.Event, seen.Fault.Index, err)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(out, "ok: %d events, root %s\n    %d were logged after the checkpoint and are what their leaves say, %d are not in the log yet\n",
		seen.Events, seen.Root, seen.After, seen.Unlogged)
	return err
}
