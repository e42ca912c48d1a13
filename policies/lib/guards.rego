# METADATA
# title: Guards
# description: |
#   Type guards for proofs. Each is undefined for a value that is absent or of another type, so a proof built on one
#   fails; none may stand behind `not`. Rego compares across types (null < bool < number < string), which is why an
#   ordering never stands without one of these.
package strongroom.lib.guards

# METADATA
# title: Largest integer that every JSON reader keeps exactly
max_integer := 9007199254740991

# METADATA
# title: A count, size or instant
# description: A number from 0 to 2^53-1.
natural(value) if {
	is_number(value)
	value >= 0
	value <= max_integer
}

# METADATA
# title: Text that says something
text(value) if {
	is_string(value)
	value != ""
}

# METADATA
# title: A written SHA-256 digest
digest(value) if {
	is_string(value)
	startswith(value, "sha256:")
	count(value) == 71
}

# METADATA
# title: An instant still ahead, but not past the horizon that policy data sets for its kind
ahead(instant, now, horizon_seconds) if {
	natural(instant)
	natural(now)
	natural(horizon_seconds)
	instant > now
	instant <= now + horizon_seconds
}

# METADATA
# title: An instant that lies at most so many seconds back, and never in the future
recent(instant, now, max_age_seconds) if {
	natural(instant)
	natural(now)
	natural(max_age_seconds)
	instant <= now
	now - instant <= max_age_seconds
}

# METADATA
# title: A collection without repetition
distinct(items) if {
	is_array(items)
	count({item | some item in items}) == count(items)
}
