// sample-apiserver is not on the module proxy and nothing here imports it: k8s.io/kubernetes only names it.
module k8s.io/sample-apiserver

go 1.24
