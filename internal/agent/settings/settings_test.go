package settings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// full is the environment as the plan writes it.
var full = map[string]string{
	"RELEASE_NODE": "shop@10.0.0.7", "PHIAL_COOKIE_FILE": "/secret/cookie", "PHIAL_DIST_PORTS": "9200-9203",
	"PHIAL_SERVICE": "shop-headless", "PHIAL_DOMAIN": "shop-headless.prod.svc.cluster.local", "PHIAL_JOIN": "Never",
	"PHIAL_GATE": "Booted", "PHIAL_ON_PARTITION": "Quorum", "PHIAL_EPMD": "Disabled", "PHIAL_TLS": "/etc/phial/tls",
	"PHIAL_HEALTH_PATH": "/health/ready", "PORT": "4000", "PHIAL_ENDPOINT_DELAY_SECONDS": "0",
	"PHIAL_DRAIN_TIMEOUT_SECONDS": "90", "PHIAL_DRAIN_HOOK": "Shop.Drainer.drain", "PHIAL_PIPELINE": "orders",
	"PHIAL_APP": "shop", "POD_NAME": "shop-0", "POD_NAMESPACE": "prod", "POD_IP": "10.0.0.7",
}

func TestFromEnv(t *testing.T) {
	s, err := FromEnv(lookup(full))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Clustered() || s.EndpointDelay() != 0 || s.DrainTimeout() != 90*time.Second || s.Binary() != "/phial/bin/phial-agent" ||
		s.KeyFile != "/secret/agent-key" || s.Hook != (Hook{"Shop.Drainer", "drain"}) || s.EPMD || s.HTTPPort != 4000 ||
		!reflect.DeepEqual(s.DistPorts.List(), []uint16{9200, 9201, 9202, 9203}) || s.PodIP.String() != "10.0.0.7" ||
		s.Join != JoinNever || s.Gate != GateBooted || s.OnPartition != PartitionQuorum || s.HealthPath != "/health/ready" {
		t.Errorf("%+v", s)
	}
}

func TestDefaults(t *testing.T) {
	s, err := FromEnv(lookup(map[string]string{"RELEASE_NODE": "shop@127.0.0.1"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Node = "shop@127.0.0.1"
	if s != want {
		t.Errorf("%+v\nwant %+v", s, want)
	}
	if s.Clustered() || s.EndpointDelay() != 5*time.Second || s.CookieFile != "/var/run/phial/cookie/cookie" ||
		s.KeyFile != "/var/run/phial/cookie/agent-key" || !s.EPMD || s.EPMDPort != 4369 || s.ProbePort != 9110 {
		t.Errorf("%+v", s)
	}
}

func TestFromEnvNamesEveryProblem(t *testing.T) {
	env := map[string]string{
		"RELEASE_NODE": "shop@", "PHIAL_COOKIE_FILE": "cookie", "PHIAL_DIST_PORTS": "9200", "PHIAL_JOIN": "auto",
		"PHIAL_GATE": "Open", "PHIAL_ON_PARTITION": "x", "PHIAL_EPMD": "yes", "PHIAL_TLS": "tls", "PHIAL_HEALTH_PATH": "health",
		"PORT": "0", "PHIAL_ENDPOINT_DELAY_SECONDS": "5s", "PHIAL_DRAIN_TIMEOUT_SECONDS": "-1", "PHIAL_DRAIN_HOOK": "drain",
		"POD_IP": "$(POD_IP)", "PHIAL_AGENT_BIN": "bin", "PHIAL_AGENT_RUN": "run", "PHIAL_AGENT_PROBE_PORT": "65536",
		"PHIAL_AGENT_KEY_FILE": "key", "ERL_EPMD_PORT": "epmd",
	}
	s, err := FromEnv(lookup(env))
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(env) {
		t.Errorf("%d lines for %d problems:\n%s", len(lines), len(env), err)
	}
	for name, value := range env {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, name) && strings.Contains(line, value) && strings.Contains(line, "expected ") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d lines of\n%s", name, n, err)
		}
	}
	if s != Default() {
		t.Errorf("what has a problem has its default, and not %+v", s)
	}
}

func TestPortRanges(t *testing.T) {
	for value, good := range map[string]bool{
		"9100-9107": true, "9100-9100": true, "65535-65535": true, "9107-9100": false, "0-1": false, "1-65535": false,
		"9100-": false, "-9100": false, "9100-9107-": false, "a-b": false, "9100 - 9107": false,
	} {
		s, err := FromEnv(lookup(map[string]string{"RELEASE_NODE": "a@b", "PHIAL_DIST_PORTS": value}))
		if (err == nil) != good {
			t.Errorf("%q: %v", value, err)
		}
		if n := len(s.DistPorts.List()); n == 0 || n > 8 {
			t.Errorf("%q has %d ports", value, n)
		}
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	want, err := FromEnv(lookup(full))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second writes over the first
		if err := want.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(dir)
	if err != nil || got != want {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	if info, err := os.Stat(filepath.Join(dir, File)); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := want.Write(filepath.Join(dir, "none")); err == nil {
		t.Error("it writes where there is no directory")
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	app := map[string]string{"PHIAL_AGENT_RUN": dir, "RELEASE_NODE": "shop@10.0.0.8", "PHIAL_ENDPOINT_DELAY_SECONDS": "x"}
	s := Find(lookup(app))
	if s.Node != "shop@10.0.0.8" || s.DelaySeconds != 5 || s.RunDir != dir {
		t.Errorf("without a file: %+v", s)
	}
	left, err := FromEnv(lookup(full))
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Write(dir); err != nil {
		t.Fatal(err)
	}
	if s = Find(lookup(app)); s.Node != "shop@10.0.0.7" || s.DrainSeconds != 90 || s.RunDir != dir {
		t.Errorf("with a file: %+v", s)
	}
	for _, bad := range []string{"", "{", "[]", `{"node": 7}`, strings.Repeat("[", maxFile+1)} {
		if err := os.WriteFile(filepath.Join(dir, File), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if s = Find(lookup(app)); s.Node != "shop@10.0.0.8" {
			t.Errorf("with %.20q: %+v", bad, s)
		}
	}
}

// What the plan's names are in JSON is what verbs of another version read.
func TestFileHoldsEveryField(t *testing.T) {
	s, err := FromEnv(lookup(full))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	if n := reflect.TypeFor[Settings]().NumField(); len(fields) != n {
		t.Errorf("%d of %d fields in %s", len(fields), n, text)
	}
}

func TestTLSSaysWhatItLacks(t *testing.T) {
	if c, err := (Settings{}).TLS(); c != nil || err != nil {
		t.Errorf("plain: %v, %v", c, err)
	}
	if _, err := (Settings{TLSDir: t.TempDir()}).TLS(); err == nil || !strings.Contains(err.Error(), "tls.crt") {
		t.Errorf("an empty directory: %v", err)
	}
}
