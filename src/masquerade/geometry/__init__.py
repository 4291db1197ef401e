"""Pure geometry and colour: arrays in, arrays out, no state, no networks."""
