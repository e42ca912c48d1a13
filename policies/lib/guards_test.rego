package strongroom.lib.guards_test

import data.strongroom.lib.guards

_odd := [null, true, "", "x", [], {}, -1, 9007199254740992]

test_natural if {
	every value in [0, 1, 9007199254740991] {
		guards.natural(value)
	}
	count([value | some value in _odd; guards.natural(value)]) == 0
}

test_text if {
	guards.text("x")
	count([value | some value in _odd; guards.text(value)]) == 1
}

test_digest if {
	guards.digest("sha256:5555555555555555555555555555555555555555555555555555555555555555")
	count([value | some value in ["sha256:55", "sha512:55", 5, null]; guards.digest(value)]) == 0
}

test_ahead if {
	guards.ahead(11, 10, 5)
	guards.ahead(15, 10, 5)
	count([at | some at in [9, 10, 16, "11", null]; guards.ahead(at, 10, 5)]) == 0
}

test_recent if {
	guards.recent(10, 10, 5)
	guards.recent(5, 10, 5)
	count([at | some at in [4, 11, "9", null]; guards.recent(at, 10, 5)]) == 0
}

test_distinct if {
	guards.distinct([])
	guards.distinct(["a", "b"])
	count([items | some items in [["a", "a"], "aa", {"a": 1}]; guards.distinct(items)]) == 0
}
