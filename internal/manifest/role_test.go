package manifest

import "testing"

func TestAllows(t *testing.T) {
	for rules, want := range map[string]bool{
		"[{verbs: [get, list], resources: [endpoints, pods]}]":                         true,
		"[{verbs: ['*'], resources: [pods]}]":                                          true,
		"[{verbs: [list], resources: ['*']}]":                                          true,
		"[{verbs: [get], resources: [pods]}, {verbs: [list], resources: [pods]}]":      true,
		"[{verbs: [get], resources: [pods]}, {verbs: [list], resources: [endpoints]}]": false, // each rule by itself
		"[{verbs: [get, watch], resources: [pods]}]":                                   false,
		"[{verbs: [list]}]": false,
		"[]":                false,
		"list":              false,
	} {
		set := ReadObjects([]Source{{Name: "role.yaml", Text: []byte("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: " + rules + "\n")}})
		roles := set.OfKind("Role")
		if len(roles) != 1 {
			t.Fatalf("%s: %d roles", rules, len(roles))
		}
		if got := roles[0].Allows("list", "pods"); got != want {
			t.Errorf("%s: %v", rules, got)
		}
	}
}
