package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDemoTokensStayOnLoopback(t *testing.T) {
	t.Parallel()
	for addr, allowed := range map[string]bool{"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, ":8080": false, "0.0.0.0:80": false, "10.1.2.3:80": false, "nonsense": false} {
		err := config{addr: addr, demo: true}.loopback()
		assert.Equal(t, allowed, err == nil, "%s: %v", addr, err)
	}
	require.NoError(t, config{addr: ":8080"}.loopback())
}

func TestFlagsComeFromTheEnvironmentToo(t *testing.T) {
	t.Parallel()
	read := func(env map[string]string, args ...string) (config, error) {
		return flags(args, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, io.Discard)
	}
	c, err := read(map[string]string{"PLATFORM_DEMO": "false", "PLATFORM_READS": "7", "PLATFORM_COMMANDS": "8", "PLATFORM_LOG": ""}, "-commands=9")
	require.NoError(t, err)
	assert.Equal(t, config{addr: "127.0.0.1:8080", weeks: 6, folder: "data", logs: "json", funds: "platform", reads: 7, commands: 9, files: []string{}}, c)
	_, err = read(map[string]string{"PLATFORM_DEMO": "off"})
	require.ErrorContains(t, err, "PLATFORM_DEMO=off", "what was meant is not guessed")
	require.ErrorContains(t, run(t.Context(), []string{"-demo", "false"}, io.Discard, io.Discard), `"false" is no flag`)
	_, err = read(nil, "-help")
	require.ErrorIs(t, err, flag.ErrHelp)
	var help strings.Builder
	_, err = flags([]string{"-help"}, func(string) (string, bool) { return "postgres://u:s3cret@h/x", true }, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	assert.Contains(t, help.String(), "as PLATFORM_STORE says")
}

func TestBadSettingsAreRefused(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	for _, args := range [][]string{
		{"-store=oracle:x"}, {"-folder=/dev/null/x"}, {"-nonsense"}, {"-log=loud"}, {"-commands=many"}, {"-trace=collector:4318"}, {"-trace=http://"}, {"-addr=:0"}, {"-addr=" + taken.Addr().String()},
	} {
		require.Error(t, run(t.Context(), append([]string{"-folder", t.TempDir()}, args...), io.Discard, io.Discard), "%v", args)
	}
}

// started runs a server, and returns its greeting.
func started(ctx context.Context, t *testing.T, folder string, ended chan<- error, more ...string) (greeting string) {
	t.Helper()
	out, in, err := os.Pipe()
	require.NoError(t, err)
	go func() {
		ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0", "-log", "off", "-weeks", "0", "-folder", folder}, more...), in, in)
	}()
	var read bytes.Buffer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		read.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl-C") {
			break
		}
	}
	return read.String()
}

// A server that is asked to stop ends its streams first, so that it need not
// wait for them.
func TestTheServerStopsWhenAsked(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	greeting := started(ctx, t, t.TempDir(), ended)
	word := func(after string) string {
		return strings.Fields(greeting[strings.Index(greeting, after)+len(after):])[0]
	}
	base, customer, listing := strings.TrimSuffix(word("marketplace on "), ","), word("CUSTOMER="), word("LISTING=")
	send := func(method, path, body string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+customer)
		r.Header.Set("Idempotency-Key", "k")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		return answer
	}
	placed := send("POST", "/v1/orders", `{"lines":[{"listing":"`+listing+`","quantity":1}],"total":{"amount":"180.00","currency":"CNY"}}`)
	require.Equal(t, http.StatusCreated, placed.StatusCode)
	defer func() { _ = placed.Body.Close() }()
	order, err := io.ReadAll(placed.Body)
	require.NoError(t, err)
	id, _, _ := strings.Cut(string(order[len(`{"id":"`):]), `"`)
	stream := send("GET", "/v1/orders/"+id+"/events", "")
	defer func() { _ = stream.Body.Close() }()
	require.Equal(t, http.StatusOK, stream.StatusCode)

	stop()

	_, err = io.ReadAll(stream.Body)
	require.NoError(t, err, "the stream has an orderly end")
	require.NoError(t, <-ended)
}
