package check

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// predicted are rules about what comes of manifests and source tree together: the mesh is
// predicted, and what is in its way is a finding. Codes that stand in another family are
// not repeated here: what is wrong in one file is found there.
var predicted = []Rule{
	fromMesh(finding.ShortAgainstLong, finding.Error, "short against long names",
		"The node's name as RELEASE_DISTRIBUTION, RELEASE_NODE and rel/env.sh make it.",
		"A node with a short name and one with a long name never connect; mix release's default is short, and discovery dials long names.",
		"set RELEASE_DISTRIBUTION=name, and a host with an address or a full name in RELEASE_NODE"),
	covering("DSC-05", fromMesh(finding.HostMismatch, finding.Error, "host part of the name",
		"The names that discovery dials, against the names that the nodes have: also those of SRV records, which are pods' names for a StatefulSet alone, and addresses with dashes for others.",
		"A node accepts only who dials it by its own name. Kubernetes.DNS, DNSPoll and dns_cluster dial addresses, DNSSRV dials host names: each with the other's names never connects.",
		"name nodes base@$POD_IP where discovery finds addresses; by the pod's full name, in a StatefulSet, where it finds names")),
	fromMesh(finding.BasenameMismatch, finding.Error, "another base name is registered",
		"The base name that discovery dials, against the part before the @ of the nodes' names.",
		"EPMD knows a node by its base name: whoever asks for another is told that there is none.",
		"make the base name in the topology and the release's name one constant"),
	fromMesh("NAM-10", finding.Warning, "another cluster domain",
		"The domain at the end of names that discovery looks up, against the domain that the manifests use elsewhere: of two one is wrong, and cluster.local with a letter lost, doubled or swapped is most likely meant to be that.",
		"A name in another domain does not resolve, and discovery finds nobody: it works on one cluster and not on the next.",
		"leave the domain out of the name, or take it from one variable (CLUSTER_DOMAIN)"),
	fromMesh(finding.InvalidName, finding.Error, "not a node name",
		"The node's name as the start script would pass it on.",
		"The release does not start with a name that is none.",
		"give the node a name of the form base@host"),
	fromMesh(finding.ServiceWithoutSRV, finding.Error, "no SRV records",
		"Whether the headless Service that DNSSRV asks for has ports.",
		"A and AAAA records of a headless Service are there whatever its ports are; SRV records are made of ports. _NAME._tcp.SERVICE there is for ports with a name alone; to the Service's own name, which is what DNSSRV asks for, CoreDNS answers with every port of every pod, named or not, and with nothing where the Service has none.",
		"give the headless Service named ports: epmd 4369"),
	fromMesh("DSC-08", finding.Warning, "labels that no Service carries",
		"The selector of libcluster's Kubernetes strategy, against the labels of the Services themselves.",
		"In its default mode it asks for endpoints, which carry the labels of their Service, not those of the pods.",
		"put the label on the Service, or set kubernetes_ip_lookup_mode: :pods"),
	fromMesh("DSC-09", finding.Warning, "no right to ask the API",
		"Roles, bindings and automountServiceAccountToken of the pods' service account, where the Kubernetes strategy is used.",
		"Without the right to list endpoints or pods the strategy gets a 403, which it takes for an empty list: it connects to nobody, and disconnects whom it has.",
		"bind a Role with list on endpoints (or pods) to the service account, or use DNS, which needs no rights"),
	fromMesh("DSC-10", finding.Error, "host names of pods that have none",
		"mode: :hostname of the Kubernetes strategy, against the kind of the workload.",
		"Only a StatefulSet gives its pods host names in DNS; for others the names that are dialled are empty.",
		"use a StatefulSet with serviceName, or mode: :ip"),
	hiding("STA-08", fromMesh("DSC-13", finding.Warning, "dns_cluster without its query",
		"dns_cluster's query in the environment of a release with several replicas that is meant to be one mesh.",
		"Without DNS_CLUSTER_QUERY dns_cluster does nothing, and says nothing of it: every replica stays alone.",
		"set DNS_CLUSTER_QUERY to the headless Service's name; log: :info shows what it does")),
	fromMesh(finding.PortClosed, finding.Error, "a random distribution port behind a policy",
		"The distribution port of the nodes, against the NetworkPolicies that select them; and inet_dist_use_interface, which may have them listen on loopback alone.",
		"Without inet_dist_listen_min and max the port is another at each start, so no policy that names ports can admit it. On loopback no peer reaches it at all.",
		"give the listener a small range (-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107) and admit that"),
	fromMesh("NET-08", finding.Error, "EPMD on one side alone",
		"-start_epmd, -erl_epmd_port and ERL_EPMD_PORT of nodes that are to meet, and who else may start EPMD where -start_epmd false keeps the node from it.",
		"Nodes find each other's port through EPMD, or by one fixed port for all; those that differ do not. Without either a node does not boot: it can't register.",
		"set the same on all of them: EPMD at one port, or -start_epmd false and -erl_epmd_port"),
}

// fromMesh makes a rule of which the prediction says when it fires.
func fromMesh(code finding.Code, s finding.Severity, title, looks, why, fix string) Rule {
	conf := Certain
	if s < finding.Error {
		conf = Likely
	}
	return Rule{Code: code, Title: title, Severity: s, Confidence: conf, Needs: Manifests | Prediction, Looks: looks, Why: why, Fix: fix,
		Check: func(*Input, *Finder) {}} // whatever the rule, foretell adds what is predicted of its code
}

// hiding is a rule that another code follows from.
func hiding(follows finding.Code, r Rule) Rule {
	r.Hides = append(r.Hides, follows)
	return r
}

// covering is a rule that finds what another code stands for, under its own.
func covering(code finding.Code, r Rule) Rule {
	r.Covers = append(r.Covers, code)
	return r
}

// Predicted is the mesh that would come of it; nil where that was not worked out.
func (in *Input) Predicted() *mesh.Prediction {
	if in.Intent == nil {
		return nil
	}
	if in.prediction == nil {
		p := mesh.Predict(*in.Intent)
		in.prediction = &p
	}
	return in.prediction
}

// predictedIndex is a prediction by what rules ask of it.
type predictedIndex struct {
	workload  map[string]string          // label, by replica
	beams     map[string]Beam            // by label
	replicas  map[string]*mesh.Predicted // by ID
	of        map[string][]*mesh.Replica // by the label of their workload
	obstacles map[finding.Code][]mesh.Obstacle
	doubts    map[finding.Code][]mesh.Obstacle // of links that are not known
	groups    []Group
	group     map[string]int                // by the label of a workload
	inFile    map[string][]*manifest.Object // as they stand there; nil: nobody has asked
	// meetsLoopback are labels of workloads that dial a node with a name that every machine has; nil: nobody has asked.
	meetsLoopback map[string]bool
}

// predicted is the index of a prediction that there is.
func (in *Input) predicted() *predictedIndex {
	if in.foreseen != nil {
		return in.foreseen
	}
	p := in.Predicted()
	x := &predictedIndex{
		workload: map[string]string{}, beams: map[string]Beam{}, replicas: map[string]*mesh.Predicted{}, of: map[string][]*mesh.Replica{},
		obstacles: map[finding.Code][]mesh.Obstacle{}, doubts: map[finding.Code][]mesh.Obstacle{},
	}
	in.foreseen = x
	for i := range in.Intent.Replicas {
		r := &in.Intent.Replicas[i]
		x.workload[r.ID] = r.Workload
		x.of[r.Workload] = append(x.of[r.Workload], r)
	}
	for _, b := range in.Serving() {
		if _, twice := x.beams[b.Label()]; !twice {
			x.beams[b.Label()] = b
		}
	}
	for i := range p.Replicas {
		x.replicas[p.Replicas[i].ID] = &p.Replicas[i]
	}
	for _, l := range p.Links {
		for _, o := range l.Why {
			switch l.Up {
			case mesh.No:
				x.obstacles[o.Code] = append(x.obstacles[o.Code], o)
			case mesh.Unknown:
				x.doubts[o.Code] = append(x.doubts[o.Code], o)
			case mesh.Yes:
			}
		}
	}
	return x
}

// inOneLine writes islands as evidence.
func inOneLine(islands [][]string) string {
	all := make([]string, len(islands))
	for i, ids := range islands {
		all[i] = strings.Join(ids, " ")
	}
	return strings.Join(all, " | ")
}

var position = regexp.MustCompile(`^(.+):(\d+):(\d+)$`)

// firstPlace is the first that is a place in a file.
func firstPlace(all []string) (Span, bool) {
	for _, at := range all {
		if m := position.FindStringSubmatch(at); m != nil {
			line, err := strconv.Atoi(m[2])
			column, err2 := strconv.Atoi(m[3])
			if cmp.Or(err, err2) == nil {
				return Span{File: m[1], Line: line, Column: column, EndLine: line, EndColumn: column + 1}, true
			}
		}
	}
	return Span{}, false
}
