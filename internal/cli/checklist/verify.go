package checklist

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/build"
	"github.com/phialdev/phial/internal/cli/term"
)

// verify builds the image twice. What keeps it from being built is not known to be wrong.
func verify(ctx context.Context, s *term.IO, o options) (*checklist.Builds, error) {
	dir, err := os.MkdirTemp("", "phial-checklist-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the images: %w", err)
	}
	defer os.RemoveAll(dir)
	var all checklist.Builds
	for i := range 2 {
		s.Notef("building the image, %d of 2", i+1)
		args := []string{o.dir, "-o", "json", "--oci-layout", filepath.Join(dir, strconv.Itoa(i))}
		if o.base != "" {
			args = append(args, "--base", o.base)
		}
		digest, err := buildOnce(ctx, s, args)
		if ctx.Err() != nil {
			return nil, term.ErrInterrupted
		}
		if err != nil {
			all.Error = err.Error()
			return &all, nil
		}
		all.Digests = append(all.Digests, digest)
	}
	return &all, nil
}

func buildOnce(ctx context.Context, s *term.IO, args []string) (string, error) {
	var out bytes.Buffer
	cmd := build.Command(&term.IO{In: s.In, Out: &out, Err: s.Err, Width: s.Width})
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(s.Err)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(ctx)
	var exit *term.ExitError
	if errors.As(err, &exit) && exit.Err == nil {
		return "", errors.New("it was refused by findings")
	}
	if err != nil {
		return "", err
	}
	var r build.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return "", fmt.Errorf("read what phial build said: %w", err)
	}
	return r.Digest, nil
}
