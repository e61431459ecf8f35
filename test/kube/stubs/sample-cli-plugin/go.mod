// sample-cli-plugin is not on the module proxy and nothing here imports it: k8s.io/kubernetes only names it.
module k8s.io/sample-cli-plugin

go 1.24
