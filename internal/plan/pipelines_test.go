package plan

import (
	"testing"

	"github.com/phialdev/phial/api/v1alpha1"
)

// The API refuses more replicas than partitions; a plan of what got past it starts no
// idle pods all the same.
func TestPipelineReplicas(t *testing.T) {
	p := func(n int32) *int32 { return &n }
	tests := []struct {
		name                              string
		replicas, least, most             *int32
		partitions                        *int32
		concurrency                       int32
		wantReplicas, wantLeast, wantMost int32
	}{
		{name: "as they come", replicas: p(3), least: p(1), concurrency: 1, wantReplicas: 3, wantLeast: 1},
		{name: "own bounds", replicas: p(3), least: p(0), most: p(7), concurrency: 1, wantReplicas: 3, wantLeast: 0, wantMost: 7},
		{name: "partitions bound", replicas: p(1), least: p(1), partitions: p(12), concurrency: 1, wantReplicas: 1, wantLeast: 1, wantMost: 12},
		{name: "the lower bound counts", replicas: p(1), least: p(1), most: p(5), partitions: p(12), concurrency: 1, wantReplicas: 1, wantLeast: 1, wantMost: 5},
		{name: "too many", replicas: p(20), least: p(13), most: p(30), partitions: p(12), concurrency: 1, wantReplicas: 12, wantLeast: 12, wantMost: 12},
		{name: "several a pod", replicas: p(4), least: p(1), most: p(4), partitions: p(12), concurrency: 5, wantReplicas: 2, wantLeast: 1, wantMost: 2},
		{name: "more in one pod than there are", replicas: p(2), least: p(1), partitions: p(3), concurrency: 8, wantReplicas: 1, wantLeast: 1, wantMost: 1},
		{name: "none wanted", replicas: p(0), least: p(0), partitions: p(3), concurrency: 1, wantReplicas: 0, wantLeast: 0, wantMost: 3},
	}
	for _, tt := range tests {
		spec := &v1alpha1.PipelineSpec{
			Replicas: tt.replicas, MinReplicas: tt.least, MaxReplicas: tt.most,
			Kafka: &v1alpha1.KafkaSpec{Partitions: tt.partitions, Concurrency: tt.concurrency},
		}
		least, most := pipelineBounds(spec)
		if n := pipelineReplicas(spec); n != tt.wantReplicas || least != tt.wantLeast || most != tt.wantMost {
			t.Errorf("%s: %d replicas, from %d to %d; want %d, from %d to %d", tt.name, n, least, most, tt.wantReplicas, tt.wantLeast, tt.wantMost)
		}
	}
}

// The next replica leaves when the last is gone, within what the API takes.
func TestScaleDownPeriod(t *testing.T) {
	for _, tt := range []struct{ delay, drain, stop, want int32 }{
		{5, 25, 20, 60},
		{5, 100, 20, 125},
		{20, 3600, 60, 1800},
	} {
		s := newSettings(&v1alpha1.BeamApp{Spec: v1alpha1.BeamAppSpec{Shutdown: v1alpha1.ShutdownSpec{
			EndpointDelaySeconds: &tt.delay, DrainTimeoutSeconds: &tt.drain, StopTimeoutSeconds: &tt.stop,
		}}}, Options{})
		if got := s.scaleDownPeriod(s.nodes); got != tt.want {
			t.Errorf("%+v: %d seconds", tt, got)
		}
	}
}
