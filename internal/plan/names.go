package plan

// Labels of every object, as Kubernetes recommends them
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
const (
	LabelName      = "app.kubernetes.io/name"       // of the app; on every object of it
	LabelInstance  = "app.kubernetes.io/instance"   // of the workload: APP or APP-PIPELINE
	LabelComponent = "app.kubernetes.io/component"  // ComponentNode and so on, on what belongs to one
	LabelManagedBy = "app.kubernetes.io/managed-by" // ManagedBy
	LabelVersion   = "app.kubernetes.io/version"    // the image's tag, where that can be a label; on workloads and pods
	ManagedBy      = "phial"
)

// Values of LabelComponent.
const (
	ComponentNode      = "node"      // the serving replicas
	ComponentPipeline  = "pipeline"  // a pipeline's
	ComponentMigration = "migration" // the job before a rollout
)

// Containers of a pod.
const (
	ContainerApp   = "app"         // the release
	ContainerAgent = "phial-agent" // the agent beside it
)

// Names of container ports, and of the Services' ports. Those of distribution begin
// with tcp- so that Istio takes them for what they are.
const (
	PortHTTP        = "http"
	PortEPMD        = "epmd"
	PortDist        = "dist"
	PortAgentProbe  = "agent-probe"
	PortAgentPeer   = "agent-peer"
	ServicePortEPMD = "tcp-epmd"
	ServicePortDist = "tcp-dist"
)

// Keys of the cookie's Secret.
const (
	CookieKey         = "cookie"    // the cookie of now
	CookieNextKey     = "next"      // the one to come, during a rotation
	CookieSwitchAtKey = "switchAt"  // when it comes
	AgentKey          = "agent-key" // by which the agents know one another; not the cookie's business
)

// Paths in the app's container, and what lies there.
const (
	PathTmp       = "/tmp"                  // emptyDir; HOME
	PathRelease   = "/tmp/release"          // RELEASE_TMP
	PathCookie    = "/var/run/phial/cookie" // the cookie's Secret, one file a key
	PathCrash     = "/var/crash/phial"      // emptyDir
	PathVM        = "/etc/phial/vm"         // the ConfigMap
	PathTLS       = "/etc/phial/tls"        // the Secret of distribution over TLS
	PathAgentBin  = "/phial/bin"            // the agent's binary, for probes and hooks by exec
	PathAgentRun  = "/var/run/phial/agent"  // the agent's socket
	FileCrashDump = PathCrash + "/erl_crash.dump"
)

// Files of the ConfigMap.
const (
	FileTLSOptions   = "ssl_dist.conf"
	FileRemoteVMArgs = "remote.vm.args"
)

// HeadlessServiceName is the Service that lists the replicas of a Clustered app by
// address and name, ready or not. Stable names have it as their domain.
func HeadlessServiceName(app string) string { return app + "-headless" }

// CookieSecretName is the Secret that the cookie is kept in where the BeamApp names no
// other.
func CookieSecretName(app string) string { return app + "-cookie" }

// ConfigMapName is the ConfigMap of files that the VM reads.
func ConfigMapName(app string) string { return app + "-vm" }

// PipelineName is the Deployment of a pipeline, and its budget and ScaledObject.
func PipelineName(app, pipeline string) string { return app + "-" + pipeline }
