package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// kafka are rules about Broadway's pipelines, most of them about those that read Kafka.
var kafka = []Rule{
	{
		Code: "KAF-01", Title: "batches that outlast a rebalance",
		Severity: finding.Warning, Confidence: Likely, Needs: Project,
		Looks: "batch_timeout: of batchers against the group's rebalance_timeout_seconds, 30 by default.",
		Why:   "When partitions are taken away, the producer waits until all it has handed out is acknowledged, and nobody rejoins meanwhile. A batch that waits longer than the group does makes the next rebalance begin before this one has ended.",
		Fix:   "let batch_timeout be a few seconds, or make rebalance_timeout_seconds longer than the slowest batch",
		Check: slowBatches,
	},
	{
		Code: "KAF-02", Title: "a rebalance for each pod of a rollout",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Kafka pipelines in Deployments with several replicas that are rolled over with pods beyond their number, and without minReadySeconds.",
		Why:   "Each pod that comes and each that goes is a rebalance, and during one nobody reads. With a surge there are two for each pod, one on top of the other.",
		Fix:   "set maxSurge: 0 and minReadySeconds: 30, or run the pipelines in a StatefulSet or with Recreate",
		Check: surging,
	},
	{
		Code: "KAF-03", Title: "more consumers than partitions",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Replicas times the producers' concurrency against the partitions of the topics, where KafkaTopics say them.",
		Why:   "A partition is read by one consumer. Those beyond their number read nothing, and each of them makes rebalances longer.",
		Fix:   "lower replicas or concurrency, or give the topic more partitions",
		Check: idleConsumers,
	},
	{
		Code: "KAF-04", Title: "scaled by a lag that does not go away",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Triggers by Kafka of ScaledObjects: limitToPartitionsWithLag, scaling down without a pause, and, where there is a mix project, a consumerGroup that no pipeline reads as.",
		Why:   "The lag of one busy partition scales up and more pods don't help; and where the number goes down at once, each change is a rebalance, during which the lag grows again.",
		Fix:   "leave a stabilizationWindowSeconds of some minutes, and let maxReplicaCount be the number of partitions",
		Mends: true,
		Check: func(in *Input, f *Finder) {
			flapping(in, f)
			ownGroup(in, f)
		},
	},
	{
		Code: "KAF-05", Title: "a session longer than brokers allow",
		Severity: finding.Warning, Confidence: Likely, Needs: Project,
		Looks: "session_timeout_seconds of a pipeline's group_config above 30 minutes, and as a hint above 5.",
		Why:   "Brokers refuse a session that is longer than their group.max.session.timeout.ms, 30 minutes by default and 5 in old ones: the consumer rejoins for ever.",
		Fix:   "set it below the brokers' limit; work that takes longer belongs into a job",
		Check: longSession,
	},
	{
		Code: "KAF-06", Title: "offsets that are committed later",
		Severity: finding.Info, Confidence: Hint, Needs: Project,
		Looks: "offset_commit_on_ack: false.",
		Why:   "What was done since the last commit, some seconds ago, is done again after a pod is killed.",
		Fix:   "leave it true, or make what is done with a message the same when it is done twice",
		Check: lateCommits,
	},
	{
		Code: "KAF-07", Title: "what came meanwhile is skipped",
		Severity: finding.Info, Confidence: Hint, Needs: Project,
		Looks: "offset_reset_policy: of pipelines: :latest, which is also the default.",
		Why:   "Where the group's offset is gone, for the group is new or was away for longer than offsets are kept, reading begins at the end: everything before is never read, and nothing says so.",
		Fix:   "set offset_reset_policy: :earliest, unless only what is new matters",
		Check: skips,
	},
	{
		Code: "KAF-08", Title: "two pipelines in one group",
		Severity: finding.Warning, Confidence: Certain, Needs: Project,
		Looks: "Pipelines of the same group_id with other topics.",
		Why:   "The members of a group are to have the same topics. With others the coordinator hands out partitions to those who don't want them, and the group rebalances again and again.",
		Fix:   "give each pipeline a group_id of its own",
		Check: sharedGroup,
	},
	{
		Code: "KAF-09", Title: "messages out of their order",
		Severity: finding.Warning, Confidence: Likely, Needs: Project,
		Looks: "partition_by: of Broadway's processors and batchers: set where BroadwayKafka sets it itself, which keeps each partition's order; and absent, with several processors or batchers, where a queue is there for its order: SQS' .fifo queues, and RabbitMQ's with x-single-active-consumer.",
		Why:   "BroadwayKafka.Producer raises where partition_by is set: the pipeline does not start. Other producers hand messages to whichever processor is free, so that two of one key are handled at the same time, or the later one first.",
		Fix:   "give processors and batchers partition_by: a function that gives messages of one key the same number",
		Check: outOfOrder,
	},
}

func slowBatches(in *Input, f *Finder) {
	for _, p := range in.Project.Pipelines {
		limit := 30
		if n := p.Options.Get("group_config").Get("rebalance_timeout_seconds"); !n.Absent() {
			v, ok := n.AsInt()
			if !ok {
				continue
			}
			limit = v
		}
		for _, b := range p.Batchers.Items {
			at := b.Value.Get("batch_timeout")
			if ms, ok := at.AsInt(); ok && ms >= limit*1000 {
				f.In(p.Module, at.At, "a batch of %s waits up to %d s to be full, and a rebalance of the group %d s for it", b.Key, ms/1000, limit)
			}
		}
	}
}

func surging(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		p := in.projectOf(b)
		surge := b.At("spec.strategy.rollingUpdate.maxSurge")
		if len(p.Pipelines) == 0 || b.Kind != "Deployment" || !in.several(b.Workload) || b.At("spec.strategy.type").String() == "Recreate" || surge.String() == "0" || surge.String() == "0%" {
			continue
		}
		if n, ok := b.At("spec.minReadySeconds").Int(); ok && n > 0 {
			continue
		}
		f.At(b.Object, b.At("metadata.name"), "each pod of %s that is replaced joins the group beside the one that leaves it", b.Name).
			place(in, p.Pipelines[0].At, p.Pipelines[0].Module)
	}
}

// partitions are those of topics, as far as KafkaTopics say it.
func (in *Input) partitions(topics project.Fact[[]string]) (n int64, at manifest.Field) {
	if !topics.Known() {
		return 0, at
	}
	known := map[string]manifest.Field{}
	for _, o := range in.Objects.OfKind("KafkaTopic") {
		name := o.At("spec.topicName").String()
		if name == "" {
			name = o.Name
		}
		known[name] = o.At("spec.partitions")
	}
	for _, t := range topics.Value {
		p, ok := known[t].Int()
		if !ok {
			return 0, at
		}
		n, at = n+p, known[t]
	}
	return n, at
}

func idleConsumers(in *Input, f *Finder) {
	for _, p := range in.Project.Pipelines {
		partitions, at := in.partitions(p.Topics)
		concurrency := int64(1)
		if p.Concurrency.Known() {
			concurrency = int64(p.Concurrency.Value)
		}
		if partitions == 0 || p.Concurrency.State == project.Unknown {
			continue
		}
		for _, b := range in.OfProject() {
			n, replicas := in.most(b)
			runs := slices.ContainsFunc(in.projectOf(b).Pipelines, func(q project.Pipeline) bool { return q.At == p.At })
			if !runs || n*concurrency <= partitions {
				continue
			}
			f.At(b.Object, replicas, "%d replicas with %d producers of %s each are %d consumers, and there are %d partitions", n, concurrency, p.Module, n*concurrency, partitions).
				Also(at, "partitions").place(in, p.At, p.Module)
		}
	}
}

func flapping(in *Input, f *Finder) {
	for _, o := range in.Objects.OfKind("ScaledObject") {
		for t := range o.At("spec.triggers").Items() {
			if kind := t.Key("type").String(); kind != "kafka" && kind != "apache-kafka" {
				continue
			}
			window := o.At("spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds")
			pause, paused := window.Int()
			waits, fits := paused && pause >= 120, in.fitsPartitions(o, t)
			if limit := t.At("metadata.limitToPartitionsWithLag"); (limit.True() || limit.String() == "true") && (!waits || !fits) {
				n := f.At(o, limit, "as many pods as there are partitions with a lag are kept: one that is always behind keeps its pod, and others come and go").As(finding.Info, Hint)
				switch {
				case waits:
					n.Mend("let maxReplicaCount be the number of partitions")
				case fits:
					n.Mend("leave a stabilizationWindowSeconds of some minutes")
				}
			}
			if n := pause; paused && n < 60 {
				f.At(o, window, "pods go %d s after the lag does, and each that goes is a rebalance that makes a lag", n).As(finding.Info, Hint)
			}
		}
	}
}

// fitsPartitions says whether all consumers of a ScaledObject at its largest have a partition of a trigger's topic, as far as
// manifests and project say how many there are.
func (in *Input) fitsPartitions(o *manifest.Object, trigger manifest.Field) bool {
	topic, ok := trigger.At("metadata.topic").Text()
	most, limited := o.At("spec.maxReplicaCount").Int()
	partitions, _ := in.partitions(project.Fact[[]string]{State: project.Known, Value: []string{topic}})
	if !ok || !limited || partitions == 0 {
		return false
	}
	each := int64(1)
	if in.Project != nil {
		for _, p := range in.Project.Pipelines {
			if p.Concurrency.State == project.Unknown {
				return false
			}
			each = max(each, int64(p.Concurrency.Value))
		}
	}
	return most*each <= partitions
}

func longSession(in *Input, f *Finder) {
	for _, p := range in.Project.Pipelines {
		at := p.Options.Get("group_config").Get("session_timeout_seconds")
		n, ok := at.AsInt()
		switch {
		case !ok || n <= 300:
		case n > 1800:
			f.In(p.Module, at.At, "the session lasts %d s, and brokers allow 1800 unless they are told otherwise", n)
		default:
			f.In(p.Module, at.At, "the session lasts %d s: old brokers allow 300, and a pod that is killed keeps its partitions for as long", n).As(finding.Info, Hint)
		}
	}
}

func lateCommits(in *Input, f *Finder) {
	for _, p := range in.Project.Pipelines {
		if at := p.Options.Get("offset_commit_on_ack"); at.Is("false") {
			f.In(p.Module, at.At, "%s commits its offsets now and then", p.Module)
		}
	}
}

func skips(in *Input, f *Finder) {
	for _, p := range in.Project.Pipelines {
		at := p.Options.Get("offset_reset_policy")
		switch {
		case at.Is("latest"):
			f.In(p.Module, at.At, "where the group has no offset, %s begins at the end", p.Module)
		case at.Absent() && p.Options.Keyword():
			f.In(p.Module, p.At, "where the group has no offset, %s begins at the end: that is the default", p.Module)
		}
	}
}

func sharedGroup(in *Input, f *Finder) {
	all := in.Project.Pipelines
	for i, p := range all {
		for _, q := range all[:i] {
			if !p.Group.Known() || !q.Group.Known() || p.Group.Value != q.Group.Value || !p.Topics.Known() || !q.Topics.Known() || sameTopics(p, q) {
				continue
			}
			f.In(p.Module, p.Group.At, "%s and %s are both in the group %s and read other topics", q.Module, p.Module, p.Group.Value).place(in, q.Group.At, q.Module)
		}
	}
}

func sameTopics(p, q project.Pipeline) bool {
	have := map[string]bool{}
	for _, t := range p.Topics.Value {
		have[t] = true
	}
	for _, t := range q.Topics.Value {
		if !have[t] {
			return false
		}
	}
	return len(p.Topics.Value) == len(q.Topics.Value)
}

// outOfOrder finds pipelines that lose the order in which messages come, or that do not start for they mean to keep it.
func outOfOrder(in *Input, f *Finder) {
	for _, p := range in.Project.Pipelines {
		for _, part := range stages(p) {
			if by := part.Value.Get("partition_by"); !by.Absent() {
				f.In(p.Module, by.At, "%s sets partition_by:, which BroadwayKafka.Producer sets itself: it raises, and the pipeline does not start", p.Module).
					Mend("take partition_by: out: messages of one partition go to one processor already")
			}
		}
	}
	for _, p := range in.Project.Others {
		queue, at := inOrder(p)
		if queue == "" || !p.Partition.Absent() {
			continue
		}
		for _, part := range stages(p) {
			n, known := part.Value.Get("concurrency").AsInt()
			if !part.Value.Keyword() && part.Value.Kind != project.ExprList || !part.Value.Get("partition_by").Absent() || known && n < 2 {
				continue
			}
			f.In(p.Module, part.KeyAt, "%s takes messages of %s by several of %s at once, without partition_by: their order is lost", p.Module, queue, part.Key).
				As(finding.Info, Hint).place(in, at, "the queue")
			break
		}
	}
}

// stages are a pipeline's processors and batchers. Batchers are one each unless they say otherwise.
func stages(p project.Pipeline) (all []project.Item) {
	all = slices.Clone(p.Processors.Items)
	for _, b := range p.Batchers.Items {
		if !b.Value.Get("concurrency").Absent() || !b.Value.Get("partition_by").Absent() {
			all = append(all, b)
		}
	}
	return slices.DeleteFunc(all, func(i project.Item) bool { return !i.Keyed() })
}

// inOrder is what a producer reads where that is a queue which somebody made for its order; empty for all others.
func inOrder(p project.Pipeline) (queue string, at project.Pos) {
	switch p.Producer {
	case "BroadwaySQS.Producer":
		url := p.Options.Get("queue_url")
		if t, ok := url.AsText(); ok && strings.HasSuffix(t, ".fifo") {
			return "a FIFO queue", url.At
		}
	case "BroadwayRabbitMQ.Producer":
		for _, i := range p.Options.Get("declare").Get("arguments").Items {
			if t, ok := first(i.Value).AsText(); ok && t == "x-single-active-consumer" {
				return "a queue with a single active consumer", i.Value.At
			}
		}
	}
	return "", project.Pos{}
}

// first is the first of a tuple; absent where there is none.
func first(e project.Expr) project.Expr {
	if e.Kind != project.ExprTuple || len(e.Items) == 0 {
		return project.Expr{}
	}
	return e.Items[0].Value
}
