package tensorboard

import (
	"fmt"
	"math/big"
	"time"

	"github.com/reprodl/reprodl/params/ordered"
)

// The tags under which TensorBoard's hparams plugin looks for its data, each
// an HParamsPluginData of tensorboard/plugins/hparams/plugin_data.proto. There is
// a third, for a declaration of the parameters and metrics; without it the
// plugin shows all that it finds, which is what a logger wants.
const (
	tagSessionStart = "_hparams_/session_start_info"
	tagSessionEnd   = "_hparams_/session_end_info"
)

// param is a parameter as the plugin takes it: a bool, a float64 or a string.
type param struct {
	name  string
	value any
}

// flatten names nested parameters by their path.
func flatten(out []param, prefix string, m *ordered.Map) []param {
	for key, value := range m.All() {
		name := prefix + fmt.Sprint(key)
		switch v := value.(type) {
		case *ordered.Map:
			out = flatten(out, name+".", v)
		case bool, float64:
			out = append(out, param{name, v})
		case int64:
			out = append(out, param{name, float64(v)})
		case *big.Int:
			f, _ := new(big.Float).SetInt(v).Float64()
			out = append(out, param{name, f})
		case nil:
			out = append(out, param{name, "None"})
		default:
			out = append(out, param{name, fmt.Sprint(v)})
		}
	}
	return out
}

// hparamsData is a Summary with a value that holds nothing but metadata.
func hparamsData(tag string, field int, content message) message {
	plugin := message{}.msg(field, content)
	empty := message{}.varint(1, 1).msg(2, message{}.msg(2, message{})) // float tensor of shape (0)
	value := message{}.str(1, tag).msg(8, empty).msg(9, message{}.msg(1, message{}.str(1, "hparams").bytes(2, plugin.data)))
	return message{}.msg(1, value)
}

// sessionStart gives the parameters their values, each a
// google.protobuf.Value.
func sessionStart(now time.Time, params []param) message {
	var m message
	for _, p := range params {
		var value message
		switch v := p.value.(type) {
		case bool:
			value = value.varint(4, map[bool]uint64{true: 1}[v])
		case float64:
			value = value.double(2, v)
		case string:
			value = value.str(3, v)
		}
		m = m.msg(1, message{}.str(1, p.name).msg(2, value))
	}
	m = m.double(5, float64(now.UnixNano())/1e9)
	return hparamsData(tagSessionStart, 3, m)
}

func sessionEnd(now time.Time) message {
	const success = 1
	m := message{}.varint(1, success).double(2, float64(now.UnixNano())/1e9)
	return hparamsData(tagSessionEnd, 4, m)
}
