package live

import "github.com/reprodl/reprodl/internal/pyjson"

type artifact struct{}

// ArtifactOptions describe an artifact.
type ArtifactOptions struct {
	Type, Name, Desc string
	Labels           []string
	Meta             Map
	Copy, NoCache    bool
}

// LogArtifact ...
func (l *Logger) LogArtifact(path string, opts *ArtifactOptions) error { return nil }

func (a *artifact) entry(dir string) *pyjson.Map { return nil }

func (l *Logger) cacheImages() {}
func (l *Logger) finishRun()   {}
