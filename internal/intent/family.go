package intent

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// only says whether a Service has addresses of one family and of no other.
func only(o *manifest.Object, family string) bool {
	families := o.At("spec.ipFamilies")
	for f := range families.Items() {
		if f.String() != family {
			return false
		}
	}
	return families.Len() > 0 && !dual(o)
}

func dual(o *manifest.Object) bool {
	return strings.HasSuffix(o.At("spec.ipFamilyPolicy").String(), "DualStack")
}

// overIPv6 gives the selectors of headless Services that have IPv6 addresses alone, by namespace. In a cluster that
// has IPv4 as well by another Service its pods have addresses of both, and the first of them need not be that one.
func (b *builder) overIPv6() map[string][]map[string]string {
	if b.six != nil {
		return b.six
	}
	b.six = map[string][]map[string]string{}
	for _, o := range b.set.OfKind("Service") {
		if o.Group() != "" {
			continue
		}
		if dual(o) || slices.ContainsFunc(slices.Collect(o.At("spec.ipFamilies").Items()), func(f manifest.Field) bool { return f.String() == "IPv4" }) {
			b.six = map[string][]map[string]string{}
			return b.six
		}
		if s := texts(o.At("spec.selector")); only(o, "IPv6") && len(s) > 0 {
			n := b.namespace(o)
			b.six[n] = append(b.six[n], s)
		}
	}
	return b.six
}

// address is that of one more replica with these labels: every one has another.
func (b *builder) address(namespace string, labels map[string]string) string {
	n := 1<<8 + 10 + len(b.in.Replicas)
	if slices.ContainsFunc(b.overIPv6()[namespace], func(s map[string]string) bool { return mesh.Selector{Labels: s}.Selects(labels) }) {
		return netip.AddrFrom16([16]byte{0: 0xfd, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}).String()
	}
	return netip.AddrFrom4([4]byte{10, 244 + byte(n>>16), byte(n >> 8), byte(n)}).String()
}
