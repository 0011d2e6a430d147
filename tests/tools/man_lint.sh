#!/bin/sh
# Every man page is clean for mandoc -Tlint.  References to our own pages are
# checked here, since mandoc looks for installed ones only.
set -u
dir=$1
command -v mandoc >/dev/null || {
	echo "mandoc is not installed: skipped"
	exit 77
}
bad=0
for page in "$dir"/*.[0-9]; do
	found=$(mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found')
	[ -z "$found" ] || {
		echo "$found"
		bad=1
	}
	for ref in $(sed -n 's/^\.Xr \([a-z.]*\) \([0-9]\).*/\1.\2/p' "$page"); do
		[ -e "$dir/$ref" ] || case $ref in
		systemd* | sd_*) ;;
		*)
			echo "$page: there is no $ref"
			bad=1
			;;
		esac
	done
done
exit $bad
