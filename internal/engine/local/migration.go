package local

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/phialdev/phial/internal/host"
	"github.com/phialdev/phial/internal/release"
)

// shownOfMigration is how many of its last lines a migration that failed is told with.
const shownOfMigration = 15

// migrate runs the plan's migration once, to its end, before any replica starts. What
// it writes is shown and kept as that of a replica; if it fails, nothing starts.
func (e *engine) migrate() error {
	w := e.cast.migration
	if w == nil {
		return nil
	}
	l := e.launch(w, w.first)
	if err := l.prepare(e.cookie.Reveal()); err != nil {
		return err
	}
	log, err := openLog(e.state.logPath(w.name))
	if err != nil {
		return err
	}
	defer log.Close()
	var mu sync.Mutex
	var last []string
	each := func(line []byte) {
		mu.Lock()
		if text := string(line); strings.TrimSpace(text) != "" {
			last = append(last[max(0, len(last)-shownOfMigration+1):], text)
		}
		mu.Unlock()
		log.Write(append(append([]byte(nil), line...), '\n')) //nolint:errcheck // it is shown as well
		e.line(w.first, w.name, line)
	}
	argv := append([]string(nil), w.container.Command...)
	argv = append(argv, w.container.Args...)
	if len(argv) == 0 {
		return fmt.Errorf("%s has no command", w.path)
	}
	what := strings.Join(argv, " ")
	e.say("migration: " + what)
	begun := time.Now()
	env := host.MergeEnv(host.InheritedEnv(l.env), l.podEnv(), l.cookieEnv(e.cookie.Reveal()))
	proc, err := e.spawner.start(program(e.release, argv[0], env), argv[1:], env, e.release.Root, each)
	if err != nil {
		return fmt.Errorf("the migration (%s) could not be started: %w", what, err)
	}
	how := ""
	limit := time.NewTimer(w.startTime)
	defer limit.Stop()
	select {
	case <-proc.done:
	case <-limit.C:
		how = fmt.Sprintf("took more than %v (migration.timeoutSeconds)", w.startTime)
	case <-e.ctx.Done():
	}
	if err := e.endMigration(proc, w.grace); err != nil {
		return err
	}
	if how == "" && proc.err != nil {
		how = proc.how()
	}
	if e.ctx.Err() != nil {
		return e.ctx.Err()
	}
	if how == "" {
		e.say(fmt.Sprintf("migration done in %.1f s", time.Since(begun).Seconds()))
		return nil
	}
	mu.Lock()
	defer mu.Unlock()
	if len(last) == 0 {
		return fmt.Errorf("the migration (%s) %s and wrote nothing; no replica was started", what, how)
	}
	return fmt.Errorf("the migration (%s) %s; no replica was started. The last that it wrote:\n%s", what, how, strings.Join(last, "\n"))
}

// endMigration ends the process if it still runs.
func (e *engine) endMigration(proc *process, grace time.Duration) error {
	select {
	case <-proc.done:
		return nil
	default:
	}
	if err := proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-proc.done:
	case <-e.opts.Kill:
	case <-time.After(grace):
	}
	if err := proc.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-proc.done
	return nil
}

// program finds a command of the image: a path from the release's own directory on, a
// whole path that ends as one in the release does, or a program of this machine.
func program(r release.Release, name string, env []string) string {
	if !strings.Contains(name, "/") {
		if path, err := host.LookPath(name, env); err == nil {
			return path
		}
		return name
	}
	if !filepath.IsAbs(name) {
		return filepath.Join(r.Root, name)
	}
	if inRelease := filepath.Join(r.Root, "bin", filepath.Base(name)); strings.HasSuffix(filepath.Dir(name), "/bin") && host.Exists(inRelease) {
		return inRelease
	}
	return name
}
