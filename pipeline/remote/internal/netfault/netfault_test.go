package netfault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/netfault"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err       error
		kind      error
		temporary bool
	}{
		{io.ErrUnexpectedEOF, nil, true},
		{fmt.Errorf("send: %w", io.EOF), nil, true},
		{errors.New("http: server closed idle connection"), nil, true},
		{errors.New(`net/http: HTTP/1.x transport connection broken: write tcp: broken`), nil, true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, remote.ErrUnreachable, true},
		{&net.DNSError{IsNotFound: true}, remote.ErrUnreachable, false},
		{context.Canceled, nil, false},
		{errors.New("bad request"), nil, false},
	} {
		e := &remote.Error{Err: c.err}
		assert.Equal(t, c.kind != nil || c.temporary, netfault.Classify(e), "%v", c.err)
		assert.Equal(t, c.kind, e.Kind, "%v", c.err)
		assert.Equal(t, c.temporary, e.Temporary, "%v", c.err)
	}
}
