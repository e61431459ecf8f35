package checklist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
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
		b.settle("phial check", "", "says what an API server would refuse")
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

// undeclared goes by what the project sets up, and what comes of it, where there is no phial.yaml.
func undeclared(b *builder) {
	connects, tied := b.facts.Connects(), b.facts.Tied()
	if why, all := b.noNodes(); all {
		withoutNodes(b, why)
		return
	}
	idle := b.apart() // whatever is set up, nothing comes of it
	for _, s := range connects {
		if idle {
			b.add(NotKnown, place(s), s.What+", and with these manifests it connects nobody")
			continue
		}
		b.pass(place(s), s.What)
	}
	if idle && len(connects) > 0 {
		b.settle("phial check", " --explain", "follows each replica, step by step")
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
	if len(connects) == 0 || idle {
		b.settle("phial advise", "", "weighs the ways to run it")
		b.settle("phial init", "", "writes phial.yaml, which says it")
	}
}

// withoutNodes is of an app whose replicas run without distribution: that is decided, if nothing ties them together.
func withoutNodes(b *builder, why []Item) {
	tied := b.facts.Tied()
	for _, w := range why {
		text := w.Text + ": each replica is for itself"
		if len(tied) > 0 {
			b.fail(w.At, text+", and the app ties its nodes together")
			continue
		}
		b.pass(w.At, text)
	}
	for _, s := range tied {
		b.fail(place(s), s.What)
	}
	for _, s := range b.facts.Connects() {
		b.add(NotKnown, place(s), s.What+", which finds no node to connect")
	}
	b.settle("phial advise", "", "weighs stateless against clustered")
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
		b.foretell()
	case len(b.Workloads) == 0:
		b.unknown("no manifest and no phial.yaml seen")
		b.settle("phial init", "", "writes phial.yaml")
	default:
		peers(b)
	}
	b.found("NAM", "DSC", "NET")
}

// peers is how replicas find one another, where no phial.yaml says it.
func peers(b *builder) {
	_, every := b.followed()
	connects, tied := b.facts.Connects(), b.facts.Tied()
	_, alone := b.noNodes()
	switch {
	case alone:
		b.foretell()
	case every && !b.apart():
		service(b)
		b.foretell()
	case len(connects) == 0 && len(tied) == 0:
		b.unknown("nothing says whether replicas are one mesh")
		b.settle("phial advise", "", "weighs the ways to run it")
	case len(connects) == 0:
		service(b)
		b.fail(nil, "nothing in the project looks for peers")
	case every:
		for _, s := range connects {
			b.add(NotKnown, place(s), s.What+", and nothing says that replicas are one mesh")
		}
		b.settle("phial advise", "", "weighs the ways to run it")
		b.settle("phial check", " --explain", "follows each replica, step by step")
	default: // some stand in several files, which are overlays of one another
		service(b)
		b.foretell()
		if !lookups(b) {
			for _, s := range connects {
				b.add(NotKnown, place(s), s.What+": could not tell what it looks up")
			}
			b.settle("phial try", b.trialFlags(), "shows whether the replicas find one another")
		}
	}
}

func service(b *builder) {
	for _, s := range b.Headless {
		at := s.At
		b.pass(&at, "headless "+s.Label)
	}
	all, every := b.followed()
	state := Failed
	if every && slices.ContainsFunc(all, func(g *Group) bool { return len(g.Doubts) > 0 }) { // what was not read may have it
		state = NotKnown
	}
	switch {
	case len(b.Headless) > 0:
	case every && !slices.ContainsFunc(all, func(g *Group) bool { return g.Meant != "" && !g.Asks }):
		b.pass(nil, "no headless Service is needed: the Kubernetes API is asked")
	case len(b.Idle) > 0 && len(b.Checked.of("DSC-02")) > 0: // which says it below
	case len(b.Idle) > 0:
		for _, s := range b.Idle {
			at := s.At
			b.add(state, &at, "headless "+s.Label+": its selector matches no workload")
		}
		b.settle("phial check", "", "each finding says what to do")
	default:
		b.add(state, nil, "no headless Service lists the replicas")
		if b.App != nil {
			b.settle("phial render", "", "writes it, with all that has to agree")
		} else {
			b.settle("phial init", "", "writes phial.yaml: phial render makes the Service from it, with all that has to agree")
		}
	}
}

// lookups holds what the project looks up against the headless Services; false: nothing of that stands literally.
func lookups(b *builder) (told bool) {
	one := func(name string, place *advise.Place, when project.Expr) {
		told = true
		switch {
		case slices.ContainsFunc(b.Headless, func(s Service) bool { return s.Name == name }):
			b.pass(place, "looks up "+name)
		case slices.ContainsFunc(b.Idle, func(s Service) bool { return s.Name == name }):
			b.fail(place, "looks up "+name+", a headless Service whose selector matches no workload (DSC-02)")
		case !when.Absent(): // it may be for elsewhere
			b.add(NotKnown, place, "looks up "+name+" where "+when.String()+", and no headless Service is called so")
		default:
			b.fail(place, "looks up "+name+", and no headless Service is called so (DSC-03)")
		}
	}
	for _, t := range b.Project.Topologies {
		option := map[string]string{"Kubernetes.DNS": "service", "Kubernetes.DNSSRV": "service", "DNSPoll": "query"}[t.StrategyName()]
		if option == "" {
			continue
		}
		o := t.Option(option)
		if text, ok := o.AsText(); ok {
			name, _, _ := strings.Cut(text, ".")
			one(name, at(o.At), t.When)
		}
	}
	if _, ok := b.Project.Dep("dns_cluster"); ok {
		for _, w := range b.Workloads {
			if name, _, _ := strings.Cut(w.Query, "."); name != "" {
				place := w.QueryAt
				one(name, &place, project.Expr{})
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
		all, every := b.followed()
		switch {
		case app.Agent && every && slices.ContainsFunc(all, func(g *Group) bool { return g.Meant != "" && !g.Dials }):
			b.fail(&app.Type, "discovery Phial, and in the manifests no agent stands beside the nodes")
			b.settle("phial render", " --agent-image IMAGE", "writes them with agents")
			return
		case app.Agent:
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
		if _, every := b.followed(); every {
			return // what comes of it is told
		}
		b.add(NotKnown, file("config/runtime.exs"), "nothing seen reads "+beam.EnvDNSClusterQuery+", which says what to look up (DSC-13)")
		b.settle("phial try", b.trialFlags(), "shows whether the replicas find one another")
	case beam.DiscoveryLibclusterDNS, beam.DiscoveryLibclusterDNSSRV, beam.DiscoveryLibclusterKubernetes:
		dep("libcluster")
		if _, every := b.followed(); every {
			return // what comes of it is told
		}
		lookups(b)
		if fit := b.facts.Fit; fit.Discovery != app.Discovery {
			b.add(NotKnown, nil, "whether libcluster is told the strategy of discovery "+string(app.Discovery)+" could not be read: "+fit.DiscoveryWhy)
			b.settle("phial try", b.trialFlags(), "shows whether the replicas find one another")
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
		b.settle("phial try", b.trialFlags(), "runs it here, shows the mesh and sends a request to each replica")
	case t.Error != "":
		b.unknown(t.Command + " could not run: " + t.Error)
		b.settle("phial try", b.trialFlags(), "shows why")
	case t.Replicas < 2:
		b.unknown(fmt.Sprintf("%s ran %d replica", t.Command, t.Replicas))
		b.settle("phial try", b.trialFlags()+" --replicas 3", "runs several")
	case t.Mesh:
		b.pass(nil, t.Command+": "+t.MeshText)
	default:
		b.fail(nil, t.Command+": "+t.MeshText)
		b.settle("phial try", b.trialFlags(), "shows the mesh, and names the cause")
	}
}
