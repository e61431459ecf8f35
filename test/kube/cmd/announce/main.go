// Command announce is a network plugin that stands last in a node's list. It tells whoever enforces NetworkPolicies of a
// new pod's address and waits until its policies are in force, so that the pod never runs without. The API server hears
// of the address a second later.
//
// In a directory of its configuration it makes a file that is called by the address and names the pod; the answer is a
// file of the same name with ".known" behind it. The protocol with containerd is the CNI specification's, version 1.0.0.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long the answer may take: then the pod does not start, and kubelet tries again.
const patience = 10 * time.Second

// config is what of the plugin's configuration matters here.
type config struct {
	CNIVersion string          `json:"cniVersion"`
	Dir        string          `json:"dir"`
	PrevResult json.RawMessage `json:"prevResult"` // what the plugins before made
}

func main() {
	if err := run(os.Getenv("CNI_COMMAND")); err != nil {
		// The specification wants errors on standard output; codes from 100 are the plugin's own.
		json.NewEncoder(os.Stdout).Encode(map[string]any{"cniVersion": "1.0.0", "code": 100, "msg": "announce: " + err.Error()}) //nolint:errcheck // nobody to tell
		os.Exit(1)
	}
}

func run(command string) error {
	if command == "VERSION" {
		_, err := fmt.Println(`{"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0"]}`)
		return err
	}
	var c config
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	ip, err := address(c.PrevResult)
	switch command {
	case "ADD":
		if err != nil {
			return err
		}
		if err := announce(filepath.Join(c.Dir, ip), pod(os.Getenv("CNI_ARGS"))); err != nil {
			return err
		}
		_, err := os.Stdout.Write(c.PrevResult)
		return err
	case "DEL":
		if err != nil {
			return nil // it may have had none
		}
		return errors.Join(remove(filepath.Join(c.Dir, ip)), remove(filepath.Join(c.Dir, ip+".known")))
	}
	return nil
}

func address(result json.RawMessage) (string, error) {
	var r struct {
		IPs []struct{ Address string } `json:"ips"`
	}
	if len(result) > 0 {
		if err := json.Unmarshal(result, &r); err != nil {
			return "", fmt.Errorf("read the result so far: %w", err)
		}
	}
	if len(r.IPs) == 0 {
		return "", errors.New("the plugins before gave no address")
	}
	ip, _, _ := strings.Cut(r.IPs[0].Address, "/")
	return ip, nil
}

// pod gives namespace/name from "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;...".
func pod(args string) string {
	values := map[string]string{}
	for _, pair := range strings.Split(args, ";") {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value
	}
	return values["K8S_POD_NAMESPACE"] + "/" + values["K8S_POD_NAME"]
}

func announce(file, pod string) error {
	answer := file + ".known"
	if err := remove(answer); err != nil {
		return err
	}
	tmp := file + ".tmp"
	if err := os.WriteFile(tmp, []byte(pod), 0o600); err != nil {
		return err
	}
	if err := os.Rename(tmp, file); err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		_, err := os.Stat(answer)
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("nobody has put the policies of %s in force: %w", pod, err)
		}
	}
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
