package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/books"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/store/postgres"
)

// The accounts of the ledger's bench: users who pay, and merchants who are paid.
// The platform's commission is in every transfer.
const (
	payers = 10_000
	payees = 1_000
	token  = "bench"
)

// party is one of them: the same in every process.
func party(prefix string, n int) platform.ID {
	return platform.NewID(prefix, time.UnixMilli(1_700_000_000_000), platform.Slot(n%4096), uint64(n))
}

// serve is the reference server's ledger on a database, in a process of its own: it
// opens the accounts, says its address, and ends with its input.
func serve(ctx context.Context, dsn string, in io.Reader, out io.Writer) (err error) {
	db, err := postgres.Open(ctx, dsn, market.Kinds(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m, err := market.Open(db, nil)
	if err != nil {
		return err
	}
	if err := fund(ctx, m.Ledger); err != nil {
		return err
	}
	accountant := platform.Actor{ID: party("opr", 1), Kind: platform.Operator, Roles: []string{"accountant"}}
	s := edge.New(edge.Options{Who: edge.Tokens(map[string]platform.Actor{token: accountant}), CommandsPerMinute: -1, ReadsPerMinute: -1})
	books.Mount(s.API, m)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := s.HTTP("")
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if _, err := fmt.Fprintln(out, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	go func() {
		_, _ = bufio.NewReader(in).ReadString('\n')
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// fund gives every payer what the run can never use up.
func fund(ctx context.Context, ledger *finance.Service) error {
	ctx = platform.As(ctx, platform.SystemActor("bench"))
	plenty := platform.MustMoney("10000000000", "CNY")
	var groups []finance.Transfer
	for n := range payers {
		groups = append(groups, finance.Transfer{Key: fmt.Sprintf("fund/%d", n), Steps: []finance.Step{{What: "receipt.unapplied", Legs: []finance.Line{
			{Account: "bank:main", Amount: plenty}, {Account: "unapplied:" + string(party("cus", n)), Amount: plenty.Neg()},
		}}}})
	}
	results, err := ledger.Batch(ctx, finance.Batch{Groups: groups})
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil {
			return fmt.Errorf("fund: %w", r.Err)
		}
	}
	return nil
}

// desk is that process, seen from here.
type desk struct {
	cmd *exec.Cmd
	in  io.Closer
	url string
}

// open starts this program anew, as a server.
func open(ctx context.Context, dsn string) (*desk, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &desk{cmd: exec.CommandContext(ctx, self, "serve", "-dsn", dsn)}
	d.cmd.Stderr = log.Writer()
	in, err := d.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	d.in = in
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server ended early: %w", err), d.close())
	}
	d.url = strings.TrimSpace(line)
	return d, nil
}

func (d *desk) close() error { return errors.Join(d.in.Close(), d.cmd.Wait()) }

// sound checks that the commission of every transfer that was answered is there.
func (d *desk) sound(ctx context.Context, transfers int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/v1/ledger/accounts/commission?currency=CNY", nil)
	if err != nil {
		return err
	}
	var balance struct {
		Posted money `json:"posted"`
	}
	if err := ask(http.DefaultClient, r, &balance); err != nil {
		return err
	}
	if expected := fmt.Sprintf("%d.00", 10*transfers); balance.Posted.Amount != expected {
		return fmt.Errorf("commission is %s, not %s: %w", balance.Posted.Amount, expected, errBroken)
	}
	return nil
}
