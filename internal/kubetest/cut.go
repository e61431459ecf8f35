package kubetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Cut is a break in the network between two pods: packets are lost, as they are on a cable that is cut, and nobody is
// told. Connections that there are stand still. It has nothing to do with NetworkPolicies.
type Cut struct {
	From, To string // addresses of pods
	Ports    []int  // TCP; of either side, so that a listener's port cuts its connections; none means everything
	OneWay   bool   // only what goes From one To the other is lost; otherwise what comes back, too
}

// cuts are what is lost now.
type cuts struct {
	mu    sync.Mutex
	all   []Cut
	noDNS bool
}

// Cut breaks the network, and the breaks that there are stay.
func (n *Node) Cut(ctx context.Context, more ...Cut) error {
	n.cuts.mu.Lock()
	defer n.cuts.mu.Unlock()
	all := append(n.cuts.all[:len(n.cuts.all):len(n.cuts.all)], more...)
	if err := n.lose(ctx, all, n.cuts.noDNS); err != nil {
		return err
	}
	n.cuts.all = all
	return nil
}

// Mend takes breaks away that [Node.Cut] made, and leaves the others.
func (n *Node) Mend(ctx context.Context, these ...Cut) error {
	n.cuts.mu.Lock()
	defer n.cuts.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(n.cuts.all), func(c Cut) bool {
		return slices.ContainsFunc(these, func(o Cut) bool {
			return o.From == c.From && o.To == c.To && o.OneWay == c.OneWay && slices.Equal(o.Ports, c.Ports)
		})
	})
	if err := n.lose(ctx, left, n.cuts.noDNS); err != nil {
		return err
	}
	n.cuts.all = left
	return nil
}

// Heal mends all that [Node.Cut] broke.
func (n *Node) Heal(ctx context.Context) error {
	n.cuts.mu.Lock()
	defer n.cuts.mu.Unlock()
	if err := n.lose(ctx, nil, n.cuts.noDNS); err != nil {
		return err
	}
	n.cuts.all = nil
	return nil
}

// StopDNS has every question to the cluster's name server be lost, so that pods wait for answers in vain.
func (n *Node) StopDNS(ctx context.Context) error { return n.setDNS(ctx, true) }

// StartDNS ends what [Node.StopDNS] began.
func (n *Node) StartDNS(ctx context.Context) error { return n.setDNS(ctx, false) }

func (n *Node) setDNS(ctx context.Context, stopped bool) error {
	n.cuts.mu.Lock()
	defer n.cuts.mu.Unlock()
	if err := n.lose(ctx, n.cuts.all, stopped); err != nil {
		return err
	}
	n.cuts.noDNS = stopped
	return nil
}

func (n *Node) lose(ctx context.Context, all []Cut, dns bool) error {
	rules, err := losses(all, dns)
	if err != nil {
		return err
	}
	if err := n.nft(ctx, rules); err != nil {
		return fmt.Errorf("cut the node's network: %w", err)
	}
	return nil
}

// losses writes the rules. They come before those of policies, and see the pods behind Services.
func losses(all []Cut, dns bool) (string, error) {
	var rules strings.Builder
	fmt.Fprint(&rules, "\tchain forward {\n\t\ttype filter hook forward priority filter - 10; policy accept;\n")
	if dns {
		fmt.Fprint(&rules, "\t\tmeta l4proto { tcp, udp } th dport 53 drop\n")
	}
	for _, c := range all {
		for _, ip := range []string{c.From, c.To} {
			if _, err := netip.ParseAddr(ip); err != nil {
				return "", errors.Join(fmt.Errorf("cut from %q to %q: both are to be addresses of pods", c.From, c.To), err)
			}
		}
		c.write(&rules, c.From, c.To)
		if !c.OneWay {
			c.write(&rules, c.To, c.From)
		}
	}
	fmt.Fprint(&rules, "\t}\n")
	return replaceTable("inet phial-cuts", rules.String()), nil
}

func (c Cut) write(rules *strings.Builder, from, to string) {
	if len(c.Ports) == 0 {
		fmt.Fprintf(rules, "\t\tip saddr %s ip daddr %s drop\n", from, to)
		return
	}
	var ports []string
	for _, p := range c.Ports {
		ports = append(ports, strconv.Itoa(p))
	}
	for _, side := range []string{"dport", "sport"} {
		fmt.Fprintf(rules, "\t\tip saddr %s ip daddr %s tcp %s %s drop\n", from, to, side, set(ports))
	}
}
