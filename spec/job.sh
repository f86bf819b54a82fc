#!/bin/sh
# spec/job.sh FOLDER COMMAND... NUMBER NAME: for spec/run.sh: runs the command with NAME in the place of "%"; what it
# prints is FOLDER/NUMBER.out then, how it ended NUMBER.status, and NAME NUMBER.name.
folder=$1; shift
for name; do
    number=$previous
    previous=$name
done
left=$(($# - 2))
for word; do
    shift
    [ "$left" -gt 0 ] || continue
    left=$((left - 1))
    [ "$word" = % ] && word=$name
    set -- "$@" "$word"
done
"$@" >"$folder/$number.out" 2>&1 </dev/null
status=$?
echo "$name" >"$folder/$number.name"
echo "$status" >"$folder/$number.status"
