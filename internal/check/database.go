package check

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// database are rules about databases: migrations, connections, where they are, and the secret that sessions hang on.
var database = []Rule{
	{
		Code: "DBM-01", Title: "every pod migrates",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Migrations of releases with several replicas in commands and init containers, and where there is a mix project in what starts the release, in rel/env.sh.eex and when the application starts.",
		Why:   "All new pods migrate at once. Ecto's lock holds them apart, but not for migrations with CONCURRENTLY, and not at the first one; and a migration that fails stops every pod.",
		Fix:   "migrate once for each release: in a Job before the rollout (phial: spec.migration), or under pg_advisory_lock",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				if !in.several(b.Workload) {
					continue
				}
				for c := range b.Containers() {
					words := c.Words()
					if len(words) > 0 && migratesIn(joined(c)) {
						in.migration(f.At(b.Object, wordWith(words, "igrat"), "each of the pods of %s migrates the database in its container %s", b.Name, c.Called))
					}
				}
			}
			migratesByItself(in, f)
		},
	},
	{
		Code: "DBM-02", Title: "more connections than a database takes",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "The pool of a repo times the replicas and those that a rollout adds, against the 100 connections that PostgreSQL takes by default.",
		Why:   "Each pod opens its whole pool when it starts. Beyond the limit the database refuses: too many connections, also for the migration and for people.",
		Fix:   "set a smaller POOL_SIZE, raise max_connections, or put PgBouncer between",
		Check: manyConnections,
	},
	{
		Code: "DBM-04", Title: "a secret that each pod makes up",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "SECRET_KEY_BASE that is generated where the release starts: in commands, in rel/env.sh.eex, in the script that starts it, in config/runtime.exs.",
		Why:   "Sessions and tokens are signed with it. A pod with another one takes them for forged: people are logged out when they meet another pod, and all of them when pods restart.",
		Fix:   "generate it once (mix phx.gen.secret) and give it to all pods from a Secret",
		Check: madeUpSecret,
	},
	{
		Code: "DBM-05", Title: "a database that is called otherwise",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Hosts in DATABASE_URL, PGHOST and the like, where the manifests have the database, and its name against POSTGRES_DB.",
		Why:   "The name is looked up as a Service of the namespace. There is none, so the app does not reach its database: nxdomain.",
		Fix:   "use the name of the database's Service",
		Check: otherDatabase,
	},
}

// migration says of a finding what else the project tells of its migrations.
func (in *Input) migration(n *Finding) *Finding {
	if in.Project == nil {
		return n
	}
	for _, r := range in.Project.Repos {
		if r.Config.Get("migration_lock").Is("pg_advisory_lock") {
			return n.As(finding.Info, Hint).Saw("%s migrates under pg_advisory_lock, which holds pods apart", r.Module)
		}
	}
	for _, c := range in.Project.Migrations.Concurrent {
		n.place(in, c.At, "a migration that Ecto's lock does not cover")
	}
	return n
}

// migratesByItself finds releases that migrate without their manifest saying so.
func migratesByItself(in *Input, f *Finder) {
	b, p, ok := spread(in)
	if !ok || migratesIn(joined(b.Container)) {
		return
	}
	if at, ok := p.MigratesAtStart(); ok {
		in.migration(f.In(subjectOf(in.Project), at, "the application migrates the database when it starts, in each pod of %s", b.Name)).spreads(in, b)
		return
	}
	s := in.surroundings(b)
	for _, t := range s.scripts {
		for i, line := range strings.Split(t.text, "\n") {
			line, _, _ = strings.Cut(line, "#")
			if !migratesIn(line) || !runs.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "echo ") {
				continue
			}
			at := project.Pos{File: t.called, Line: i + 1, Col: wordsOf("", i+1, line).Column}
			if t.called == itsCommand {
				d, _ := dockerfileOf(in.Project)
				at = project.Pos{File: d.File}
				for _, name := range []string{"CMD", "ENTRYPOINT"} {
					if c, ok := d.Last(d.Final(), name); ok && migratesIn(strings.Join(c.Words, " ")) {
						at = c.At
					}
				}
			}
			in.migration(f.In(subjectOf(in.Project), at, "what starts the release migrates the database, in each pod of %s", b.Name)).spreads(in, b)
			return
		}
	}
}

// asksOnly is a program that by its name asks for migrations, and runs none.
var asksOnly = regexp.MustCompile(`(?i)(migrat(e|ions?|or)[-_.]?(check|status|pending|wait|verify|lint|list)|(check|wait|verify|lint|list|status)[-_a-z]*migrat)[A-Za-z0-9_-]*`)

// migratesIn says whether a shell's text migrates a database, as far as the names in it tell.
func migratesIn(text string) bool { return migrates.MatchString(asksOnly.ReplaceAllString(text, "")) }

// runs is a line of a script that starts something.
var runs = regexp.MustCompile(`\b(eval|rpc|mix)\b|/migrate\b`)

func manyConnections(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		pods, at := in.most(b)
		if pods < 2 {
			continue
		}
		surge := int64(0)
		if b.Kind == "Deployment" && b.At("spec.strategy.type").String() != "Recreate" {
			surge = (pods + 3) / 4
			if n, ok := b.At("spec.strategy.rollingUpdate.maxSurge").Int(); ok {
				surge = n
			}
		}
		s := in.surroundings(b)
		for _, r := range in.projectOf(b).Repos {
			pool := int64(10)
			if !r.PoolSize.Absent() {
				n, ok := r.PoolSize.Eval(s.get).AsInt()
				if !ok {
					continue
				}
				pool = int64(n)
			}
			if n, ok := r.Config.Get("pool_count").Eval(s.get).AsInt(); ok && n > 1 {
				pool *= int64(n)
			}
			if all := pool * (pods + surge); all > 100 {
				f.At(b.Object, at, "%d pods, and %d more during a rollout, with %d connections of %s each are %d", pods, surge, pool, r.Module, all).place(in, r.PoolSize.At, "its pool")
			}
		}
	}
}

var (
	makesSecret = regexp.MustCompile(`SECRET_KEY_BASE=["']?(\$\{SECRET_KEY_BASE:-)?["']?(\$\(|` + "`" + `)[^)` + "`" + `]*(openssl\s+rand|phx\.gen\.secret|/dev/u?random|uuidgen|pwgen|\bdate\b|\$RANDOM|strong_rand_bytes)`)
	bootSecret  = regexp.MustCompile(`secret_key_base:[^,\n]*(strong_rand_bytes|:rand\.)`)
)

func madeUpSecret(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for c := range b.Containers() {
			for _, w := range c.Words() {
				if m := makesSecret.FindStringSubmatch(w.String()); m != nil {
					in.secretOf(f.At(b.Object, w, "each pod of %s makes a SECRET_KEY_BASE of its own when it starts", b.Name), b, m[1] != "")
				}
			}
		}
	}
	for _, b := range in.OfProject() {
		s := in.surroundings(b)
		for _, t := range s.scripts {
			if t.called == itsCommand {
				continue
			}
			for i, line := range strings.Split(t.text, "\n") {
				if m := makesSecret.FindStringSubmatch(line); m != nil && !comment(line) {
					n := f.On(b.Label(), wordsOf(in.ProjectFile(t.called), i+1, line), "each pod of %s makes a SECRET_KEY_BASE of its own when it starts", b.Name)
					in.secretOf(n, b, m[1] != "" || strings.Contains(t.text, `-z "$`))
				}
			}
		}
		for i, line := range strings.Split(in.ProjectText("config/runtime.exs"), "\n") {
			if bootSecret.MatchString(line) && !comment(line) {
				n := f.On(b.Label(), Span{File: in.ProjectFile("config/runtime.exs"), Line: i + 1}, "each pod of %s makes a secret_key_base of its own when it boots", b.Name)
				in.secretOf(n, b, strings.Contains(line, "get_env"))
			}
		}
	}
}

// wordsOf is where a line's words stand in a script, without the white space around them.
func wordsOf(file string, number int, line string) Span {
	words := strings.TrimSpace(line)
	before := utf8.RuneCountInString(line[:strings.Index(line, words)])
	return Span{File: file, Line: number, Column: before + 1, EndLine: number, EndColumn: before + 1 + utf8.RuneCountInString(words)}
}

// secretOf weighs a secret that is made up: where one is given, it may not be, and with a single pod only restarts are seen.
func (in *Input) secretOf(n *Finding, b Beam, otherwise bool) {
	if _, given := b.Container.EnvVar("SECRET_KEY_BASE"); otherwise && (given || b.Container.EnvFrom()) {
		n.As(finding.Info, Hint)
		return
	}
	if otherwise || !in.several(b.Workload) {
		n.As(finding.Warning, Likely)
	}
}

// databaseHosts are variables that name a database's host.
var databaseHosts = []string{"DATABASE_HOST", "DB_HOST", "DB_HOSTNAME", "POSTGRES_HOST", "PGHOST", "DATABASE_HOSTNAME", "MYSQL_HOST"}

// otherDatabase finds hosts of databases that no Service is called by, where one is there to be meant.
func otherDatabase(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		told := map[string]bool{} // hosts: a URL may be made of the variable that has it
		for _, name := range append(slices.Clone(databaseHosts), "DATABASE_URL") {
			e, ok := b.Container.EnvVar(name)
			text, literal := e.Value().Text()
			if !ok || !literal {
				continue
			}
			text = expanded(b.Container, e, text)
			host, base := text, ""
			if name == "DATABASE_URL" {
				u, err := url.Parse(reference.ReplaceAllString(text, hole))
				if err != nil {
					continue
				}
				host, base = u.Hostname(), path.Base(u.Path)
			} else if reference.MatchString(text) {
				continue
			}
			if strings.Contains(host, hole) {
				continue
			}
			if strings.Contains(base, hole) {
				base = ""
			}
			if !told[host] {
				told[host] = in.findDatabase(b, e, host, base, f)
			}
		}
	}
}

// hole stands in a URL for what is not known of it: digits, which may be anywhere in one.
const hole = "60000000007"

// expanded is a variable's text with those in it that stand literally above, as the kubelet puts these in.
func expanded(c manifest.Container, of manifest.EnvVar, text string) string {
	above := map[string]string{}
	for e := range c.Env() {
		if e.Called == of.Called {
			break
		}
		if value, literal := e.Value().Text(); literal && !reference.MatchString(value) {
			above[e.Called] = value
		}
	}
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if value, ok := above[strings.TrimSuffix(strings.TrimPrefix(ref, "$("), ")")]; ok {
			return value
		}
		return ref
	})
}

// findDatabase holds a database's host against the Services of the workload's namespace, and says whether none is called so.
func (in *Input) findDatabase(b Beam, e manifest.EnvVar, host, base string, f *Finder) (told bool) {
	name, rest, _ := strings.Cut(host, ".")
	namespace, domain, _ := strings.Cut(rest, ".")
	if name == "" || name == "localhost" || rest != "" && (namespace != b.Namespace || domain != "" && !strings.HasPrefix(domain, "svc")) {
		return false // elsewhere
	}
	var meant *manifest.Object
	if s := in.Objects.Find(b.Object, "Service", name); s != nil {
		in.databaseName(b, e, s, base, f)
		return false
	}
	for _, l := range in.services().around(b.Namespace) {
		for _, s := range l.databases {
			if meant == nil && in.Objects.Near(b.Object, s) {
				meant = s
			}
		}
	}
	if meant != nil {
		f.At(b.Object, e.Value(), "%s names the host %s, and no Service here is called so", e.Called, name).Also(meant.At("metadata.name"), "did you mean %s?", meant.Name).
			Mend("use %s, the name of the database's Service", meant.Name)
	}
	return meant != nil
}

// databaseName holds a database's name against what its image makes.
func (in *Input) databaseName(b Beam, e manifest.EnvVar, s *manifest.Object, base string, f *Finder) {
	if base == "" || base == "." || base == "/" {
		return
	}
	for _, w := range in.Selected(s, s.At("spec.selector")) {
		for c := range w.Containers() {
			made, ok := c.EnvVar("POSTGRES_DB")
			if v, literal := made.Value().Text(); ok && literal && !reference.MatchString(v) && v != base {
				f.At(b.Object, e.Value(), "%s names the database %s, and %s makes %s", e.Called, base, w.Name, v).Also(made.Value(), "POSTGRES_DB").
					Mend("use one name in both, unless the database is made by hand")
			}
		}
	}
}
