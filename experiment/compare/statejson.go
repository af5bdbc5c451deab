package compare

import (
	"strconv"
	"time"

	"github.com/reprodl/reprodl/params/pyjson"
)

// appendTime writes a time as Python's isoformat does: local, whole seconds.
func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	return t.Local().AppendFormat(dst, `"2006-01-02T15:04:05"`)
}

// AppendJSON appends DVC's JSON of the states, the output of
// `dvc exp show --json` without the final newline.
func AppendJSON(dst []byte, states []State) []byte {
	dst = append(dst, '[')
	for i := range states {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = states[i].appendJSON(dst)
	}
	return append(dst, ']')
}

// appendJSON keeps the order of the fields in DVC's ExpState. The text of Data
// goes in as it is, whether it was encoded just now or read from the cache.
func (s *State) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"rev": `...)
	dst = pyjson.AppendString(dst, s.Rev, true)
	dst = append(dst, `, "name": `...)
	dst = appendOptional(dst, s.Name)
	dst = append(dst, `, "data": `...)
	if s.Data == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"rev": `...)
		dst = pyjson.AppendString(dst, s.Rev, true)
		// The fields of DVC's SerializableExp, in its order.
		dst = append(dst, `, "timestamp": `...)
		dst = appendTime(dst, s.Data.Time)
		dst = append(dst, ", "...)
		dst = append(append(dst, s.Data.text...), '}')
	}
	dst = append(dst, `, "error": `...)
	if s.Err == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"msg": `...)
		dst = pyjson.AppendString(dst, s.Err.Msg, true)
		dst = append(dst, `, "type": `...)
		dst = append(pyjson.AppendString(dst, s.Err.Type, true), '}')
	}
	dst = append(dst, `, "experiments": `...)
	// DVC has null here, never an empty list.
	if len(s.Experiments) == 0 {
		return append(dst, "null}"...)
	}
	for i := range s.Experiments {
		if i == 0 {
			dst = append(dst, '[')
		} else {
			dst = append(dst, ", "...)
		}
		dst = s.Experiments[i].appendJSON(dst)
	}
	return append(dst, "]}"...)
}

// appendJSON writes a list of one revision: DVC's format is from the time when
// an experiment could have checkpoints.
func (x *Range) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"revs": [`...)
	dst = x.State.appendJSON(dst)
	dst = append(dst, `], "executor": `...)
	if e := x.Executor; e == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"state": `...)
		dst = pyjson.AppendString(dst, e.State, true)
		dst = append(dst, `, "name": `...)
		dst = appendOptional(dst, e.Name)
		dst = append(dst, `, "local": `...)
		// "local" is null as a whole where nothing of the process is known.
		if e.Root == "" && e.Log == "" && e.PID == 0 && e.Task == "" {
			dst = append(dst, "null"...)
		} else {
			dst = append(dst, `{"root": `...)
			dst = appendOptional(dst, e.Root)
			dst = append(dst, `, "log": `...)
			dst = appendOptional(dst, e.Log)
			dst = append(dst, `, "pid": `...)
			if e.PID == 0 {
				dst = append(dst, "null"...)
			} else {
				dst = strconv.AppendInt(dst, int64(e.PID), 10)
			}
			dst = append(dst, `, "returncode": `...)
			// Zero is a return code, so it needs a pointer to be absent.
			if e.ReturnCode == nil {
				dst = append(dst, "null"...)
			} else {
				dst = strconv.AppendInt(dst, int64(*e.ReturnCode), 10)
			}
			dst = append(dst, `, "task_id": `...)
			dst = append(appendOptional(dst, e.Task), '}')
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `, "name": `...)
	return append(appendOptional(dst, x.Name), '}')
}

// appendOptional writes null for "".
func appendOptional(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return pyjson.AppendString(dst, s, true)
}
