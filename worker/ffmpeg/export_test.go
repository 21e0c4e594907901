package ffmpeg

// SampleHEVC is for the test that decodes it.
func SampleHEVC() (config, frame []byte) { return sampleHEVC() }
