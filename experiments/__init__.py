"""Claims that could have failed: one module a claim, its recorded outcome beside it in results/."""
