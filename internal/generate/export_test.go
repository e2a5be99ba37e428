package generate

// DecodeOneByOne makes a generator decode each token in a pass of its own.
func (g *Generator) DecodeOneByOne() { g.noGuesses = true }
