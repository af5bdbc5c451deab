package dvcyaml

import (
	"math/big"
	"time"
)

// PythonType is what Python calls the type of a value that a parser of this module gave,
// as in its messages: "NoneType", "int", "datetime.date". Of what none gives it is
// "object".
func PythonType(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Date:
		return "datetime.date"
	case time.Time:
		return "datetime.datetime"
	case []any:
		return "list"
	case *Map:
		return "dict"
	}
	return "object"
}
