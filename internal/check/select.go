package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/spell"
)

// Lookup gives a rule by its code, or by one that it covers, in either letter case.
func Lookup(code string) (*Rule, bool) {
	code = ruled(strings.ToUpper(code))
	for _, r := range all() {
		if string(r.Code) == code {
			return r, true
		}
	}
	return nil, false
}

// ruled is the code of the rule that covers a code; of any other name it is the name itself.
func ruled(code string) string {
	for _, r := range all() {
		if slices.Contains(r.Covers, finding.Code(code)) {
			return string(r.Code)
		}
	}
	return code
}

// Select gives the rules that are asked for: of only, where it names any, without those of skip. Both name rules by code
// or by family.
func Select(only, skip []string) ([]*Rule, error) {
	wanted, err := matcher("--only", only)
	if err != nil {
		return nil, err
	}
	unwanted, err := matcher("--skip", skip)
	if err != nil {
		return nil, err
	}
	var rules []*Rule
	for _, r := range Rules() {
		if (len(only) == 0 || wanted(r.Code)) && !unwanted(r.Code) {
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("--skip %s leaves no rule", strings.Join(skip, ","))
	}
	return rules, nil
}

func matcher(flag string, names []string) (func(finding.Code) bool, error) {
	wanted := make([]string, len(names))
	for i, n := range names {
		wanted[i] = ruled(strings.ToUpper(strings.TrimSpace(n)))
		if err := known(flag+" ", wanted[i]); err != nil {
			return nil, err
		}
	}
	return func(c finding.Code) bool {
		return slices.Contains(wanted, string(c)) || slices.Contains(wanted, c.Family())
	}, nil
}

// known refuses what is neither a code nor a family.
func known(of, name string) error {
	var codes, families []string
	for _, r := range Rules() {
		codes = append(codes, string(r.Code))
		if f := r.Code.Family(); !slices.Contains(families, f) {
			families = append(families, f)
		}
	}
	if slices.Contains(codes, name) || slices.Contains(families, name) {
		return nil
	}
	if _, ok := finding.Lookup(finding.Code(name)); ok {
		return fmt.Errorf("%s%s: only a running mesh or an image shows that; phial explain %s says more", of, name, name)
	}
	among := codes
	if !strings.Contains(name, "-") {
		among = families
	}
	hint := spell.Hint(name, among)
	if hint == "" {
		hint = "; phial explain lists the codes, and the families are " + spell.List(families, "and", 40)
	}
	return fmt.Errorf("%s%s: no rule has this code%s", of, name, hint)
}
