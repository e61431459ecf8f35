package kubetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phialdev/phial/internal/testkit"
)

// slots is how many nodes can run side by side on one machine.
const slots = 16

// slotDir holds a file for each slot. Who has it locked has the slot: its addresses, its link, its cgroups.
const slotDir = "/run/phial-kubetest"

// slot is a place for a node among those of the machine. The kernel gives it back when this process dies; what a node
// left that could not clean up is cleared away by the next to claim its slot.
type slot struct {
	number int
	file   *os.File
}

// claimSlot takes the first that is free.
func claimSlot(ctx context.Context) (*slot, error) {
	if err := os.MkdirAll(slotDir, 0o755); err != nil {
		return nil, err
	}
	for n := range slots {
		if s, err := claim(ctx, n); s != nil || err != nil {
			return s, err
		}
	}
	return nil, fmt.Errorf("all of %d test nodes run on this machine: end one (\"fuser %s/*\" tells whose they are)", slots, slotDir)
}

// claim takes one, and clears it; nil if somebody has it.
func claim(ctx context.Context, number int) (*slot, error) {
	f, err := os.OpenFile(filepath.Join(slotDir, strconv.Itoa(number)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	s := &slot{number, f}
	if err := s.clear(ctx); err != nil {
		f.Close()
		return nil, fmt.Errorf("clear away what a former node left: %w", err)
	}
	return s, nil
}

// cgroupName is what the slot's cgroups are called.
func (s *slot) cgroupName() string { return fmt.Sprintf("phial-kubetest-%d", s.number) }

// remember writes down a node's directory and its cgroups, which are below those of its test, for the next to claim the
// slot.
func (s *slot) remember(dir string, cgroups []string) error {
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	_, err := s.file.WriteAt([]byte(strings.Join(append(cgroups, dir), "\n")), 0)
	return err
}

// release gives the slot back, with nothing left in it.
func (s *slot) release() error {
	defer s.file.Close()
	return s.unlink(context.Background())
}

// clearTimeout is how long what died with a node may take to be gone.
const clearTimeout = 20 * time.Second

func (s *slot) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patient(clearTimeout))
	defer cancel()
	left, err := os.ReadFile(s.file.Name())
	if err != nil {
		return err
	}
	for _, dir := range strings.Split(string(left), "\n") {
		remove := func(string) error { return nil }
		switch name := filepath.Base(dir); {
		case name == s.cgroupName():
			remove = removeCgroup
		case strings.HasPrefix(name, dirPrefix):
			remove = os.RemoveAll
		}
		if err := testkit.Poll(ctx, func() (bool, error) {
			err := remove(dir)
			return err == nil, err
		}); err != nil {
			return err
		}
	}
	return s.unlink(ctx)
}

// unlink removes the link to the node, whose other end may be gone already and take it along.
func (s *slot) unlink(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "ip", "link", "delete", s.link()).CombinedOutput()
	if _, still := net.InterfaceByName(s.link()); still == nil {
		return fmt.Errorf("remove the link %s: %w: %s", s.link(), err, testkit.LastLines(out))
	}
	return nil
}

// link is the name of the host's end of the link between host and node.
func (s *slot) link() string { return fmt.Sprintf("phial-k%d", s.number) }

// The addresses are of the block that is set aside for measurements (RFC 2544), which nobody routes: four networks for
// each slot.
func (s *slot) network(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(4*s.number + i), 0}), 24)
}

// nth is the n-th address of a network.
func nth(p netip.Prefix, n byte) netip.Addr {
	a := p.Addr().As4()
	a[3] = n
	return netip.AddrFrom4(a)
}

func (s *slot) pods() netip.Prefix     { return s.network(1) }
func (s *slot) services() netip.Prefix { return s.network(2) }
func (s *slot) host() netip.Addr       { return nth(s.network(0), 1) }
func (s *slot) node() netip.Addr       { return nth(s.network(0), 2) }
func (s *slot) dns() netip.Addr        { return nth(s.services(), 10) }

// site is where the control plane of the slot's node serves: the node and its pods have to reach it.
func (s *slot) site() site {
	ips := []net.IP{s.host().AsSlice(), s.node().AsSlice(), nth(s.services(), 1).AsSlice()}
	return site{address: s.host().String(), services: s.services().String(), ips: ips}
}

// connect lays the link between the host and the network namespace of a process, and the ways over it.
func (s *slot) connect(ctx context.Context, pid int) error {
	host := fmt.Sprintf(`link add %[1]s type veth peer name eth0 netns %[2]d
address add %[3]s/24 dev %[1]s
link set %[1]s up
route add %[4]s via %[6]s dev %[1]s
route add %[5]s via %[6]s dev %[1]s
`, s.link(), pid, s.host(), s.pods(), s.services(), s.node())
	node := fmt.Sprintf(`link set lo up
address add %s/24 dev eth0
link set eth0 up
route add default via %s
`, s.node(), s.host())
	if err := ipBatch(ctx, host); err != nil {
		return fmt.Errorf("connect the host to the node: %w", err)
	}
	if err := ipBatch(ctx, node, "nsenter", "--target", strconv.Itoa(pid), "--net"); err != nil {
		return fmt.Errorf("connect the node to the host: %w", err)
	}
	return nil
}

// ipBatch runs commands of ip's, itself by what comes before it.
func ipBatch(ctx context.Context, lines string, by ...string) error {
	args := slices.Concat(by, []string{"ip", "-batch", "-"})
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Env = strings.NewReader(lines), environment("/")
	_, err := output(cmd)
	return err
}
