package convert

// WriteSafetensorsInParts is WriteSafetensors with files of at most this many bytes.
var WriteSafetensorsInParts = Source.writeSafetensors
