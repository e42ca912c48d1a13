# METADATA
# title: Decision tables
# description: The rows of policies/vectors, loaded as data.vectors, with policies/data loaded as data.fixtures.
package strongroom.lib.vectors_test

config(profile) := object.union(data.fixtures[profile], {"reasons": data.fixtures.reasons})

rows(entrypoint) := {note: row |
	table := data.vectors[entrypoint]
	some number, group in table.groups
	bundle := object.union(table.bundle, {"digest": _digest})
	base := json.unmarshal(replace(json.marshal(group.base), "$policy", _digest))
	some case in group.cases
	note := sprintf("%s %d: %s", [group.profile, number, case.name])
	row := {
		"input": json.patch(base, [{"op": "add", "path": path, "value": value} | some path, value in case.set]),
		"config": config(group.profile),
		"bundle": bundle,
		"expected": case,
	}
}

_digest := "sha256:5555555555555555555555555555555555555555555555555555555555555555"

test_there_are_rows if {
	every entrypoint in ["access", "release", "appraisal"] {
		count(rows(entrypoint)) > 50
	}
}
