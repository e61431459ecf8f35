package beam

// What Phial tells a release beside what the BEAM itself reads.
const (
	// EnvPhialCookieFile names the file that the cookie is read from by rel/env.sh.eex
	// as `phial init` writes it. RELEASE_COOKIE is that of the process's start; the file
	// is that of now.
	EnvPhialCookieFile = "PHIAL_COOKIE_FILE"
	// DefaultCookieFile is where that file is when EnvPhialCookieFile is not set.
	DefaultCookieFile = "/var/run/phial/cookie/cookie"
	// EnvPhialPipeline tells a pod which of the app's pipelines it runs.
	EnvPhialPipeline = "PHIAL_PIPELINE"
)
