package check

import (
	"github.com/phialdev/phial/internal/finding"
)

// database are rules about migrations.
var database = []Rule{
	{
		Code: "DBM-01", Title: "every pod migrates",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Migrations in commands and init containers of releases with several replicas.",
		Why:   "All new pods migrate at once. Ecto's lock holds them apart, but not for migrations with CONCURRENTLY, and not at the first one; and a migration that fails stops every pod.",
		Fix:   "migrate once for each release: in a Job before the rollout (phial: spec.migration), or under pg_advisory_lock",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				if !in.several(b.Workload) {
					continue
				}
				for c := range b.Containers() {
					words := c.Words()
					if len(words) > 0 && migrates.MatchString(joined(c)) {
						f.At(b.Object, wordWith(words, "igrat"), "each of the pods of %s migrates the database in its container %s", b.Name, c.Called)
					}
				}
			}
		},
	},
}
