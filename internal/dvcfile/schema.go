package dvcfile

import (
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// What is accepted where. Sections 2 and 3 of DVC's dvc.yaml, with the "live"
// section of DVC 2.1 added, which DVC 3 refuses.
var (
	annotations = []field{opt("desc", isStr), opt("type", isStr), opt("labels", listOf(isStr)), opt("meta", isAny)}

	outFlags = append([]field{
		opt("cache", isBool), opt("persist", isBool), opt("checkpoint", isBool),
		opt("remote", isStr), opt("push", isBool),
	}, annotations...)

	plotProps = []field{
		opt("template", isStr), opt("x", isStr), opt("y", isStr), opt("x_label", isStr),
		opt("y_label", isStr), opt("title", isStr), opt("header", isBool),
	}
	plotFlags = fields(append(plotProps[:len(plotProps):len(plotProps)], outFlags...)...)
	liveFlags = fields(append([]field{opt("summary", isBool), opt("html", isBool)}, outFlags...)...)

	outList  = listOf(either(isStr, mapOf(fields(outFlags...))))
	plotList = listOf(either(isStr, mapOf(either(plotFlags, listOf(plotFlags)))))
	varsList = listOf(isStr, isDict)

	stageFields = []field{
		opt("matrix", mapOf(either(isStr, isList))),
		req("cmd", either(isStr, isList)),
		opt("wdir", isStr),
		opt("deps", listOf(isStr)),
		opt("params", listOf(either(isStr, isDict))),
		opt("vars", varsList),
		opt("frozen", isBool),
		opt("meta", isAny),
		opt("desc", isStr),
		opt("always_changed", isBool),
		opt("outs", outList),
		opt("metrics", outList),
		opt("plots", plotList),
		opt("live", either(isStr, mapOf(liveFlags))),
	}
	stageSchema   = fields(stageFields...)
	foreachSchema = fields(req("foreach", either(isDict, isList, isStr)), req("do", stageSchema))

	topPlot = fields(
		opt("x", either(isStr, mapOf(isStr))),
		opt("y", either(isStr, listOf(isStr), mapOf(either(isStr, listOf(isStr))))),
		opt("x_label", isStr), opt("y_label", isStr), opt("title", isStr), opt("template", isStr),
	)

	artifact = fields(append([]field{req("path", isStr)}, annotations...)...)

	projectSchema = fields(
		opt("stages", mapOf(stageOrForeach)),
		opt("vars", varsList),
		opt("params", listOf(isStr)),
		opt("metrics", listOf(isStr)),
		opt("plots", listOf(either(isStr, mapOfSome(either(topPlot, isNull))))),
		opt("artifacts", mapOf(artifact)),
		opt("datasets", isAny),
	)
)

// stageOrForeach checks an entry of stages.
func stageOrForeach(v any, at []any) []violation {
	if m, ok := v.(*dvcyaml.Map); ok {
		_, foreach := m.Get("foreach")
		_, do := m.Get("do")
		if foreach || do {
			return foreachSchema(v, at)
		}
	}
	return stageSchema(v, at)
}

// What is accepted in dvc.lock and .dvc files.
var (
	sums = []field{opt("md5", isSum), opt("checksum", isSum), opt("etag", isSum)}
	meta = []field{opt("size", isInt), opt("nfiles", isInt), opt("isexec", isBool), opt("version_id", isStr)}

	sumsAndMeta = append(sums[:len(sums):len(sums)], meta...)
	cloud       = mapOf(fields(sumsAndMeta...))
	dirFiles    = listOf(fields(append([]field{req("relpath", isStr), opt("cloud", cloud)}, sumsAndMeta...)...))

	lockEntry = fields(append([]field{
		req("path", isStr), opt("cloud", cloud), opt("files", dirFiles), opt("hash", isStr), opt("dataset", isDict),
	}, sumsAndMeta...)...)
	lockStage = fields(
		req("cmd", either(isStr, isList)),
		opt("deps", listOf(lockEntry)),
		opt("params", mapOf(mapOf(isAny))),
		opt("outs", listOf(lockEntry)),
	)
	lockFile = fields(
		req("schema", isLockSchema),
		opt("datasets", isAny),
		opt("stages", mapOf(lockStage)),
	)

	dvcEntry = append([]field{
		opt("path", isStr), opt("persist", isBool), opt("cloud", cloud), opt("hash", isStr),
		opt("files", dirFiles), opt("fs_config", isDict),
	}, sumsAndMeta...)
	dvcOut = fields(append(append(dvcEntry[:len(dvcEntry):len(dvcEntry)], annotations...),
		opt("cache", isBool), opt("remote", isStr), opt("push", isBool))...)
	dvcDep = fields(append(dvcEntry[:len(dvcEntry):len(dvcEntry)],
		opt("repo", isDict), opt("db", isDict))...)
	dvcFile = fields(
		opt("md5", isSum),
		opt("wdir", either(isStr, isNull)),
		opt("deps", either(listOf(dvcDep), isNull)),
		opt("outs", either(listOf(dvcOut), isNull)),
		opt("locked", isBool), opt("frozen", isBool), opt("always_changed", isBool),
		opt("desc", isStr), opt("meta", isAny),
	)
)

// isSum accepts what may stand for a checksum: nothing, a string of three or
// more characters, or a number that lost its quotes.
func isSum(v any, at []any) []violation {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if len(v) == 0 || len(v) >= 3 {
			return nil
		}
	default:
		if n := typeName(v); (n == "int" || n == "bool") && len(text(v)) >= 3 {
			return nil
		}
	}
	return []violation{{at: slices.Clone(at), msg: "not a valid value", want: "expected a checksum"}}
}

// isLockSchema accepts the text 2.0 and not the number.
func isLockSchema(v any, at []any) []violation {
	if v != lockSchema {
		return bad(at, "invalid schema version")
	}
	return nil
}
