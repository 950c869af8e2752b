package awsapitest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
)

// Decode reads a JSON body into the struct that v points to. The names of
// fields count case included, as the services have it and encoding/json has
// not; unknown fields are ignored. An empty body is an empty object. The error
// is an [*Error] with status 400.
func Decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	exact, err := exactNames(body, reflect.TypeOf(v))
	if err == nil {
		err = json.Unmarshal(exact, v)
	}
	if err != nil {
		return Errorf(http.StatusBadRequest, "SerializationException", "The request body is not the JSON of this call.")
	}
	return nil
}

// exactNames returns the JSON without the members whose names are not those of
// the type's fields to the letter.
func exactNames(body json.RawMessage, t reflect.Type) (json.RawMessage, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return body, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			return nil, err
		}
		keep := map[string]json.RawMessage{}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == "" {
				name = t.Field(i).Name
			}
			if m, ok := members[name]; ok {
				m, err := exactNames(m, t.Field(i).Type)
				if err != nil {
					return nil, err
				}
				keep[name] = m
			}
		}
		return json.Marshal(keep)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return body, nil
		}
		var items []json.RawMessage
		if err := json.Unmarshal(body, &items); err != nil {
			return nil, err
		}
		for i := range items {
			var err error
			if items[i], err = exactNames(items[i], t.Elem()); err != nil {
				return nil, err
			}
		}
		return json.Marshal(items)
	}
	return body, nil
}
