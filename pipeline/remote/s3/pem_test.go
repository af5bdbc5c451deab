package s3

import (
	"encoding/pem"
	"net/http/httptest"
)

// pemOf is the certificate of a test server as a file of authorities.
func pemOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
