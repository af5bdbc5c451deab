// Package all imports every driver of this module for effect, as a command line
// wants it. A program that knows which remotes it uses imports their drivers.
package all

import (
	_ "github.com/reprodl/reprodl/pipeline/remote/azure"  // azure://
	_ "github.com/reprodl/reprodl/pipeline/remote/gs"     // gs://
	_ "github.com/reprodl/reprodl/pipeline/remote/http"   // http://, https://
	_ "github.com/reprodl/reprodl/pipeline/remote/s3"     // s3://
	_ "github.com/reprodl/reprodl/pipeline/remote/ssh"    // ssh://
	_ "github.com/reprodl/reprodl/pipeline/remote/webdav" // webdav://, webdavs://
)
