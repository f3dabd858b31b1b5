package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/access"
)

var errAppoint = errors.New("usage: server appoint -by OPERATOR,OPERATOR [flags]; two at least, since a grant takes two")

// begun looks into a folder that a server may have, or makes it.
func begun(dir string) (*folder.Folder, error) {
	f, err := folder.Beside(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return folder.Open(dir)
	}
	return f, err
}

// appoint gives the first operators of a market their roles, when nobody holds
// any: all later grants are theirs to propose and put in force.
func appoint(ctx context.Context, m *market.Market, c config, out io.Writer) error {
	var accounts []platform.ID
	for id := range strings.SplitSeq(c.by, ",") {
		accounts = append(accounts, platform.ID(strings.TrimSpace(id)))
	}
	if len(accounts) < 2 {
		return errAppoint
	}
	grants, err := m.Access.Bootstrap(platform.As(ctx, platform.SystemActor("setup")), access.Bootstrap{Accounts: accounts, Roles: market.DemoRoles})
	for _, g := range grants {
		_, _ = fmt.Fprintf(out, "%s is %s until %s\n", g.Account, g.Role, g.Until.Format("2006-01-02"))
	}
	return err
}
