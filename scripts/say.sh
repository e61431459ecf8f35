# What the demos share; they read it from the checkout's folder.

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
run() {
	printf '$ %s\n' "$*"
	"$@"
}
# expect STATUS COMMAND...: the demo fails if a command ends otherwise.
expect() {
	want=$1
	shift
	printf '$ %s\n' "$*"
	got=0
	"$@" || got=$?
	if [ "$got" != "$want" ]; then
		echo "$(basename "$0" .sh): '$*' ended with status $got, expected $want" >&2
		exit 1
	fi
}
