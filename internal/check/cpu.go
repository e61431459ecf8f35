package check

import (
	"github.com/phialdev/phial/internal/finding"
)

// cpu are rules about what pods may use.
var cpu = []Rule{
	{
		Code: "CPU-01", Title: "schedulers that wait busily under a limit",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "Releases with a CPU limit whose flags, as far as they stand in the manifests, have no +sbwt none.",
		Why:   "Idle schedulers spin for a moment before they sleep. Under a limit that is time which the work then lacks: the container is throttled.",
		Fix:   "set ERL_ZFLAGS to +sbwt none +sbwtdcpu none +sbwtdio none, or have it in rel/vm.args.eex",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				limit := b.Container.At("resources.limits.cpu")
				if _, ok := quantity(limit); ok && !contains(flags(b.Container), "+sbwt none") && !contains(in.ProjectText("rel/vm.args.eex"), "+sbwt none") {
					f.At(b.Object, limit, "the container %s has a CPU limit, and its schedulers may wait busily", b.Container.Called)
				}
			}
		},
	},
	{
		Code: "CPU-04", Title: "less than one CPU",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "CPU limits of releases below 1.",
		Why:   "The kernel stops the container for the rest of each tenth of a second once its share is used up: requests wait, and so do the ticks by which nodes know each other alive.",
		Fix:   "take the limit away and keep the request, or set it to 1 or more",
		Hides: []finding.Code{"CPU-01"},
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				limit := b.Container.At("resources.limits.cpu")
				if n, ok := quantity(limit); ok && n < 1 {
					f.At(b.Object, limit, "the container %s may use %s of a CPU", b.Container.Called, limit)
				}
			}
		},
	},
	{
		Code: "MEM-03", Title: "too little memory to boot",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Memory limits of releases below 150 MiB.",
		Why:   "The VM with its code takes 60 to 120 MiB before the app has done anything; tools such as bin/app rpc take 40 more.",
		Fix:   "set the limit to 256Mi or more",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				limit := b.Container.At("resources.limits.memory")
				if n, ok := quantity(limit); ok && n < 150<<20 {
					f.At(b.Object, limit, "the container %s may use %s of memory", b.Container.Called, limit)
				}
			}
		},
	},
}
