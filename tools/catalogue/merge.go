package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
)

// entry is a value that holds from one release on and before another; empty is open.
type entry struct{ value, since, before string }

// merge writes {"releases": […], "kinds": {…}, "types": {…}}, one kind or struct a line, so that a change is readable as a difference.
func merge(arguments []string) {
	var releases []string
	var dumps []dump
	for _, argument := range arguments {
		release, file, _ := strings.Cut(argument, "=")
		data, err := os.ReadFile(file)
		fail(err)
		var one dump
		fail(json.Unmarshal(data, &one))
		releases, dumps = append(releases, release), append(dumps, one)
	}
	kinds, types := map[string]string{}, map[string]string{}
	for kind := range union(dumps, func(one dump) map[string]string { return one.Kinds }) {
		var entries []entry
		for at, one := range dumps {
			if value, found := one.Kinds[kind]; found {
				entries = add(entries, value, releases, at)
			}
		}
		kinds[kind] = join(entries, " ~", "|")
	}
	for name := range union(dumps, func(one dump) map[string][]field { return one.Types }) {
		types[name] = fieldsOf(name, dumps, releases)
	}
	var out bytes.Buffer
	releasesText, err := json.Marshal(releases)
	fail(err)
	fmt.Fprintf(&out, "{\"releases\": %s,\n\"kinds\": {\n%s},\n\"types\": {\n%s}}\n", releasesText, lines(kinds), lines(types))
	os.Stdout.Write(out.Bytes())
}

func union[V any](dumps []dump, of func(dump) map[string]V) map[string]bool {
	keys := map[string]bool{}
	for _, one := range dumps {
		for key := range of(one) {
			keys[key] = true
		}
	}
	return keys
}

// add appends a value that holds in release `at`, or lengthens the last entry.
func add(entries []entry, value string, releases []string, at int) []entry {
	before := ""
	if at+1 < len(releases) {
		before = releases[at+1]
	}
	if last := len(entries) - 1; last >= 0 && entries[last].value == value && entries[last].before == releases[at] {
		entries[last].before = before
		return entries
	}
	since := ""
	if at > 0 {
		since = releases[at]
	}
	return append(entries, entry{value, since, before})
}

func join(entries []entry, mark, between string) string {
	var parts []string
	for _, one := range entries {
		text := one.value
		if one.since != "" || one.before != "" {
			text += mark + one.since + "-" + one.before
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, between)
}

func fieldsOf(name string, dumps []dump, releases []string) string {
	var order []string
	for at := len(dumps) - 1; at >= 0; at-- { // the order of the newest release
		for _, one := range dumps[at].Types[name] {
			if !slices.Contains(order, one.Name) {
				order = append(order, one.Name)
			}
		}
	}
	var parts []string
	own, _, _ := strings.Cut(name, ".")
	for _, wanted := range order {
		var entries []entry
		for at, one := range dumps {
			for _, found := range one.Types[name] {
				if found.Name == wanted {
					entries = add(entries, strings.ReplaceAll(wanted+":"+found.Spec, "@"+own+".", "@"), releases, at)
				}
			}
		}
		parts = append(parts, join(entries, "~", " "))
	}
	return strings.Join(parts, " ")
}

func lines(values map[string]string) string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var out []string
	for _, key := range keys {
		text, err := json.Marshal(values[key])
		fail(err)
		out = append(out, fmt.Sprintf("%q: %s", key, text))
	}
	return strings.Join(out, ",\n")
}
