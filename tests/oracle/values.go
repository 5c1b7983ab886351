package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// jsonOf writes a CEL value as JSON. Values that JSON does not have become {"$type": name of the type, "value": …}.
func jsonOf(value ref.Val) any {
	switch v := value.(type) {
	case nil:
		return nil
	case types.Null:
		return nil
	case types.Bool:
		return bool(v)
	case types.Int:
		return int64(v)
	case types.Uint:
		return special("uint", uint64(v))
	case types.Double:
		return jsonOfDouble(float64(v))
	case types.String:
		return string(v)
	case types.Bytes:
		return special("bytes", base64.StdEncoding.EncodeToString(v))
	case types.Duration:
		return special("duration", v.Duration.String())
	case types.Timestamp:
		return special("timestamp", v.Time.UTC().Format(time.RFC3339Nano))
	case *types.Type:
		return special("type", v.TypeName())
	case *types.Optional:
		if !v.HasValue() {
			return special("optional", []any{})
		}
		return special("optional", []any{jsonOf(v.GetValue())})
	case *types.Err:
		return special("error", v.Error())
	case traits.Mapper:
		return jsonOfMap(v)
	case traits.Lister:
		return jsonOfList(v)
	}
	return special(value.Type().TypeName(), opaqueText(value))
}

func special(name string, value any) any {
	return map[string]any{"$type": name, "value": value}
}

// jsonOfDouble keeps a double apart from an int: 1.0 is written with its fraction.
func jsonOfDouble(f float64) any {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return special("double", strconv.FormatFloat(f, 'g', -1, 64))
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return json.RawMessage(text)
}

func jsonOfList(list traits.Lister) any {
	result := []any{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		result = append(result, jsonOf(it.Next()))
	}
	return result
}

func jsonOfMap(mapper traits.Mapper) any {
	byName := map[string]any{}
	pairs := [][]any{}
	onlyNames := true
	for it := mapper.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		value := jsonOf(mapper.Get(key))
		name, isName := key.(types.String)
		onlyNames = onlyNames && isName
		byName[string(name)] = value
		pairs = append(pairs, []any{jsonOf(key), value})
	}
	if onlyNames {
		return byName
	}
	sort.Slice(pairs, func(i, j int) bool { return fmt.Sprint(pairs[i][0]) < fmt.Sprint(pairs[j][0]) })
	return special("map", pairs)
}

func opaqueText(value ref.Val) string {
	if text, ok := value.Value().(fmt.Stringer); ok {
		return text.String()
	}
	return fmt.Sprintf("%v", value.Value())
}
