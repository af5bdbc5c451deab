package ssh

import (
	"testing"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/assert"
)

func TestFull(t *testing.T) {
	room := sftp.StatVFS{Frsize: 4096, Blocks: 100, Bavail: 10, Files: 100, Favail: 10}
	assert.NoError(t, full(&room, 40960))
	assert.Equal(t, errFull, full(&room, 40961))
	none := room
	none.Bavail = 0
	assert.Equal(t, errFull, full(&none, 0))
	names := room
	names.Favail = 0
	assert.Equal(t, errFull, full(&names, 1))
	uncounted := room // as btrfs
	uncounted.Files, uncounted.Favail = 0, 0
	assert.NoError(t, full(&uncounted, 1))
	closed := room
	closed.Flag = 1
	assert.Equal(t, errReadOnly, full(&closed, 1))
}
