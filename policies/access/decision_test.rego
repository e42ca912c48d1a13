package strongroom.access_test

import data.strongroom.access
import data.strongroom.lib.vectors_test as tables

test_decision_table[note] if {
	some note, row in tables.rows("access")
	answer := access.decision with input as row.input with data.config as row.config with data.bundle as row.bundle
	answer.decision == row.expected.decision
	[reason.code | some reason in answer.reasons] == row.expected.codes
	ids := [obligation.id | some obligation in answer.obligations]
	ids == object.get(row.expected, "obligations", ids)
}

test_refuses_an_action_that_data_does_not_name if {
	every action in ["", "delete_log", {"name": "delete.log"}] {
		answer := access.decision with input as {"action": action} with data.config as tables.config("production")
		answer.decision == false
		[reason.code | some reason in answer.reasons] == ["policy.no_rule"]
	}
}

test_refuses_without_data if {
	answer := access.decision with input as {"action": "read_shard"} with data.config as {}
	answer.decision == false
}
