package platform_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

type tree struct {
	platform.Head
	Kids []tree `json:"kids"` // no class
}

// A recursive document without a class is a fault, not the end of the process.
func TestARecursiveKindWithoutClassIsAFault(t *testing.T) {
	if os.Getenv("PLATFORM_TEST_TREE") != "" {
		require.Error(t, platform.Shape[tree]{Name: "tree", Prefix: "tre"}.Kind().Fault())
		return
	}
	c := exec.Command(os.Args[0], "-test.run", t.Name()) // a stack overflow cannot be recovered
	c.Env = append(os.Environ(), "PLATFORM_TEST_TREE=1")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%.120s", out)
}
