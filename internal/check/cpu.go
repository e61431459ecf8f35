package check

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// cpu are rules about what pods may use.
var cpu = []Rule{
	{
		Code: "CPU-01", Title: "schedulers that wait busily under a limit",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "Releases with a CPU limit whose flags, as far as they stand in manifests and project, have no +sbwt none.",
		Why:   "Idle schedulers spin for a moment before they sleep. Under a limit that is time which the work then lacks: the container is throttled.",
		Fix:   "set ERL_ZFLAGS to +sbwt none +sbwtdcpu none +sbwtdio none, or have it in rel/vm.args.eex",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				limit := b.Container.At("resources.limits.cpu")
				if _, ok := quantity(limit); ok && !strings.Contains(vmFlags(in, b, in.ofProject(b)), "+sbwt none") {
					f.At(b.Object, limit, "the container %s has a CPU limit, and its schedulers may wait busily", b.Container.Called)
				}
			}
		},
	},
	{
		Code: "CPU-02", Title: "an OTP that sees the machine's cores",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests | Project,
		Looks: "CPU limits of releases whose image or .tool-versions has an OTP before 24.",
		Why:   "Before OTP 23 the VM starts a scheduler for each core of the machine whatever the limit is, and before 24 it does so where the machine has version 2 of cgroups: they share a few milliseconds and wait for each other's locks.",
		Fix:   "update to a current OTP, or set +S to the limit",
		Check: oldOTP,
	},
	{
		Code: "CPU-03", Title: "an autoscaler that scales by nothing, or nobody",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "HorizontalPodAutoscalers and ScaledObjects: whether what they scale is there and of that kind, whether it says its replicas itself, and, of those by CPU, whether the release's flags, as far as they are seen, have +sbwt none.",
		Why:   "What is not there is not scaled. Replicas in a manifest are set anew each time that it is applied, in the middle of the load. And schedulers that spin look busy: the number of pods follows how often they wake up, and not how much they do.",
		Fix:   "set +sbwt none, or scale by requests, by the length of a queue, or by the run queues",
		Mends: true,
		Check: func(in *Input, f *Finder) {
			scalesNobody(in, f)
			scaledTwice(in, f)
			spunScale(in, f)
		},
	},
	{
		Code: "CPU-04", Title: "less than one CPU",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "CPU limits of releases below 1.",
		Why:   "The kernel stops the container for the rest of each tenth of a second once its share is used up: requests wait, and so do the ticks by which nodes know each other alive.",
		Fix:   "take the limit away and keep the request, or set it to 1 or more",
		Hides: []finding.Code{"CPU-01"},
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				limit := b.Container.At("resources.limits.cpu")
				if n, ok := quantity(limit); ok && n < 1 {
					f.At(b.Object, limit, "the container %s may use %s of a CPU", b.Container.Called, limit)
				}
			}
		},
	},
	{
		Code: "MEM-03", Title: "too little memory to boot",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks:  "Memory limits of releases below 150 MiB. What an app needs beyond that, and how large one of its processes may become, no file says: a limit that is large enough to boot is not said to be large enough.",
		Why:    "The VM with its code takes 60 to 120 MiB before the app has done anything; tools such as bin/app rpc take 40 more.",
		Fix:    "set the limit to 256Mi or more",
		Covers: []finding.Code{"MEM-02"},
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				limit := b.Container.At("resources.limits.memory")
				if n, ok := quantity(limit); ok && n < 150<<20 {
					f.At(b.Object, limit, "the container %s may use %s of memory", b.Container.Called, limit)
				}
			}
		},
	},
	{
		Code: "MEM-01", Title: "a port table for a billion files",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Releases with a memory limit below 2 GiB and without +Q, in manifests and project.",
		Why:   "The VM makes its port table as large as the limit on open files. Where the container runtime sets that to a billion, the empty table takes 1.6 GB at boot.",
		Fix:   "set +Q 65536 in rel/vm.args.eex, or in ERL_ZFLAGS",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.OfProject() {
				limit := b.Container.At("resources.limits.memory")
				all := vmFlags(in, b, true)
				if n, ok := quantity(limit); ok && n < 2<<30 && !strings.Contains(all, "+Q ") && !strings.Contains(all, "ulimit") {
					f.At(b.Object, limit, "the container %s may use %s of memory, and on some machines its port table alone takes 1.6 GB", b.Container.Called, limit)
				}
			}
		},
	},
	{
		Code: "MEM-05", Title: "alarms about the machine's memory",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: ":os_mon among extra_applications of a project whose workloads have a memory limit.",
		Why:   "memsup reads the machine's memory and not the container's: it alarms when others use it, and keeps silent when the container is about to be killed.",
		Fix:   "set config :os_mon, start_memsup: false, and watch the container's memory instead",
		Check: machineMemory,
	},
}

// otpVersion is a generation of OTP in an image's name: erlang-25.1, otp-25, erlang:25.
var otpVersion = regexp.MustCompile(`(?:erlang-|otp-|erlang:)(\d+)`)

func oldOTP(in *Input, f *Finder) {
	old, at, what := 0, project.Pos{}, ""
	sure := true
	if d, why := dockerfileOf(in.Project); why == "" {
		if stage, _, ok := d.Release(); ok {
			what = d.Base(stage).Ref.Value
			if m := otpVersion.FindStringSubmatch(what); m != nil {
				old, _ = strconv.Atoi(m[1])
			}
			at = d.Stages[stage].At
		}
	}
	if t, ok := in.Project.Tools["erlang"]; ok && old == 0 {
		v, _, _ := strings.Cut(t.Version, ".")
		old, _ = strconv.Atoi(v)
		at, what, sure = t.At, ".tool-versions", false
	}
	if old == 0 || old >= 24 {
		return
	}
	for _, b := range in.OfProject() {
		limit := b.Container.At("resources.limits.cpu")
		if _, ok := quantity(limit); !ok || strings.Contains(vmFlags(in, b, true), "+S ") {
			continue
		}
		n := f.At(b.Object, limit, "the container %s has a CPU limit, and OTP %d starts a scheduler for each core of the machine", b.Container.Called, old).
			place(in, at, what)
		switch {
		case old == 23:
			n.As(finding.Info, Hint).Cause += " where that has version 2 of cgroups"
		case !sure:
			n.As(finding.Warning, Likely)
		}
	}
}

func spunScale(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		o := in.autoscaler(b.Workload)
		if o == nil || o.Kind != "HorizontalPodAutoscaler" || strings.Contains(vmFlags(in, b, in.ofProject(b)), "+sbwt none") {
			continue
		}
		at := o.At("spec.targetCPUUtilizationPercentage")
		for m := range o.At("spec.metrics").Items() {
			for _, how := range []string{"resource", "containerResource"} {
				if name := m.Key(how).Key("name"); name.String() == "cpu" {
					at = name
				}
			}
		}
		if at.Exists() {
			f.At(b.Object, at, "%s is scaled by its CPU, and its schedulers may wait busily", b.Name).As(finding.Info, Hint)
		}
	}
}

func machineMemory(in *Input, f *Finder) {
	if s := in.Project.Setting("os_mon", "start_memsup"); !s.Absent() {
		return
	}
	for _, b := range in.OfProject() {
		limit := b.Container.At("resources.limits.memory")
		if !limit.Exists() {
			continue
		}
		for _, m := range in.Project.Mixes() {
			for _, i := range m.Extra.Items {
				if i.Value.Is("os_mon") {
					f.In(subjectOf(in.Project), i.Value.At, "os_mon is started, and looks at the machine's memory").Also(limit, "the container has its own limit")
				}
			}
		}
		return
	}
}
