package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/liangding/platform"
)

// maxDepth bounds the nesting of a body.
const maxDepth = 32

// decode reads a JSON body strictly: one value, no unknown member, at most 32
// deep. An empty body is an empty command.
func decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if depth(body) > maxDepth {
		return fmt.Errorf("body deeper than %d: %w", maxDepth, errBody)
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	err := in.Decode(into)
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed) && typed.Field != "":
		return platform.Wrong(typed.Field, errBody)
	case errors.Is(err, platform.ErrInvalid):
		return err // money and ids refuse with codes of their own
	case err != nil && strings.HasPrefix(err.Error(), unknownMember):
		return platform.Detail(errMember, "member", strings.Trim(err.Error()[len(unknownMember):], `"`))
	case err != nil:
		return errBody // what went wrong may quote what was sent, and is logged
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more than one value: %w", errBody)
	}
	return nil
}

// unknownMember is how encoding/json begins its error, which has no type.
const unknownMember = "json: unknown field "

func depth(body []byte) (deepest int) {
	open, text := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			text = !text
		case text && c == '\\':
			i++
		case text:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}
