package strongroom.appraisal

import data.config
import data.strongroom.lib.guards

proved contains "profile.same" if {
	guards.text(input.profile)
	input.profile == config.profile
}

proved contains "evidence.kind" if {
	guards.text(input.claims.kind)
	input.claims.kind in config.evidence.kinds
}

# Only a kind that can vouch for hardware may claim it.
proved contains "evidence.hardware" if {
	input.claims.hardware == true
	input.claims.kind in config.evidence.hardware_kinds
}

proved contains "evidence.hardware" if {
	input.claims.hardware == false
	config.evidence.require_hardware == false
}

proved contains "evidence.key" if {
	guards.text(input.claims.ak_name)
	input.claims.ak_registered == true
}

proved contains "evidence.binding" if input.claims.binding_verified == true

proved contains "evidence.clock" if {
	input.claims.kind in config.evidence.clock_kinds
	input.claims.clock_safe == true
}

# Evidence without a clock may not claim one.
proved contains "evidence.clock" if {
	_clockless
	input.claims.clock_safe == false
}

proved contains "evidence.boot" if {
	input.claims.kind in config.evidence.clock_kinds
	guards.natural(input.claims.reset_count)
	guards.natural(input.claims.expected_reset_count)
	_purpose.boot == "not_before"
	input.claims.reset_count >= input.claims.expected_reset_count
}

# A reboot ends what was given before it.
proved contains "evidence.boot" if {
	input.claims.kind in config.evidence.clock_kinds
	guards.natural(input.claims.reset_count)
	_purpose.boot == "same"
	input.claims.reset_count == input.claims.expected_reset_count
}

proved contains "evidence.boot" if {
	_clockless
	input.claims.reset_count == 0
	input.claims.expected_reset_count == 0
}

proved contains "environment.matched" if {
	input.environment.matched == true
	guards.text(input.environment.name)
	guards.text(input.environment.kind)
	input.environment.kind == input.claims.kind
}

proved contains "environment.current" if {
	guards.ahead(input.environment.expires_at, input.now, config.horizons.environment_seconds)
}

_clockless if {
	guards.text(input.claims.kind)
	kinds := {kind | some kind in config.evidence.kinds} - {kind | some kind in config.evidence.clock_kinds}
	input.claims.kind in kinds
}
