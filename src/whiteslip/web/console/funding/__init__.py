"""What funders lend against: bases with their proof, covenants with headroom, what leaving does."""
