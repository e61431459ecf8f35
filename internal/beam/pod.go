package beam

// Environment names that matter where the whole environment is Phial's to write: in
// a pod. Elixir's start script puts ELIXIR_ERL_OPTIONS in front of vm.args; erl puts
// ERL_AFLAGS in front of everything and ERL_ZFLAGS behind it.
const (
	EnvElixirErlOptions    = "ELIXIR_ERL_OPTIONS"
	EnvErlFlags            = "ERL_FLAGS"
	EnvErlZFlags           = "ERL_ZFLAGS"
	EnvErlEPMDAddress      = "ERL_EPMD_ADDRESS"       // addresses that epmd listens on, besides loopback
	EnvErlCrashDumpSeconds = "ERL_CRASH_DUMP_SECONDS" // how long a crash dump may take to write
	EnvReleaseRemoteVMArgs = "RELEASE_REMOTE_VM_ARGS" // vm.args of bin/APP rpc, remote, stop and pid
	EnvLibclusterDomain    = "CLUSTER_DOMAIN"         // read by libcluster's Kubernetes strategies
	EnvDNSClusterQuery     = "DNS_CLUSTER_QUERY"      // read by config/runtime.exs as Phoenix writes it
	EnvPhoenixHost         = "PHX_HOST"
	EnvPhoenixServer       = "PHX_SERVER"
	EnvPort                = "PORT"
	EnvPodName             = "POD_NAME"
	EnvPodNamespace        = "POD_NAMESPACE"
	EnvPodIP               = "POD_IP"
	EnvPhialApp            = "PHIAL_APP"     // metadata.name of the BeamApp
	EnvPhialService        = "PHIAL_SERVICE" // its headless Service
	EnvPhialKafkaBrokers   = "PHIAL_KAFKA_BROKERS"
	EnvPhialKafkaGroup     = "PHIAL_KAFKA_GROUP"
	EnvPhialKafkaTopics    = "PHIAL_KAFKA_TOPICS"
	FlagERLEPMDPort        = "erl_epmd_port"    // -erl_epmd_port: the port of every node, where there is no EPMD
	FlagEPMDModule         = "epmd_module"      // -epmd_module: what stands in for EPMD
	FlagDistListen         = "dist_listen"      // -dist_listen false: dials and does not listen
	FlagTLSDistOptions     = "ssl_dist_optfile" // -ssl_dist_optfile: options of inet_tls and inet6_tls
	FlagMaxPorts           = "+Q"
	FlagSchedulerBusyWait  = "+sbwt"
	FlagDirtyCPUBusyWait   = "+sbwtdcpu"
	FlagDirtyIOBusyWait    = "+sbwtdio"
	DistributionNone       = "none"              // RELEASE_DISTRIBUTION of what is no node
	AgentProbePort         = 9110                // TCP port where the agent answers probes and /metrics
	AgentPeerPort          = 9111                // TCP port where agents talk to one another
	LoopbackInterfaceIPv4  = "{127,0,0,1}"       // as inet_dist_use_interface wants it
	LoopbackInterfaceIPv6  = "{0,0,0,0,0,0,0,1}" // as inet_dist_use_interface wants it
)

// What Phial tells the agent beside a node.
const (
	EnvPhialDomain        = "PHIAL_DOMAIN"     // full DNS name of the headless Service
	EnvPhialDistPorts     = "PHIAL_DIST_PORTS" // FIRST-LAST
	EnvPhialJoin          = "PHIAL_JOIN"
	EnvPhialGate          = "PHIAL_GATE"
	EnvPhialOnPartition   = "PHIAL_ON_PARTITION"
	EnvPhialEPMD          = "PHIAL_EPMD"
	EnvPhialTLS           = "PHIAL_TLS" // directory of tls.crt, tls.key and ca.crt
	EnvPhialHealthPath    = "PHIAL_HEALTH_PATH"
	EnvPhialEndpointDelay = "PHIAL_ENDPOINT_DELAY_SECONDS"
	EnvPhialDrainTimeout  = "PHIAL_DRAIN_TIMEOUT_SECONDS"
	EnvPhialDrainHook     = "PHIAL_DRAIN_HOOK"       // Module.function
	EnvPhialAgentKeyFile  = "PHIAL_AGENT_KEY_FILE"   // key of the agents among themselves; AgentKey beside the cookie's file by default
	EnvPhialAgentBin      = "PHIAL_AGENT_BIN"        // directory that the agent copies itself to; DefaultAgentBin by default
	EnvPhialAgentRun      = "PHIAL_AGENT_RUN"        // directory of its sockets; DefaultAgentRun by default
	EnvPhialAgentProbe    = "PHIAL_AGENT_PROBE_PORT" // AgentProbePort by default
	EnvPhialLogFormat     = "PHIAL_LOG_FORMAT"       // of the agent: "text", the default, or "json"
	AgentKey              = "agent-key"              // key in the cookie's Secret
	AgentBinary           = "phial-agent"            // name of the agent's program
	DefaultAgentBin       = "/phial/bin"
	DefaultAgentRun       = "/var/run/phial/agent"
	AgentBootedPath       = "/booted" // 200 once the node has booted
	AgentReadyPath        = "/ready"  // 200 while the gate is open
)
