package check

import (
	"slices"
	"sync"

	"github.com/phialdev/phial/internal/finding"
)

// Codes of what is said of the check itself.
const (
	DocumentUnreadable finding.Code = "CHK-01"
	AppRefused         finding.Code = "CHK-02"
	NotRendered        finding.Code = "CHK-03"
	NotLookedAt        finding.Code = "CHK-04"
	SuppressionExpired finding.Code = "CHK-05"
	SuppressionRefused finding.Code = "CHK-06"
	ObjectRefused      finding.Code = "CHK-07"
	SourceUnreadable   finding.Code = "CHK-08"
)

// Family is the rules of one file, with the heading that they are documented under.
type Family struct {
	Name  string // of the page: docs/rules/NAME.md
	Title string
	Rules []Rule
}

// Families are all rules, by what they are about.
func Families() []Family {
	return []Family{
		{"naming", "Node names", naming},
		{"discovery", "Discovery and DNS", discovery},
		{"mesh", "The mesh that it would give", slices.Concat(predicted, parted)},
		{"network", "Network", network},
		{"cookie", "Cookies", cookie},
		{"image", "Images and how they are started", image},
		{"health", "Health", health},
		{"shutdown", "Shutdown and rollout", shutdown},
		{"cpu", "CPU and memory", cpu},
		{"database", "Databases", database},
		{"phoenix", "Phoenix", phoenix},
		{"state", "What nodes share", state},
		{"kafka", "Kafka", kafka},
		{"hygiene", "Kubernetes", hygiene},
		{"ci", "Continuous integration", ci},
		{"check", "The check itself", itself},
	}
}

var all = sync.OnceValue(func() []*Rule {
	var all []*Rule
	for _, f := range Families() {
		for i := range f.Rules {
			all = append(all, &f.Rules[i])
		}
	}
	return all
})

// Rules gives all rules in the order of their families. The rules are shared: they must not be changed.
func Rules() []*Rule { return slices.Clone(all()) }
