package sqlite

import (
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
)

// networked are the magic numbers of file systems whose locks or memory maps
// do not reach every machine: NFS, SMB, CIFS, SMB2, AFS twice, Coda, NCP, 9P,
// Ceph, Lustre and GFS2, as in statfs(2).
var networked = []uint32{
	0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x6b414653, 0x73757245, 0x564c, 0x01021997, 0x00c36400, 0x0bd00bd0, 0x01161970,
}

// local refuses a path on a network file system. What cannot be asked is
// allowed.
func local(path string) error {
	var fs syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(path), &fs) == nil && slices.Contains(networked, uint32(fs.Type)) {
		return fmt.Errorf("file system %#x: %w", uint32(fs.Type), ErrNetwork)
	}
	return nil
}
