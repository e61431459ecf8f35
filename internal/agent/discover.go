package agent

import (
	"context"
	"net"
	"strings"
)

// ByAddress discovers base@IP from the A and AAAA records of the headless Service.
func ByAddress(r *net.Resolver, service, base string) Discovery {
	return func(ctx context.Context) ([]string, error) {
		addrs, err := r.LookupNetIP(ctx, "ip", rooted(service))
		if err != nil {
			return nil, err
		}
		names := make([]string, 0, len(addrs))
		for _, a := range addrs {
			names = append(names, base+"@"+a.Unmap().String())
		}
		return names, nil
	}
}

// ByTarget discovers base@target from the SRV records of the headless Service.
func ByTarget(r *net.Resolver, service, base string) Discovery {
	return func(ctx context.Context) ([]string, error) {
		targets, err := Targets(ctx, r, service)
		if err != nil {
			return nil, err
		}
		for i, t := range targets {
			targets[i] = base + "@" + t
		}
		return targets, nil
	}
}

// Targets are those of a name's SRV records.
func Targets(ctx context.Context, r *net.Resolver, name string) ([]string, error) {
	_, records, err := r.LookupSRV(ctx, "", "", rooted(name))
	targets := make([]string, 0, len(records))
	for _, srv := range records {
		targets = append(targets, strings.TrimSuffix(srv.Target, "."))
	}
	return targets, err
}

// rooted keeps this machine's search list away from a full name.
func rooted(name string) string { return strings.TrimSuffix(name, ".") + "." }
