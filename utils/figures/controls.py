"""Controls that several figures share, choices in a row and a folded table of numbers: they are in controls.js and .css."""
