// Command catalogue writes the typed catalogue of the built-in kinds.
//
//	catalogue dump DISCOVERY > 1.37.json   reflects over k8s.io/api of the release this program is built with
//	catalogue merge 1.30=1.30.json …       one compact file of several dumps, oldest first
//
// DISCOVERY is the folder api/discovery of k8s.io/kubernetes of the same release: names of resources, scope, sub-resources.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// field is one JSON field of a struct: Spec holds its flags and its type as the catalogue writes them.
type field struct{ Name, Spec string }

// dump is what one release knows. Kinds are "group/version Kind" to "plural scope type sub-resource…".
type dump struct {
	Kinds map[string]string
	Types map[string][]field
}

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: catalogue dump DISCOVERY | catalogue merge RELEASE=FILE…"))
	}
	if os.Args[1] == "merge" {
		merge(os.Args[2:])
		return
	}
	out := dump{Kinds: map[string]string{}, Types: map[string][]field{}}
	out.discover(os.Args[2])
	data, err := json.Marshal(out)
	fail(err)
	os.Stdout.Write(data)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type resource struct {
	Kind, Name, Group, Version string
	Namespaced                 bool
}

func (d *dump) discover(folder string) {
	files, err := filepath.Glob(filepath.Join(folder, "api*__v*.json"))
	fail(err)
	more, err := filepath.Glob(filepath.Join(folder, "apis__*__v*.json"))
	fail(err)
	seen := map[string]bool{}
	for _, file := range append(files, more...) {
		if seen[file] {
			continue
		}
		seen[file] = true
		data, err := os.ReadFile(file)
		fail(err)
		var list struct {
			GroupVersion string
			Resources    []resource
		}
		fail(json.Unmarshal(data, &list))
		d.group(list.GroupVersion, list.Resources)
	}
}

func (d *dump) group(groupVersion string, resources []resource) {
	subresources := map[string][]string{}
	for _, one := range resources {
		if name, sub, found := strings.Cut(one.Name, "/"); found {
			subresources[name] = append(subresources[name], sub)
		}
	}
	for _, one := range resources {
		kind := groupVersion + " " + one.Kind
		parsed, err := schema.ParseGroupVersion(groupVersion)
		fail(err)
		name, scope, subs := one.Name, "c", subresources[one.Name]
		if one.Namespaced {
			scope = "n"
		}
		if strings.Contains(name, "/") {
			// The kind of a sub-resource only (Eviction, Scale) stands without a resource of its own.
			if one.Version != "" {
				parsed = schema.GroupVersion{Group: one.Group, Version: one.Version}
				kind = parsed.String() + " " + one.Kind
			}
			if _, known := d.Kinds[kind]; known {
				continue
			}
			name, subs = "-", nil
		}
		sort.Strings(subs)
		typeName := "-"
		if goType, known := scheme.Scheme.AllKnownTypes()[parsed.WithKind(one.Kind)]; known {
			typeName = d.structure(goType)
		}
		if was, known := d.Kinds[kind]; known && !strings.HasPrefix(was, "- ") {
			continue
		}
		d.Kinds[kind] = strings.Join(append([]string{name, scope, typeName}, subs...), " ")
	}
}

func name(goType reflect.Type) string {
	parts := strings.Split(goType.PkgPath(), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/") + "." + goType.Name()
}

// structure notes the fields of a struct and returns its name.
func (d *dump) structure(goType reflect.Type) string {
	own := name(goType)
	if _, known := d.Types[own]; !known {
		d.Types[own] = nil
		d.Types[own] = d.fields(goType)
	}
	return own
}

func (d *dump) fields(goType reflect.Type) []field {
	var fields []field
	for at := 0; at < goType.NumField(); at++ {
		member := goType.Field(at)
		items := strings.Split(member.Tag.Get("json"), ",")
		if items[0] == "-" || member.PkgPath != "" {
			continue
		}
		flags := ""
		inline := member.Anonymous && items[0] == ""
		for _, option := range items[1:] {
			switch option {
			case "omitempty":
				flags += "?"
			case "omitzero":
				flags += "!"
			case "inline":
				inline = true
			}
		}
		if inline {
			if member.Type.Kind() != reflect.Struct {
				fail(fmt.Errorf("%v.%s is inlined but is no struct", goType, member.Name))
			}
			for _, one := range d.fields(member.Type) {
				// Messages about a field name the struct that it was inlined from.
				fields = append(fields, field{member.Name + "." + one.Name, one.Spec})
			}
			continue
		}
		own := items[0]
		if own == "" {
			own = member.Name
		}
		fields = append(fields, field{own, flags + d.typeOf(member.Type)})
	}
	return fields
}

// known are the types with a JSON form of their own.
var known = map[string]string{
	"api/resource.Quantity": "q", "util/intstr.IntOrString": "o", "meta/v1.Time": "t", "meta/v1.MicroTime": "m", "meta/v1.Duration": "d",
	"pkg/runtime.RawExtension": "r", "meta/v1.FieldsV1": "r", "pkg/runtime.Unknown": "r",
}

func (d *dump) typeOf(goType reflect.Type) string {
	if letter, found := known[name(goType)]; found {
		return letter
	}
	// Messages of the API server name the Go type: `v1.RestartPolicy` of a string, `v1.ResourceList` of a map.
	own := ""
	if goType.PkgPath() != "" {
		own = "(" + goType.String() + ")"
	}
	switch goType.Kind() {
	case reflect.Pointer:
		return "*" + d.typeOf(goType.Elem())
	case reflect.String:
		return "s" + own
	case reflect.Bool:
		return "b" + own
	case reflect.Int32:
		return "i" + own
	case reflect.Int, reflect.Int64:
		return "l"
	case reflect.Float64:
		return "f" + own
	case reflect.Interface:
		return "r"
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[" + own + d.typeOf(goType.Elem())
	case reflect.Map:
		if goType.Key().Kind() == reflect.String {
			return "{" + own + d.typeOf(goType.Elem())
		}
	case reflect.Struct:
		if reflect.PointerTo(goType).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			fail(fmt.Errorf("%v has a JSON form of its own", goType))
		}
		return "@" + d.structure(goType)
	}
	fail(fmt.Errorf("no letter for %v", goType))
	return ""
}
