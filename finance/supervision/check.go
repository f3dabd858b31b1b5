package supervision

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Checked is what a check of a pack has seen.
type Checked struct {
	Manifest string   `json:"manifest"` // SHA-256 of manifest.json, to be held against the record
	Lines    int64    `json:"lines"`
	Postings int64    `json:"postings"`
	Problems []string `json:"problems"` // of content; empty if there are none
}

// mostProblems is how many a check tells of.
const mostProblems = 100

// CheckPack checks a pack with nothing but the pack: every file is there and is
// what the manifest says, and none is besides; each posting of the journal is zero
// in sum in each currency; each month's numbers have no gap; and the trial balance
// is what the journal adds up to. It fails with ErrPack when files are missing,
// altered or unknown, and tells of what is wrong with the content in Problems.
//
// It reads each file once and keeps sums by role, month and currency. A ZIP file
// is a file system: [archive/zip.Reader].
func CheckPack(pack fs.FS) (Checked, error) {
	text, err := fs.ReadFile(pack, manifestFile)
	if err != nil {
		return Checked{}, fmt.Errorf("read the manifest: %w", errors.Join(ErrPack, err))
	}
	digest := sha256.Sum256(text)
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Format != packFormat {
		return Checked{}, fmt.Errorf("manifest of format %q: %w", m.Format, ErrPack)
	}
	c := &checking{Checked: Checked{Manifest: hex.EncodeToString(digest[:]), Problems: []string{}}, numbers: map[string]int64{}, sums: map[place]*big.Int{}}
	if err := listing(pack, m); err != nil {
		return c.Checked, err
	}
	for _, f := range m.Files {
		if err := c.file(pack, f); err != nil {
			return c.Checked, err
		}
	}
	c.compare()
	return c.Checked, nil
}

// listing demands that the pack has the files of its manifest, and no others.
func listing(pack fs.FS, m Manifest) error {
	want := map[string]bool{manifestFile: true}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Name) || strings.Contains(f.Name, "/") || want[f.Name] {
			return fmt.Errorf("manifest names %q: %w", f.Name, ErrPack)
		}
		want[f.Name] = true
	}
	entries, err := fs.ReadDir(pack, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !want[e.Name()] {
			return fmt.Errorf("%s is in no manifest: %w", e.Name(), ErrPack)
		}
	}
	return nil
}

// place is where the journal adds up.
type place struct{ month, role, currency string }

type checking struct {
	Checked
	numbers map[string]int64
	sums    map[place]*big.Int
	stated  map[place]*big.Int
}

func (c *checking) problemf(format string, args ...any) {
	if len(c.Problems) < mostProblems {
		c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
	}
}

// file checks one file against the manifest, and reads what it says.
func (c *checking) file(pack fs.FS, f File) error {
	in, err := pack.Open(f.Name)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, errors.Join(ErrPack, err))
	}
	defer func() { _ = in.Close() }()
	count := &counter{sum: sha256.New()}
	lines := bufio.NewReaderSize(io.TeeReader(in, count), 1<<16)
	var n int64
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			n++
			c.line(f.Name, n, line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, errors.Join(ErrPack, err))
		}
	}
	if c.Lines += n; n != f.Lines || count.bytes != f.Bytes || hex.EncodeToString(count.sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s has %d lines and %d bytes: %w", f.Name, n, count.bytes, ErrPack)
	}
	return nil
}

// JournalLine is a line of journal.jsonl.
type JournalLine struct {
	Month   string         `json:"month"`
	No      int64          `json:"no"`
	Posting platform.ID    `json:"posting"`
	What    string         `json:"what"`
	Subject platform.Ref   `json:"subject"`
	At      string         `json:"at"`
	Booked  string         `json:"booked"`
	Memo    string         `json:"memo,omitempty"`
	Legs    []platform.Leg `json:"legs"`
}

// BalanceLine is a line of trial_balance.jsonl: a role in a month and currency,
// debits above zero and credits below.
type BalanceLine struct {
	Month    string            `json:"month"`
	Currency platform.Currency `json:"currency"`
	Role     string            `json:"role"`
	Opening  platform.Money    `json:"opening"`
	Debit    platform.Money    `json:"debit"`
	Credit   platform.Money    `json:"credit"`
	Closing  platform.Money    `json:"closing"`
}

func (c *checking) line(file string, n int64, text []byte) {
	var err error
	switch file {
	case "journal.jsonl":
		var l JournalLine
		if err = json.Unmarshal(text, &l); err == nil {
			c.posting(l)
		}
	case "trial_balance.jsonl":
		var l BalanceLine
		if err = json.Unmarshal(text, &l); err == nil {
			c.balance(l)
		}
	default:
		if !json.Valid(text) {
			err = ErrPack
		}
	}
	if err != nil {
		c.problemf("%s line %d cannot be read", file, n)
	}
}

func (c *checking) posting(l JournalLine) {
	c.Postings++
	if c.numbers[l.Month]++; c.numbers[l.Month] != l.No {
		c.problemf("%s has number %d where %d is next", l.Month, l.No, c.numbers[l.Month])
		c.numbers[l.Month] = l.No
	}
	zero := map[string]*big.Int{}
	for _, leg := range l.Legs {
		currency := leg.Amount.Currency().String()
		add(zero, currency, leg.Amount.Minor())
		add(c.sums, place{l.Month, leg.Role, currency}, leg.Amount.Minor())
	}
	for currency, total := range zero {
		if total.Sign() != 0 {
			c.problemf("%s is %s %s out of balance", l.Posting, total, currency)
		}
	}
}

func (c *checking) balance(l BalanceLine) {
	if c.stated == nil {
		c.stated = map[place]*big.Int{}
	}
	at := place{l.Month, l.Role, l.Currency.String()}
	net := new(big.Int).Sub(big.NewInt(l.Debit.Minor()), big.NewInt(l.Credit.Minor()))
	if off := new(big.Int).Sub(big.NewInt(l.Closing.Minor()), big.NewInt(l.Opening.Minor())); off.Cmp(net) != 0 {
		c.problemf("%s %s %s moved by %s and says %s", at.month, at.role, at.currency, net, off)
	}
	add(c.stated, at, net.Int64())
}

func add[K comparable](to map[K]*big.Int, at K, minor int64) {
	if to[at] == nil {
		to[at] = new(big.Int)
	}
	to[at].Add(to[at], big.NewInt(minor))
}

// compare holds the trial balance against the journal, if the pack has both.
func (c *checking) compare() {
	if c.stated == nil {
		return
	}
	for at, sum := range c.sums {
		if c.stated[at] == nil {
			c.stated[at] = new(big.Int)
		}
		if c.stated[at].Cmp(sum) != 0 {
			c.problemf("%s %s %s: the journal adds up to %s, the trial balance says %s", at.month, at.role, at.currency, sum, c.stated[at])
		}
	}
	for at, sum := range c.stated {
		if c.sums[at] == nil && sum.Sign() != 0 {
			c.problemf("%s %s %s: the trial balance says %s, the journal nothing", at.month, at.role, at.currency, sum)
		}
	}
	slices.Sort(c.Problems)
}
