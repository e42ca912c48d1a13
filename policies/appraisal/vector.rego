package strongroom.appraisal

# METADATA
# title: AR4SI trust vector
# description: |
#   Numbers of draft-ietf-rats-ar4si: 0 no claim; 2 affirmed; 3 executables approved during boot; 32 known,
#   but no longer good; 96 contraindicated; 97 not recognised though it should be; 99 cryptographic validation failed.
vector := {
	"instance-identity": _instance_identity,
	"configuration": _configuration,
	"executables": _executables,
	"hardware": _hardware,
}

_instance_identity := 2 if {
	"evidence.binding" in proved
	"evidence.key" in proved
} else := 97 if {
	"evidence.binding" in proved
} else := 99

_configuration := 2 if {
	"environment.matched" in proved
	"environment.current" in proved
	"evidence.boot" in proved
} else := 32 if {
	"environment.matched" in proved
} else := 96

_executables := 3 if {
	"environment.matched" in proved
	"environment.current" in proved
} else := 32 if {
	"environment.matched" in proved
} else := 96

# Software evidence, and a simulated TPM, make no claim about hardware; where hardware is required that is not enough.
_hardware := 2 if {
	"evidence.hardware" in proved
	input.claims.hardware == true
} else := 0 if {
	"evidence.hardware" in proved
} else := 97
