package checklist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
)

// clustering is whether somebody has decided, and whether the app agrees.
func clustering(b *builder) {
	app := b.App
	if app == nil {
		undeclared(b)
		return
	}
	for _, r := range app.Refused {
		place := r.At
		b.items = append(b.items, Item{Failed, r.Text, r.Code, &place})
	}
	tied := b.facts.Tied()
	switch {
	case !app.Declared:
		b.add(NotKnown, file("phial.yaml"), "no type: it is Clustered because nobody said otherwise, and can't be changed later")
		b.settle("phial advise", "", "weighs stateless against clustered")
	case app.Clustered:
		b.pass(&app.Type, fmt.Sprintf("type Clustered, identity %s, discovery %s", app.Identity, app.Discovery))
	case len(tied) > 0:
		b.fail(&app.Type, "type Stateless, and the app ties its nodes together")
		for _, s := range tied {
			for _, p := range s.At {
				b.fail(at(p), s.What)
			}
		}
		b.settle("phial advise", "", "weighs stateless against clustered")
	default:
		b.pass(&app.Type, "type Stateless, and nothing seen ties nodes together")
	}
	if !app.Clustered {
		return
	}
	if ok, why := beam.Pair(app.Discovery, app.Identity); !ok {
		b.fail(&app.Type, why)
	} else if why := b.facts.Fit.Conflict; why != "" && app.Identity == beam.IdentityAddress {
		b.fail(&app.Type, why)
	}
}

// undeclared goes by what the project sets up, where there is no phial.yaml.
func undeclared(b *builder) {
	connects, tied := b.facts.Connects(), b.facts.Tied()
	for _, s := range connects {
		b.pass(place(s), s.What)
	}
	switch {
	case len(connects) > 0:
	case len(tied) > 0:
		for _, s := range tied {
			b.add(NotKnown, place(s), s.What+", and nothing seen connects nodes")
		}
	default:
		b.unknown("nothing says whether replicas are one mesh")
	}
	if len(connects) == 0 {
		b.settle("phial advise", "", "weighs the ways to run it")
		b.settle("phial init", "", "writes phial.yaml, which says it")
	}
}

func place(s advise.Seen) *advise.Place {
	if len(s.At) == 0 {
		return nil
	}
	return at(s.At[0])
}

// discovery is the headless Service, and who asks it.
func discovery(b *builder) {
	app := b.App
	switch {
	case app != nil && !app.Clustered:
		b.pass(&app.Type, "type Stateless: no discovery is wanted")
	case app != nil:
		service(b)
		asks(b, app)
	case len(b.Workloads) == 0:
		b.unknown("no manifest and no phial.yaml seen")
		b.settle("phial init", "", "writes phial.yaml")
	case len(b.facts.Connects()) == 0 && len(b.facts.Tied()) == 0:
		b.unknown("nothing says whether replicas are one mesh")
		b.settle("phial advise", "", "weighs the ways to run it")
	case len(b.facts.Connects()) == 0:
		service(b)
		b.fail(nil, "nothing in the project looks for peers")
	default:
		service(b)
		if !lookups(b) {
			for _, s := range b.facts.Connects() {
				b.add(NotKnown, place(s), s.What+": could not tell what it looks up")
			}
			b.settle("phial try", "", "shows whether the replicas find one another")
		}
	}
	b.found("NAM", "DSC", "NET")
}

func service(b *builder) {
	for _, s := range b.Headless {
		at := s.At
		b.pass(&at, "headless "+s.Label)
	}
	if len(b.Headless) == 0 {
		b.fail(nil, "no headless Service lists the replicas")
		b.settle("phial render", "", "writes it, with all that has to agree")
	}
}

// lookups holds what the project looks up against the headless Services; false: nothing of that stands literally.
func lookups(b *builder) (told bool) {
	one := func(name string, place *advise.Place) {
		told = true
		if slices.ContainsFunc(b.Headless, func(s Service) bool { return s.Name == name }) {
			b.pass(place, "looks up "+name)
			return
		}
		b.fail(place, "looks up "+name+", and no headless Service is called so (DSC-03)")
	}
	for _, t := range b.Project.Topologies {
		option := map[string]string{"Kubernetes.DNS": "service", "Kubernetes.DNSSRV": "service", "DNSPoll": "query"}[t.StrategyName()]
		if option == "" {
			continue
		}
		o := t.Option(option)
		if text, ok := o.AsText(); ok {
			name, _, _ := strings.Cut(text, ".")
			one(name, at(o.At))
		}
	}
	if _, ok := b.Project.Dep("dns_cluster"); ok {
		for _, w := range b.Workloads {
			if name, _, _ := strings.Cut(w.Query, "."); name != "" {
				place := w.QueryAt
				one(name, &place)
			}
		}
	}
	return told
}

// asks is whether the app has what its discovery wants.
func asks(b *builder, app *App) {
	p := b.Project
	dep := func(name string) {
		if d, ok := p.Dep(name); ok {
			b.pass(at(d.At), name+", as discovery "+string(app.Discovery)+" wants")
			return
		}
		b.fail(&app.Type, "discovery "+string(app.Discovery)+" wants "+name+" among the dependencies")
	}
	switch app.Discovery {
	case beam.DiscoveryPhial:
		if app.Agent {
			b.pass(&app.Type, "Phial's agents connect the nodes, where render is told --agent-image")
			return
		}
		b.fail(&app.Type, "discovery Phial, and agent Disabled: nobody connects the nodes")
	case beam.DiscoveryDNSCluster:
		dep("dns_cluster")
		for _, v := range p.Runtime {
			if v.Name == beam.EnvDNSClusterQuery {
				b.pass(at(v.At), beam.EnvDNSClusterQuery+" is read")
				return
			}
		}
		b.add(NotKnown, file("config/runtime.exs"), "nothing seen reads "+beam.EnvDNSClusterQuery+", which says what to look up (DSC-13)")
		b.settle("phial try", "", "shows whether the replicas find one another")
	case beam.DiscoveryLibclusterDNS, beam.DiscoveryLibclusterDNSSRV, beam.DiscoveryLibclusterKubernetes:
		dep("libcluster")
		lookups(b)
		if fit := b.facts.Fit; fit.Discovery != app.Discovery {
			b.add(NotKnown, nil, "whether libcluster is told the strategy of discovery "+string(app.Discovery)+" could not be read: "+fit.DiscoveryWhy)
			b.settle("phial try", "", "shows whether the replicas find one another")
		}
	}
}

// replicas is whether they were run together.
func replicas(b *builder) {
	t := b.Trial
	switch {
	case t == nil:
		b.unknown("not run")
		b.settle("phial checklist", " --run", "runs it here with several replicas, and breaks one")
		b.settle("phial try", "", "runs it here, shows the mesh and sends a request to each replica")
	case t.Error != "":
		b.unknown(t.Command + " could not run: " + t.Error)
		b.settle("phial try", "", "shows why")
	case t.Replicas < 2:
		b.unknown(fmt.Sprintf("%s ran %d replica", t.Command, t.Replicas))
		b.settle("phial try", " --replicas 3", "runs several")
	case t.Mesh:
		b.pass(nil, fmt.Sprintf("%s: %d replicas, %s", t.Command, t.Replicas, t.MeshText))
	default:
		b.fail(nil, fmt.Sprintf("%s: %d replicas, %s", t.Command, t.Replicas, t.MeshText))
		b.settle("phial try", "", "shows the mesh, and names the cause")
	}
}
