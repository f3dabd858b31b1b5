package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0", "0.1.2.3",
		"100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "203.0.113.7",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "2001:db8::1", "fec0::1",
	} {
		assert.False(t, public(netip.MustParseAddr(text)), text)
	}
	for _, text := range []string{"1.1.1.1", "172.32.0.1", "100.128.0.1", "8.8.8.8", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2400:3200::1"} {
		assert.True(t, public(netip.MustParseAddr(text)), text)
	}
	for _, c := range [][2]string{{"tcp4", "10.0.0.1:443"}, {"tcp6", "[fe80::1%eth0]:443"}, {"udp4", "1.1.1.1:443"}, {"tcp4", "name:443"}, {"tcp4", ""}} {
		assert.ErrorIs(t, onlyPublic(context.Background(), c[0], c[1], nil), ErrPrivate, c)
	}
	assert.NoError(t, onlyPublic(context.Background(), "tcp4", "1.1.1.1:443", nil))
}

// TestTheAddressCountsNotTheName connects by a name of this machine, as a name
// would that was public when it was looked up first.
func TestTheAddressCountsNotTheName(t *testing.T) {
	t.Parallel()
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port), http.NoBody)
		require.NoError(t, err)
		_, err = client(false).Do(request) //nolint:bodyclose // there is no answer
		require.ErrorIs(t, err, ErrPrivate, host)
	}
	assert.False(t, called)
}
