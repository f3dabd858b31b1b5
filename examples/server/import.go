package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
)

var (
	errNobody    = errors.New("usage: server import -by OPERATOR [-dry] [flags] FILE")
	errPowerless = platform.Err(platform.ErrDenied, "import.no_grant", "this account has no role: another operator grants it one first", "该账户没有任何角色，须先由其他运营人员授予")
)

// takeOver brings in what a file says that another system carried so far, by the
// power that grants give the operator. It prints every row that is refused, and what the rest came to.
func takeOver(ctx context.Context, m *market.Market, c config, out io.Writer) error {
	if c.by == "" {
		return errNobody
	}
	file, err := os.Open(c.files[0])
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	in, err := market.ReadTakeover(file)
	if err != nil {
		return refused(out, err)
	}
	operator, err := m.Access.Actor(ctx, platform.ID(c.by), platform.Operator)
	switch {
	case err != nil:
		return err
	case len(operator.Roles) == 0:
		return fmt.Errorf("import by %s: %w", c.by, errPowerless)
	}
	report, err := m.TakeOver(platform.As(ctx, operator), in, c.dry)
	done := "written"
	if c.dry {
		done = "would be written"
	}
	fmt.Fprintf(out, "%10d %s\n%10d there already\n%10d refused\n%10d left\n", report.Count(market.Written), done,
		report.Count(market.Known), report.Count(market.Refused), report.Count(market.Left))
	for _, sum := range report.Opening {
		fmt.Fprintf(out, "%10s the opening account then\n", sum)
	}
	return refused(out, err)
}

// refused prints what is wrong with a file, a line each.
func refused(out io.Writer, err error) error {
	wrong, ok := errors.AsType[platform.FieldErrors](err)
	if !ok {
		return err
	}
	for _, w := range wrong {
		fmt.Fprintf(out, "%s: %s (%s)\n", w.Path, w.En, w.Code)
	}
	return fmt.Errorf("%d faults in the file: %w", len(wrong), platform.ErrInvalid)
}
