package supervision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// FileOf is what a manifest says of a file.
func FileOf(name string, text []byte) File {
	sum := sha256.Sum256(text)
	return File{Name: name, Lines: int64(strings.Count(string(text), "\n")), Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}
}
