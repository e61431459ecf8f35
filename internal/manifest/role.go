package manifest

// Allows says whether a Role or a ClusterRole allows a verb on a resource.
func (o *Object) Allows(verb, resource string) bool {
	has := func(list Field, want string) bool {
		for v := range list.Items() {
			if s := v.String(); s == want || s == "*" {
				return true
			}
		}
		return false
	}
	for r := range o.At("rules").Items() {
		if has(r.Key("verbs"), verb) && has(r.Key("resources"), resource) {
			return true
		}
	}
	return false
}
