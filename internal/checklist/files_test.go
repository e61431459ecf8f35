package checklist

import (
	"strings"
	"testing"
)

// What the files of a project say.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name, line string
		files      map[string]string
		state      State
		want       string // in the text of the line
	}{
		{"release by default", "release", with(), Passed, "mix's default release"},
		{"releases that are computed", "release", with("mix.exs", computedMix), NotKnown, "mix.exs:3:61: the releases are computed"},
		{"an umbrella without", "release", with("mix.exs", umbrellaMix), Failed, "an umbrella without releases"},
		{"a library", "release", with("mix.exs", libraryMix), Failed, "nothing starts"},
		{"nobody starts the endpoint", "release", with("mix.exs", phoenixMix, "config/runtime.exs", "import Config\n"), Failed, "mix.exs:3:58: nothing starts Phoenix's endpoint"},
		{"PHX_SERVER", "release", with("mix.exs", phoenixMix, "config/runtime.exs", runtime4000), Passed, "config/runtime.exs:2:4: the endpoint is started"},
		{"no runtime.exs", "release", with("mix.exs", phoenixMix), Failed, "config/runtime.exs: not there"},
		{"read when it is built", "release", with("config/prod.exs", "import Config\nconfig :shop, url: System.get_env(\"DATABASE_URL\")\n", "config/config.exs", "import Config\nimport_config \"prod.exs\"\n"), Failed, "DATABASE_URL is read when the release is built"},

		{"no Dockerfile", "image", with(), NotKnown, "phial build makes the image"},
		{"a good Dockerfile", "image", with("Dockerfile", docker, ".dockerignore", "_build\n"), NotKnown, "passed: Dockerfile:3:1: 2 stages\npassed: Dockerfile:1:1: bases are pinned\npassed: .dockerignore"},
		{"one stage", "image", with("Dockerfile", "FROM elixir:1.18.4\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: one stage"},
		{"a base that moves", "image", with("Dockerfile", "FROM elixir:1.18 AS b\nFROM debian:latest\n", ".dockerignore", ""), Failed, "Dockerfile:2:1: base debian:latest is another one tomorrow"},
		{"a base without a tag", "image", with("Dockerfile", "FROM elixir AS b\nFROM alpine:3.20\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: base elixir is another"},
		{"a base from an argument", "image", with("Dockerfile", "ARG V=1.18.4\nFROM elixir:${V} AS b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "bases are pinned"},
		{"an argument with a default of its own", "image", with("Dockerfile", "FROM elixir:${V:-1.18.4} AS b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "bases are pinned"},
		{"an argument without a default", "image", with("Dockerfile", "ARG V\nFROM elixir:$V AS b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "base elixir:$V is only known"},
		{"an argument that is empty", "image", with("Dockerfile", "ARG A=\nfrom $A as b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "Dockerfile:2:1: base $A is only known"},
		{"a stage that begins with another", "image", with("Dockerfile", "FROM elixir:1.18.4 AS deps\n  FROM DEPS\n", ".dockerignore", ""), NotKnown, "passed: Dockerfile:2:3: 2 stages\npassed: Dockerfile:1:1: bases are pinned"},
		{"a line that goes on", "image", with("Dockerfile", "FROM \\\n  elixir AS b\nFROM alpine:3.20\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: base elixir is another"},
		{"a FROM in a heredoc", "image", with("Dockerfile", "FROM elixir:1.18.4\nRUN <<E\nFROM debian\nE\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: one stage"},
		{"a Dockerfile that is broken", "image", with("Dockerfile", "FROM a:1\nRUN <<E\nnever\n"), NotKnown, "not known: Dockerfile:2: could not be read: "},
		{"a Dockerfile that is empty", "image", with("Dockerfile", ""), NotKnown, "could not be read: "},
		{"a Dockerfile of another name", "image", with("Dockerfile.dev", "FROM elixir\n"), NotKnown, "no Dockerfile: phial build"},
		{"no .dockerignore", "image", with("Dockerfile", docker), Failed, ".dockerignore: not there"},
		{"no lock", "image", with("mix.exs", phoenixMix), Failed, "mix.lock: not there"},
		{"a lock", "image", with("mix.exs", phoenixMix, "mix.lock", "%{}\n"), NotKnown, "was not tried"},

		{"nothing is decided", "clustering", with(), NotKnown, "nothing says whether"},
		{"nothing connects Horde", "clustering", with("mix.exs", hordeMix), NotKnown, "horde among the dependencies, and nothing seen connects nodes"},

		{"no CI, no repository", "ci", with(), NotKnown, "no .git here"},
		{"no CI", "ci", with(".git/HEAD", "ref: refs/heads/main\n", ".git/config", ""), Failed, "no workflow"},
		{"CI of another kind", "ci", with("Jenkinsfile", "pipeline {}"), NotKnown, "Jenkinsfile: there, and not read here"},
		{"tests alone", "ci", with(workflows, "jobs:\n  test:\n    steps:\n    - run: mix test\n"), Failed, "builds a release or an image"},
		{"builds and pushes a commit", "ci", with(workflows, "    - run: docker build -t r/shop:${{ github.sha }} .\n    - run: docker push r/shop:${{ github.sha }}\n"), Passed, "ci.yml:1:12: builds: docker build"},
		{"pushes latest", "ci", with(workflows, "    - run: docker build -t r/shop:latest .\n    - run: docker push r/shop:latest\n"), Failed, "ci.yml:1:28: the tag is latest"},
		{"a tag that can't be told", "ci", with(workflows, "    - run: docker build -t r/shop .\n    - run: docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"an action that pushes", "ci", with(workflows, "    - uses: docker/metadata-action@v5\n    - uses: docker/build-push-action@v6\n      with:\n        push: true\n"), Passed, "ci.yml:4:9: pushes: push: true"},
		{"an action, as it is written", "ci", with(workflows, "    - uses: docker/build-push-action@263435318d21b8e681c14492fe198d362a7d2c83\n"), Failed, "builds: docker/build-push-action@263435318d21b8e681c14492fe198d362a7d2c83\n"},
		{"an action of a version", "ci", with(workflows, "    - uses: docker/bake-action@v6.1\n"), Failed, "builds: docker/bake-action@v6.1\n"},
		{"an action that pushes latest", "ci", with(workflows, "    - uses: docker/build-push-action@v6\n      with:\n        push: true\n        tags: r/shop:latest\n"), Failed, "ci.yml:4:9: the tag is latest"},
		{"a script of several lines", "ci", with(workflows, "    - run: |\n        # docker push r/shop:latest\n        docker build -t r/shop:$SHA .\n        docker push r/shop:$SHA # not latest\n"), Passed, "ci.yml:3:9: builds: docker build\npassed: .github/workflows/ci.yml:4:9: pushes: docker push\npassed: .github/workflows/ci.yml:3:31: tags by version or commit: :$SHA"},
		{"latest in a comment", "ci", with(workflows, "    - run: |\n        #docker tag r/shop r/shop:latest\n        docker build . # -t r/shop:latest\n        docker push r/shop\n"), NotKnown, "ci.yml:4:9: could not tell whether the tag"},
		{"an image that a variable names", "ci", with(workflows, "    - env: {IMAGE: \"r/shop:${{ github.sha }}\"}\n      run: docker build -t $IMAGE . && docker push $IMAGE\n"), Passed, "ci.yml:2:28: tags by version or commit: r/shop:${{ github.sha }}"},
		{"an image that the workflow names", "ci", with(workflows, "env: {IMAGE: \"r/shop:latest\"}\njobs: {a: {steps: [{run: docker build -t $IMAGE . && docker push $IMAGE}]}}\n"), Failed, "the tag is latest"},
		{"a commit that names no image", "ci", with(workflows, "    - run: echo ${{ github.sha }}\n    - run: docker build -t r/shop . && docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"a commit that is given to a target", "ci", with(workflows, "    - run: docker build . && make push TAG=${{ github.sha }}\n    - run: docker push r/shop\n"), Passed, "tags by version or commit: github.sha"},
		{"a commit that git tells", "ci", with(workflows, "    - run: docker build -t r/shop:$(git rev-parse HEAD) . && docker push r/shop:$(git rev-parse HEAD)\n"), Passed, "tags by version or commit"},
		{"buildah and skopeo", "ci", with(workflows, "    - run: buildah bud -t shop .\n    - run: skopeo copy containers-storage:shop docker://r/shop:$GITHUB_SHA\n"), Passed, "ci.yml:2:12: pushes: skopeo copy"},
		{"buildah, latest", "ci", with(workflows, "    - run: buildah bud -t shop .\n    - run: buildah push shop docker://r/shop:latest\n"), Failed, "the tag is latest"},
		{"one that is broken beside a good one", "ci", with(workflows, "    - run: docker build -t r/shop:$SHA . && docker push r/shop:$SHA\n", ".github/workflows/other.yml", "jobs: [\n"), NotKnown, "other.yml:1: could not be read: it is no YAML"},
		{"one that is broken beside tests", "ci", with(workflows, "    - run: mix test\n", ".github/workflows/other.yml", "jobs: [\n"), NotKnown, "other.yml:1: could not be read: it is no YAML"},
		{"a line that goes on", "ci", with(workflows, "    - run: |\n        docker buildx build \\\n          --push \\\n          -t r/shop:latest .\n"), Failed, "ci.yml:3:11: pushes: --push\nfailed: .github/workflows/ci.yml:2:9: the tag is latest"},
		{"a folded script", "ci", with(workflows, "    - run: >\n        docker push\n        r/shop:latest\n"), Failed, "ci.yml:2:1: pushes: docker push"},
		{"a step that is only called so", "ci", with(workflows, "    - name: docker build and docker push\n      run: mix test\n"), Failed, "builds a release or an image"},
		{"what is run is no name of the image", "ci", with(workflows, "    - run: docker run postgres:latest\n    - run: docker build -t r/shop . && docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"a workflow that is broken", "ci", with(workflows, "jobs: [\n"), NotKnown, "ci.yml:1: could not be read: it is no YAML: did not find expected node content"},
		{"a workflow that includes others", "ci", with(".gitlab-ci.yml", "include: [build.yml]\n"), NotKnown, ".gitlab-ci.yml: there, and not read here"},
		{"what is commented out", "ci", with(workflows, "    # - run: docker build .\n    - run: mix test # docker push\n"), Failed, "builds a release or an image"},
		{"gitlab", "ci", with(".gitlab-ci.yml", "image:\n  script:\n  - docker build -t $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA .\n  - docker push $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA\n"), Passed, ".gitlab-ci.yml:3:41: tags by version or commit: CI_COMMIT_SHA"},
		{"phial build", "ci", with(workflows, "    - run: phial build . --push registry.example.com/shop\n"), Passed, "builds: phial build"},

		{"a cookie in mix.exs", "cookie", with("mix.exs", cookieMix), Failed, "mix.exs:3:77: the release's cookie stands in mix.exs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := line(t, input(t, c.files), c.line)
			if got := say(l); l.State != c.state || !strings.Contains(got, c.want) {
				t.Errorf("want %s with %q, got:\n%s", c.state, c.want, got)
			}
			for _, s := range []string{"for-all-to-read"} {
				if strings.Contains(say(l), s) {
					t.Errorf("the cookie is shown: %s", say(l))
				}
			}
		})
	}
}

// clusterFiles are of an app whose libcluster looks up a Service.
func clusterFiles(service string) map[string]string {
	return with("mix.exs", strings.ReplaceAll(hordeMix, "horde", "libcluster"),
		"config/runtime.exs", "import Config\nconfig :libcluster,\n  topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [application_name: \"shop\", service: \""+service+"\"]]]\n")
}

// branched are of an app whose libcluster looks up one Service or another.
func branched(yes, no string) map[string]string {
	files := clusterFiles(yes)
	const file = "config/runtime.exs"
	_, topology, _ := strings.Cut(files[file], "\n")
	files[file] = "import Config\nif System.get_env(\"X\") do\n" + topology + "else\n" + strings.Replace(topology, yes+"\"]", no+"\"]", 1) + "end\n"
	return files
}
